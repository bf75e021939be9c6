"""The provenance of an image, in its file name and its metadata. Needs no torch, so that a server need not load it."""

from collections.abc import Mapping
from typing import Any

from condgen.labels import Label, Labels


def file_name(labels: Labels, label: Label, seed: int, index: int) -> str:
    """An image's own name, such as 8_seed0_00003.png."""
    return f"{labels.slug(label)}_seed{seed}_{index:05d}.png"


def about(card: Mapping[str, Any], micro_batch: int, **request: object) -> dict[str, object]:
    """What an image can tell of itself: enough to draw it again.

    card: what a run says of its generator. request: what was asked for, such as label, seed and index.
    """
    sampling = {"sampling": card["sampling"]} if card.get("sampling") else {}
    return {
        **request,
        **sampling,
        "system": card.get("system"),
        "weights": card.get("sha256"),
        "micro_batch": micro_batch,
    }
