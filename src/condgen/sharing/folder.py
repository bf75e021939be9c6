"""Opens the folder of a generator: validates the card, then the manifest, then the weights, in this order."""

from condgen.card import Card
from condgen.device import layout, pick
from condgen.sampling.sampler import Sampler
from condgen.sharing import hub, manifest, weights
from condgen.sharing.card import build_on_meta
from condgen.sharing.locate import Place

ROOM = 2**26
"""Allowed bytes of a file in an exported folder, in addition to four times the size of the network's weights."""


def sampler(place: Place, card: Card, device: str = "cpu") -> Sampler:
    """Load the generator at a place. Raises CondgenError if the files do not match the card.

    The network is first built on torch's meta device, so a card cannot make it allocate more memory than the weights
    have bytes.
    """
    system = build_on_meta(card)
    net = system.generator
    if place.kind != "run":
        only = hub.FILES if place.kind == "hub" else None
        manifest.check(place.folder, 4 * weights.size(net) + ROOM, only)
    weights.load_into(net, place.folder / card.weights, card.sha256)
    chosen = pick(device)
    net.to(memory_format=layout(chosen))  # type: ignore[call-overload]
    return Sampler(
        net, card.image_spec, card.latent_prior, device=chosen,
        micro_batch=card.micro_batch, card=card, options=system.sampling_options,
        takes_mixes=system.takes_mixes,
    ).warmed_up()  # fmt: skip
