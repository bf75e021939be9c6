"""The look at the data, against numbers counted by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from condgen import data
from condgen.data import Dataset, Split
from condgen.inspection import findings
from condgen.labels import Labels
from condgen.metrics.pixels import greys
from condgen.sampling.canvas import read
from conftest import toy_data

NAMES = Labels(("cat", "dog"))


@pytest.fixture
def small() -> Dataset:
    """Six training and three test images of one pixel value each; 7 stands three times in train, once in test."""
    train = np.array([7, 7, 1, 2, 7, 3], np.uint8).repeat(4).reshape(6, 2, 2, 1)
    test = np.array([9, 7, 9], np.uint8).repeat(4).reshape(3, 2, 2, 1)
    labels = np.array([0, 0, 0, 0, 0, 1]), np.array([1, 1, 0])
    return Dataset("small", NAMES, Split(train, labels[0]), Split(test, labels[1]))


def test_counts_ranges_and_imbalance(small: Dataset) -> None:
    found = findings.facts(small)
    assert found.per_label == {"train": [5, 1], "test": [1, 2]}
    assert found.imbalance == 5
    train = found.splits["train"]
    assert (train.images, train.height, train.width, train.channels) == (6, 2, 2, 1)
    values = small.train.images.astype(float)
    assert (train.range, train.dtype) == ([1, 7], "uint8")
    assert (train.mean, train.deviation) == pytest.approx((values.mean(), values.std()), abs=1e-3)


def test_copies_within_and_across_the_splits(small: Dataset) -> None:
    found = findings.facts(small).duplicates
    assert found.within == {"train": 2, "test": 1}
    assert found.test_in_train == 1
    assert found.groups == 2
    pairs = [(copy.image.name, copy.of.name) for copy in found.copies]
    assert pairs == [("test 1", "train 0"), ("test 2", "test 0"), ("train 1", "train 0"), ("train 4", "train 0")]
    assert [copy.two_labels for copy in found.copies] == [True, True, False, False]
    assert found.two_labels == {"exact": 2, "near": 0}


def test_what_is_wrong_is_said_in_words(small: Dataset) -> None:
    said = " ".join(findings.sentences(findings.facts(small)))
    assert "5.0 times as many images" in said
    assert "2 train images are copies" in said
    assert "leakage: 1 test images are also in the training set" in said
    clean = toy_data("digits", 120)
    assert findings.sentences(findings.facts(clean)) == []
    nobody = Dataset("nobody", Labels(("cat", "dog", "owl")), small.train)
    assert "no training images of: owl" in " ".join(findings.sentences(findings.facts(nobody)))


def test_mean_images(small: Dataset) -> None:
    means = findings.means(small.train, NAMES)
    assert means[:, 0, 0, 0].tolist() == [round((7 + 7 + 1 + 2 + 7) / 5), 3]
    missing = findings.means(small.train, Labels(("cat", "dog", "owl")))
    assert missing[2].min() == 255


def test_attributes_are_counted_where_they_are_on() -> None:
    found = toy_data("attributes", 40)
    counts = findings.per_label(found.train, found.labels)
    assert counts == found.train.labels.sum(0).tolist()
    first = np.flatnonzero(found.train.labels[:, 0])[0]
    assert findings.members(found.train, found.labels, 0)[0] == first


@pytest.mark.parametrize("kind", ["digits", "colour", "attributes"])
def test_the_images_and_numbers_are_on_disk(kind: str, tmp_path: Path) -> None:
    found = toy_data(kind)
    findings.write(found, findings.facts(found), tmp_path)
    assert json.loads((tmp_path / "facts.json").read_text())["name"] == kind
    for name in ("sheet", "labels", "means"):
        assert np.asarray(read(tmp_path / f"{name}.png").convert("L")).std() > 1


def test_mnist_is_as_it_is_known() -> None:
    found = data.load("mnist")
    mean, deviation = greys(found.train.images)
    assert (mean / 255, deviation / 255) == pytest.approx((0.1307, 0.3081), abs=5e-5)
    counts = findings.per_label(found.train, found.labels)
    assert counts == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
