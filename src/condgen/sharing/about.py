"""The facts about a generator that a page or a program needs to request images. Needs no torch."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from condgen.card import Card
from condgen.labels import ANY
from condgen.options import Option
from condgen.spec import Prior, Spec


def facts(
    name: str, card: Card, spec: Spec, prior: Prior, micro_batch: int, manifold: bool,
    options: Iterable[Option] = (),
) -> dict[str, Any]:  # fmt: skip
    """The facts in the response to GET /about of `condgen serve` and in an exported page; each adds its own limits.

    manifold: whether z is the plane of an autoencoder (`card.has_plane`).
    """
    channels, height, width = spec.shape
    return {
        "name": name,
        "system": card.system,
        "images": card.images,
        "sha256": card.sha256,
        "kind": "any" if spec.labels == ANY else spec.labels.kind,
        "names": list(spec.labels.names),
        "empty": sorted(card.empty),
        "image": {"channels": channels, "height": height, "width": width},
        "latent": asdict(prior),
        "manifold": manifold,
        "micro_batch": micro_batch,
        "options": [option.to_json() for option in options],
        "sampling": card.sampling or {},
    }
