"""Copies are found, exact and near, within a split and across; different images are left alone."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from condgen import duplicates
from condgen.data import Dataset, Split
from condgen.inspection import findings
from condgen.inspection.copies import duplicates as copies_of
from condgen.judging.reference import Reference
from condgen.labels import Labels
from condgen.sampling.canvas import read
from data_files import encoded

SIDE = 32


def scenes(count: int, seed: int = 0) -> list[Image.Image]:
    """Soft blots of colour: as smooth as photographs are, and no two alike."""
    noise = np.random.default_rng(seed).integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)
    return [Image.fromarray(some).resize((SIDE, SIDE), Image.Resampling.BICUBIC) for some in noise]


def dataset(train: list[Image.Image], test: list[Image.Image]) -> Dataset:
    first, second = (
        Split(np.stack([np.asarray(x) for x in some]), np.zeros(len(some), np.int64)) for some in (train, test)
    )
    return Dataset("scenes", Labels(("a",)), first, second)


def jpeg(quality: int) -> Callable[[Image.Image], Image.Image]:
    return lambda image: Image.open(BytesIO(encoded(image, "JPEG", quality=quality))).convert("RGB")


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "jpeg 90": jpeg(90),
    "jpeg 60": jpeg(60),
    "brighter": lambda image: image.point(lambda value: min(255, round(value * 1.05))),
    "scaled": lambda image: image.resize((24, 24), Image.Resampling.LANCZOS).resize((SIDE, SIDE)),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(0.7)),
}


@pytest.mark.parametrize("how", COPIES)
def test_changed_copies_are_found_across_the_splits(how: str) -> None:
    train, others = scenes(60), scenes(20, seed=1)
    copies = [COPIES[how](image) for image in train[:20]]
    found = copies_of(dataset(train, [*others, *copies]))
    assert found.test_in_train == 0, "none is equal in every pixel"
    near = found.near
    assert near.test_in_train >= 18
    assert near.within == {"train": 0, "test": 0}
    for copy in found.copies:
        assert copy.index - 20 == copy.of.index
        assert copy.similarity > duplicates.ALIKE


def test_different_images_are_no_copies() -> None:
    near = copies_of(dataset(scenes(400), scenes(200, seed=1))).near
    assert (near.test_in_train, near.within) == (0, {"train": 0, "test": 0})


def test_exact_copies_are_not_counted_again_as_near_ones() -> None:
    some = scenes(8)
    found = copies_of(dataset([*some, some[0], some[0]], [some[1]]))
    assert (found.within, found.test_in_train) == ({"train": 2, "test": 0}, 1)
    assert (found.near.within, found.near.test_in_train) == ({"train": 0, "test": 0}, 0)


def test_they_are_shown_side_by_side(tmp_path: Path) -> None:
    some = scenes(8)
    data = dataset(some, [some[3], COPIES["jpeg 90"](some[5])])
    facts = findings.facts(data)
    findings.write(data, facts, tmp_path)
    said = " ".join(findings.sentences(facts))
    assert "leakage: 1 test images are also" in said
    assert "possible leakage: 1 test images are near duplicates" in said
    sheet = read(tmp_path / "duplicates.png")
    whole = findings.facts(dataset(some, scenes(2, seed=3)))
    findings.write(dataset(some, scenes(2, seed=3)), whole, tmp_path)
    assert sheet.height > 2 * SIDE
    assert not (tmp_path / "duplicates.png").exists(), "nothing stands twice, and the old sheet is gone"


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_bands_find_every_pair_that_brute_force_finds(seed: int) -> None:
    draw = np.random.default_rng(seed)
    hashes = draw.integers(0, 2**63, 40, dtype=np.uint64)
    twins = hashes.copy()
    for number in range(len(twins)):
        for bit in draw.choice(64, draw.integers(0, 8), replace=False):
            twins[number] ^= np.uint64(1) << np.uint64(bit)
    both = np.concatenate([hashes, twins])
    differ = np.bitwise_count(both[:, None] ^ both[None])
    expected = {(i, j) for i, j in np.argwhere(differ <= duplicates.BITS).tolist() if i < j}
    assert set(map(tuple, duplicates.candidates(both).tolist())) == expected


def test_hashes_are_those_of_imagehash() -> None:
    """Its version 4.3.2 with scipy 1.17.1 gave these; a grey area has one bit."""
    made = [np.random.default_rng(seed).integers(0, 256, (5, 6), np.uint8) for seed in range(5)]
    images = [Image.fromarray(some).resize((40, 30), Image.Resampling.BICUBIC) for some in made]
    found = [np.packbits(duplicates.perceptual_hash(image)).tobytes().hex() for image in images]
    assert found == ["b39906fca3335e03", "9623a5f6f30b0e0b", "fc53dc6b4b143494", "8cd6d961239edc94", "865e1bf61c29e30b"]
    assert np.flatnonzero(duplicates.perceptual_hash(Image.new("L", (20, 20), 77))).tolist() == [0]


def test_an_evaluation_says_that_its_reference_is_leaky() -> None:
    some = scenes(8)
    reference = Reference(dataset(some, [some[3], *scenes(3, seed=2)]), None)  # type: ignore[arg-type]
    assert reference.leaked == 1
