"""Generators that are part of the package: an exported folder each. tools/train_ready_made.py trained them.

Needs no torch.
"""

from pathlib import Path

NAMES = {
    "digits": "handwritten digits, 28x28 grey, trained on MNIST (CC BY-SA 3.0)",
    "clothes": "photos of clothes, 28x28 grey, trained on Fashion-MNIST (MIT)",
}
"""Name -> what the generator generates."""


def folder(name: str) -> Path:
    """The exported folder of a ready-made generator."""
    return Path(__file__).parent / name
