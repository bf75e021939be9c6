"""Test images of data without splits: about a tenth of each class, by content, and never all images of a class."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import condgen
from condgen.data import held_out, load
from condgen.data.dataset import Dataset, Split
from condgen.data.held_out import chosen, ranks
from condgen.labels import Labels
from data_files import png, write

SIZES = [1] * 39 + [2, 5, 9, 10, 11, 40, 100, 1000]


def images(count: int, seed: int = 0) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    return np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 3), np.uint8)


@pytest.mark.parametrize("seed", range(3))
def test_each_class_keeps_most_of_its_images_and_gives_a_tenth(seed: int) -> None:
    classes = np.repeat(np.arange(len(SIZES)), SIZES)
    held = chosen(ranks(images(len(classes), seed)), classes)
    for number, size in enumerate(SIZES):
        count = int(held[classes == number].sum())
        assert count == 0 if size < 10 else 1 <= count <= size / 5
    assert 70 <= held[classes == len(SIZES) - 1].sum() <= 130


def test_the_choice_depends_on_content_only() -> None:
    some, classes = images(400), np.arange(400) % 3
    held, order = chosen(ranks(some), classes), np.random.default_rng(1).permutation(400)
    assert (chosen(ranks(some[order]), classes[order]) == held[order]).all()
    more = chosen(ranks(np.concatenate([some, images(20, 2)])), np.concatenate([classes, np.arange(20) % 3]))
    assert (more[:400] == held).all(), "images that are added move no other"
    grey = np.repeat(some[..., :1], 3, 3)
    assert (ranks(grey) == ranks(grey[..., :1])).all(), "a grey image is the same in a colour file"


def test_copies_stay_together() -> None:
    some = np.concatenate([images(100), images(100)])
    held = chosen(ranks(some), np.zeros(200, np.int64))
    assert (held[:100] == held[100:]).all()
    assert not chosen(ranks(np.repeat(images(1), 200, 0)), np.zeros(200, np.int64)).any(), "one image 200 times"


@pytest.mark.parametrize(("count", "rule", "test"), [(99, "per_class", False), (100, "per_class", True),
                                                     (200, "none", False), (200, "overall", False)])  # fmt: skip
def test_few_images_are_all_for_training(count: int, rule: str, test: bool) -> None:
    data = Dataset("x", Labels(("a",)), Split(images(count), np.zeros(count, np.int64)))
    found = load(data, held_out=rule)
    assert bool(found.test) == test
    assert load(found).fingerprint == found.fingerprint or not test, "what was divided is not divided again"
    assert [title for title, _ in found.structure] == ["no test split"] * test


def test_attributes_are_one_class() -> None:
    values = np.random.default_rng(0).integers(0, 2, (300, 4))
    assert (held_out.classes_of(values) == 0).all()


def test_a_run_of_arrays_has_a_default_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the arrays look like as text: without an ellipsis, they made a name that was too long."""
    monkeypatch.chdir(tmp_path)
    arrays = (np.random.default_rng(0).integers(0, 256, (12, 8, 8), np.uint8), np.arange(12) % 3)
    assert condgen.train("cvae", data=arrays, images=8, batch=4, quiet=True).folder == Path("runs/cvae-memory")


def test_a_run_of_the_former_rule_is_resumed_by_its_own_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = write(tmp_path / "own", {f"{('cat', 'dog')[i % 2]}/{i}.png": png(i) for i in range(120)})
    words: dict[str, Any] = {"data": own, "out": tmp_path / "run", "batch": 20, "quiet": True}
    condgen.train("cvae", images=20, held_out="overall", **words)
    capsys.readouterr()
    run = condgen.train("cvae", images=40, **words)
    assert "began with --held-out overall" in capsys.readouterr().err
    assert run.identity.data_options == {"held_out": "overall"}
