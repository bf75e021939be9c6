"""The facts about a generator that a page or a program needs to request images. Needs no torch."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from condgen.labels import ANY, empty_in
from condgen.options import Option
from condgen.spec import Prior, Spec


def facts(
    name: str, card: Mapping[str, Any], spec: Spec, prior: Prior, micro_batch: int, manifold: bool,
    options: Iterable[Option] = (),
) -> dict[str, Any]:  # fmt: skip
    """The facts in the response to GET /about of `condgen serve` and in an exported page; each adds its own limits.

    manifold: whether z is the plane of an autoencoder (`card.has_plane`).
    """
    channels, height, width = spec.shape
    return {
        "name": name,
        **{key: card.get(key) for key in ("system", "images", "sha256")},
        "kind": "any" if spec.labels == ANY else spec.labels.kind,
        "names": list(spec.labels.names),
        "empty": sorted(empty_in(card, spec.labels)),
        "image": {"channels": channels, "height": height, "width": width},
        "latent": asdict(prior),
        "manifold": manifold,
        "micro_batch": micro_batch,
        "options": [option.to_json() for option in options],
        "sampling": card.get("sampling") or {},
    }
