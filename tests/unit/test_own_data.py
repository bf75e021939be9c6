"""benchmarks/own_images.py: its pixel figures, its data sets and its records."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import own_data  # type: ignore[import-not-found]
import own_figures  # type: ignore[import-not-found]
import own_images  # type: ignore[import-not-found]
import own_letters  # type: ignore[import-not-found]
import pytest
from numpy.typing import NDArray
from scipy import ndimage

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


def test_a_data_set_that_lost_a_file_is_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(own_data.BUILDERS, "two", lambda _: [("cat/1.png", b"1"), ("dog/2.png", b"2")])
    folder = own_data.build("two", own_data.Sources(tmp_path))
    for lost, kept in (("cat/1.png", "dog/2.png"), ("dog/2.png", "cat/1.png")):
        (folder / lost).unlink()
        assert own_data.build("two", own_data.Sources(tmp_path)) == folder
        assert (folder / lost).exists()
        assert (folder / kept).exists()
    assert json.loads(own_data.facts(folder).read_text())["files"] == 2


@pytest.mark.parametrize("name", ["Lato-Bold A", "Lato-Bold B", "cmunrm z"])
def test_coloured_letters_can_be_read_and_are_a_function_of_their_name(name: str) -> None:
    mask = np.array([[0, 255]], np.uint8)
    paper, ink = own_letters.painted(mask, name)[0].astype(np.int64)
    assert own_letters.contrast(ink, paper) >= own_letters.CONTRAST
    assert (own_letters.painted(mask, name) == own_letters.painted(mask, name)).all()
    assert (own_letters.painted(mask, name) != own_letters.painted(mask, f"{name}2")).any()


@pytest.mark.slow
def test_a_run_is_recorded_and_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["own_images", str(tmp_path), "--only", "digits", "--images", "256", "--systems", "swift", "stylegan2"]
    monkeypatch.setattr(sys, "argv", [*words, "--seeds", "0", "--threads", "1", "--out", str(tmp_path / "out.json")])
    own_images.main()
    first = (tmp_path / "out.json").read_bytes()
    assert [one["system"] for one in json.loads(first)["results"]] == ["swift", "stylegan2"]
    assert len([*(tmp_path / "sheets/digits").glob("*.png")]) == 2
    monkeypatch.setattr(own_images, "condgen", lambda *_: pytest.fail("ran again"))
    own_images.main()
    assert (tmp_path / "out.json").read_bytes() == first
