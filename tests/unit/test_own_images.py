"""The pixel figures of benchmarks/own_images.py: 1 or 0 for equal images, and the direction of each fault."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import own_figures  # type: ignore[import-not-found]

Images = NDArray[np.uint8]
SMOOTH = ndimage.gaussian_filter(np.random.default_rng(0).normal(0, 300, (64, 32, 32, 3)), (0, 1.5, 1.5, 0))
REAL = (SMOOTH + 128).clip(0, 255).astype(np.uint8)


def speckled(images: Images) -> Images:
    return (images + np.random.default_rng(1).normal(0, 20, images.shape)).clip(0, 255).astype(np.uint8)


def blurred(images: Images) -> Images:
    found: Images = ndimage.uniform_filter(images, (1, 3, 3, 1))
    return found


def in_patches(images: Images) -> Images:
    """Each 4x4 patch is brighter or darker as a whole."""
    steps = np.random.default_rng(2).normal(0, 20, (len(images), 8, 8, 1)).repeat(4, 1).repeat(4, 2)
    return (images + steps).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("spoilt", "figure", "low", "high"),
    [
        (speckled, "fine_detail", 1.5, 100),
        (blurred, "fine_detail", 0, 0.7),
        (in_patches, "patch_borders", 1.5, 100),
        (speckled, "patch_borders", 0.9, 1.1),
        (speckled, "spectrum", 3, 100),
        (blurred, "spectrum", 3, 100),
    ],
)
def test_a_fault_moves_its_figure(spoilt: Callable[[Images], Images], figure: str, low: float, high: float) -> None:
    found = own_figures.figures(spoilt(REAL), REAL)
    assert low < found[figure]["value"] < high
    same = own_figures.figures(REAL, REAL)
    assert [same[name]["value"] for name in own_figures.FIGURES] == [1, 1, 0]


def test_copies_are_memorised_and_other_images_are_not() -> None:
    found = own_figures.memorised(REAL[:32], REAL[:32], REAL[32:])
    assert found["value"] == 1
    assert found["real"] < 0.1
