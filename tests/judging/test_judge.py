"""The judge: pinned weights, weights trained once and kept, and what is done when they are damaged."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from condgen import data, disk
from condgen.data import Dataset
from condgen.judging import classifier, judge
from condgen.judging.classifier import Recipe
from condgen.judging.reference import with_test
from condgen.labels import Labels
from condgen.spec import Spec
from conftest import KINDS, toy_data

SHORT = Recipe(width=4, shift=1, at_least=30, epochs=0)


def test_the_pinned_judge_of_mnist_is_right_on_99_3_percent_of_the_test_digits() -> None:
    digits = data.load("mnist")
    found = judge.find(digits)
    assert found
    assert judge.is_pinned(digits)
    assert found.name == "judge-mnist-v1"
    assert digits.test
    right = (found.predict(digits.test.images).labels.numpy() == digits.test.labels).mean()
    assert right >= 0.993
    assert right == pytest.approx(found.accuracy.value, abs=2e-4)


def test_every_pinned_judge_is_whole_and_says_what_it_is() -> None:
    cards = [json.loads(path.read_text()) for path in judge.PINNED.glob("*/judge.json")]
    assert {card["name"] for card in cards} == {"judge-mnist-v1", "judge-fashion-mnist-v1"}
    for card in cards:
        weights = judge.PINNED / card["name"] / "judge.safetensors"
        assert disk.sha256(weights) == card["sha256"]
        assert weights.stat().st_size < 800_000


@pytest.mark.parametrize("kind", KINDS)
def test_other_data_get_a_judge_of_their_own_once(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDGEN_CACHE", str(tmp_path))
    monkeypatch.setattr(Recipe, "for_data", lambda dataset: SHORT)
    dataset, _ = with_test(toy_data(kind))
    said: list[str] = []
    first, again = judge.of(dataset, said.append), judge.of(dataset, said.append)
    assert len(said) == 2  # before and after the one training
    assert first.sha256 == again.sha256
    assert not judge.is_pinned(dataset)
    seen = again.predict(dataset.train.images)
    assert seen.features.shape == (len(dataset.train), classifier.FEATURES)
    assert seen.labels.shape == dataset.train.labels.shape


def test_a_damaged_judge_is_trained_again_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDGEN_CACHE", str(tmp_path))
    monkeypatch.setattr(Recipe, "for_data", lambda dataset: SHORT)
    dataset, _ = with_test(toy_data("colour"))
    first = judge.of(dataset)
    weights = next(tmp_path.rglob("judge.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-9] + b"x" * 9)
    assert judge.find(dataset) is None
    assert judge.of(dataset).sha256 == first.sha256


def test_training_a_classifier_leaves_the_programs_own_noise_alone() -> None:
    dataset = toy_data("colour")
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    classifier.fit(dataset.spec, dataset.train, SHORT, seed=0, steps=2)
    assert torch.equal(torch.rand(4), expected)


def test_a_classifier_learns(tmp_path: Path) -> None:
    dataset: Dataset = toy_data("digits", 200)
    net = classifier.fit(dataset.spec, dataset.train, Recipe(width=8, shift=0), seed=0, steps=60)
    seen = classifier.predict(net, dataset.train.images, dataset.labels)
    assert (seen.labels.numpy() == dataset.train.labels).mean() > 0.95


@pytest.mark.parametrize("shape", [(1, 5, 7), (3, 8, 8), (1, 28, 28), (3, 64, 64), (3, 130, 100)])
def test_it_takes_images_of_any_size(shape: tuple[int, int, int]) -> None:
    channels, height, width = shape
    spec = Spec(shape, Labels(("a", "b")))
    images = np.zeros((3, height, width, channels), np.uint8)
    assert classifier.predict(classifier.classifier(spec, 4).eval(), images, spec.labels).features.shape == (3, 128)


def test_without_a_test_split_a_fifth_is_held_out_and_always_the_same() -> None:
    dataset = toy_data("colour", 50)
    (one, leaky), (other, _) = with_test(dataset), with_test(dataset)
    assert leaky
    assert one.test
    assert other.test
    assert len(one.test) == 10
    assert len(one.train) == 40
    assert (one.test.images == other.test.images).all()
    everything = {image.tobytes() for image in dataset.train.images}
    parts = [image.tobytes() for split in (one.train, one.test) for image in split.images]
    assert set(parts) == everything
    assert len(parts) == 50
