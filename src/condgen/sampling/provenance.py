"""The provenance of an image: its file name and its metadata. Needs no torch, so that the server need not load it."""

from collections.abc import Mapping
from typing import Any

from condgen.labels import Label, Labels


def name(labels: Labels, label: Label, seed: int, index: int, digits: int = 5) -> str:
    """The name of a generated image without an ending, such as 8_seed0_00003."""
    return f"{labels.slug(label)}_seed{seed}_{index:0{digits}d}"


def about(card: Mapping[str, Any], micro_batch: int, **request: object) -> dict[str, object]:
    """The metadata of an image, which suffices to generate it again.

    card: the card of the generator. request: the requested values, such as label, seed and index.
    """
    sampling = {"sampling": card["sampling"]} if card.get("sampling") else {}
    return {
        **request,
        **sampling,
        "system": card.get("system"),
        "weights": card.get("sha256"),
        "micro_batch": micro_batch,
    }
