"""Generated images that are of no use are not chosen, and perfect ones are: `condgen augment`, with planted images."""

from collections.abc import Callable

import numpy as np
import pytest

from condgen import data
from condgen.augmentation.arms import evened
from condgen.augmentation.proof import Proof, measured
from condgen.augmentation.reasons import reasons
from condgen.data import Dataset, Split
from condgen.judging import judge
from condgen.judging.classifier import Recipe
from condgen.judging.reference import Reference, Samples, subset

COMMON, RARE = 150, 25
"""Images of the digits 0 to 6, and of 7 to 9."""
Planted = Callable[[Split, Split, np.random.Generator], Split]


def copies(train: Split, unseen: Split, random: np.random.Generator) -> Split:
    """The training images over again: 7 to 9 as often as the others."""
    rows = evened(np.arange(len(train)), train.labels)
    rows = np.concatenate([rows[train.labels[rows] == label][: COMMON - RARE] for label in (7, 8, 9)])
    return subset(train, random.permutation(rows))


def other_labels(train: Split, unseen: Split, random: np.random.Generator) -> Split:
    """Real images that the classifier does not know, each under a random rare label."""
    rows = random.permutation(len(unseen))[: 3 * (COMMON - RARE)]
    return Split(unseen.images[rows], random.integers(7, 10, len(rows)))


def one_each(train: Split, unseen: Split, random: np.random.Generator) -> Split:
    """One image of each rare class, again and again."""
    first = [int(np.flatnonzero(train.labels == label)[0]) for label in (7, 8, 9)]
    return subset(train, np.repeat(first, COMMON - RARE))


def perfect(train: Split, unseen: Split, random: np.random.Generator) -> Split:
    """Real images of the rare classes that the classifier does not know."""
    rows = [np.flatnonzero(unseen.labels == label)[: COMMON - RARE] for label in (7, 8, 9)]
    return subset(unseen, np.concatenate(rows))


def noisy(split: Split, random: np.random.Generator) -> Split:
    """Images that are hard to tell apart, so that more of them are of use."""
    noise = random.normal(0, 150, split.images.shape)
    return Split((split.images + noise).clip(0, 255).astype(np.uint8), split.labels)


def parts(random: np.random.Generator, change: Callable[[Split, np.random.Generator], Split]) -> tuple[Split, ...]:
    """Training images with three rare digits, images that are in neither split, and test images, all changed."""
    digits = data.load("mnist")
    assert digits.test
    rows = [random.permutation(np.flatnonzero(digits.train.labels == label)) for label in range(10)]
    train = subset(digits.train, np.concatenate([row[: RARE if k > 6 else COMMON] for k, row in enumerate(rows)]))
    unseen = subset(digits.train, np.concatenate([row[1000:1300] for row in rows]))
    train, unseen = change(train, random), change(unseen, random)
    return train, unseen, change(subset(digits.test, random.permutation(10_000)[:2000]), random)


def proof(planted: Planted, seed: int, monkeypatch: pytest.MonkeyPatch) -> Proof:
    """The measurement on a part of MNIST in which three digits are rare."""
    monkeypatch.setattr("condgen.judging.classifier_score.CAS_STEPS", 120)
    monkeypatch.setattr(Recipe, "for_data", lambda _: Recipe(width=8, shift=1, at_least=120, epochs=0))
    random = np.random.default_rng(seed)
    train, unseen, test = parts(random, noisy)
    few = Dataset(f"few-{seed}", data.load("mnist").labels, train, test)
    generated = planted(train, unseen, random)
    return measured(Reference(few, judge.of(few)), Samples(generated.images, generated.labels))


WHY: dict[Planted, str] = {
    copies: "nearly repeat training images",
    other_labels: "sees the requested label in",
    one_each: "equal another",
}
"""A part of the reason that is given for each fault."""


@pytest.mark.slow
@pytest.mark.parametrize("planted", [other_labels, one_each])
def test_useless_images_are_not_chosen(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    found = proof(planted, 0, monkeypatch)
    assert found.chosen.generated == "none"
    assert found.verdict.startswith("leave the generated images out: ")
    assert WHY[planted] in found.verdict


def test_the_reason_is_named_and_real_images_have_none() -> None:
    train, unseen, test = parts(np.random.default_rng(0), lambda split, _: split)
    reference = Reference(Dataset("few", data.load("mnist").labels, train, test), judge.of(data.load("mnist")))
    for planted in (*WHY, perfect):
        images = planted(train, unseen, np.random.default_rng(0))
        seen = reference.judge.predict(images.images)
        found = reasons(Samples(images.images, images.labels), seen, reference)
        assert any(WHY[planted] in reason for reason in found) if planted in WHY else not found, (planted, found)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_copies_are_not_chosen(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are what repeating gives for nothing."""
    assert proof(copies, seed, monkeypatch).chosen.generated == "none"


@pytest.mark.slow
def test_images_as_good_as_real_ones_are_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    found = proof(perfect, 0, monkeypatch)
    assert found.chosen.generated != "none"
    assert found.verdict.startswith("generated images help: ")
