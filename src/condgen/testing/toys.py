"""Small data sets of several kinds, in memory, and cards."""

from dataclasses import asdict

import numpy as np

from condgen.card import Card
from condgen.data import Dataset, Split
from condgen.labels import Labels
from condgen.spec import Prior, Spec

KINDS = {
    "digits": ((1, 28, 28), Labels(tuple("0123456789"))),
    "colour": ((3, 8, 8), Labels(("cat", "dog", "T-shirt/top"))),
    "alpha": ((4, 8, 8), Labels(("cat", "dog"))),
    "attributes": ((1, 12, 8), Labels(("Smiling", "Hat", "Blond_Hair", "Glasses"), "attributes")),
}
"""Shapes and label sets that every system must take: grey, colour and alpha, square and not, classes and attributes."""
ODD = {"odd": ((1, 5, 7), Labels(("left", "right")))}
"""A shape that a system takes, or refuses with the sizes that it would take."""


def toy_data(kind: str, n: int = 60, seed: int = 0) -> Dataset:
    """Random images with a bright bar whose place is the label, so that there is something to learn."""
    (channels, height, width), labels = (KINDS | ODD)[kind]
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 60, (n, height, width, channels), dtype=np.uint8)
    if labels.kind == "classes":
        targets = np.arange(n) % len(labels)
        images[np.arange(n), targets % height] = 230
    else:
        targets = rng.integers(0, 2, (n, len(labels)))
        for image, values in zip(images, targets, strict=True):
            image[np.flatnonzero(values) % height] = 230
    return Dataset(kind, labels, Split(images, targets.astype(np.int64)))


def toy_card(spec: Spec, prior: Prior, system: str = "vae", **facts: object) -> Card:
    """A card of a generator that was never written to files. facts: fields of the card, as JSON."""
    own = {
        "system": system, "config": {}, "spec": spec.to_json(), "prior": asdict(prior), "micro_batch": 32, "images": 0,
        "seed": 0, "data": {"name": "toys", "fingerprint": ""}, "weights": "weights.safetensors", "sha256": "0" * 64,
    }  # fmt: skip
    return Card.of(own | facts)
