"""Opens the folder of a generator: validates the card, then the manifest, then the weights, in this order."""

from typing import Any

from condgen.device import pick
from condgen.sampling.sampler import Sampler
from condgen.sharing import card, hub, manifest, weights
from condgen.sharing.locate import Place
from condgen.spec import Prior, Spec

ROOM = 2**26
"""Allowed bytes of a file in an exported folder, in addition to four times the size of the network's weights."""


def sampler(place: Place, about: dict[str, Any], device: str = "cpu") -> Sampler:
    """Load the generator at a place. about: its card. Raises CondgenError if the files do not match the card.

    The network is first built on torch's meta device, so a card cannot make it allocate more memory than the weights
    have bytes.
    """
    system = card.build_on_meta(about)
    net = system.generator
    if place.kind != "run":
        only = hub.FILES if place.kind == "hub" else None
        manifest.check(place.folder, 4 * weights.size(net) + ROOM, only)
    weights.load_into(net, place.folder / about["weights"], about["sha256"])
    return Sampler(
        net, Spec.from_json(about["spec"]), Prior(**about["prior"]), device=pick(device),
        micro_batch=about["micro_batch"], card=about, options=system.sampling_options,
        takes_mixes=system.takes_mixes,
    ).warmed_up()  # fmt: skip
