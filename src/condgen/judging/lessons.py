"""What a classifier learns from labelled images, measured once and kept in the user's cache.

A training of a classifier is a function of its images, its recipe and its seed. So an interrupted `condgen augment`
goes on with the classifiers that it has measured, and another one on the same data reuses those of the real images.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import mean
from typing import Any

import numpy as np
import torch

from condgen import cache, disk
from condgen.data import Split
from condgen.judging import classifier
from condgen.judging.classifier import Predictions, Recipe
from condgen.judging.reference import Reference
from condgen.metrics import labelling


@dataclass(frozen=True)
class Lesson:
    """One training of a classifier."""

    split: Split
    """The images that it learns from."""
    recipe: Recipe
    seed: int
    steps: int
    what: str = "training a classifier"
    """The work, for messages."""


@dataclass(frozen=True)
class Score:
    """How a classifier does on real images that it has not learnt from."""

    right: Sequence[str]
    """For each class, a 1 for each of its images that is recognised and a 0 for each other one."""
    precision: Sequence[float | None]
    """Of each class; None if it is never predicted."""
    calibration: float
    """Expected calibration error: 0 if the classifier is as sure as it is right."""

    @property
    def recall(self) -> list[float | None]:
        """Of each class; None if there are no images of it."""
        return [right.count("1") / len(right) if right else None for right in self.right]

    @property
    def f1(self) -> list[float | None]:
        """Harmonic mean of recall and precision of each class; None if there are no images of it."""
        pairs = zip(self.recall, self.precision, strict=True)
        return [None if r is None else 2 * r * (p or 0) / ((r + (p or 0)) or 1) for r, p in pairs]

    def mean_f1(self) -> float:
        """Mean over the classes that have images."""
        return mean(value for value in self.f1 if value is not None)

    def mean_recall(self, classes: Iterable[int] | None = None) -> float:
        """Mean over the classes that have images, or over some of them. 0 if there are none."""
        recall = self.recall
        chosen = range(len(recall)) if classes is None else classes
        known = [value for label in chosen if (value := recall[label]) is not None]
        return mean(known) if known else 0.0


def scores(
    lesson: Lesson, held_out: Split, reference: Reference, say: Callable[[str], None] = lambda text: None
) -> tuple[Score, Score]:
    """Scores on `held_out` images of the training split, and on the test split."""
    key = _key(lesson, held_out, reference)
    path = disk.cache() / "lessons" / f"{key}.json"
    known = cache.kept(path)
    if not (isinstance(known, dict) and known.get("key") == key):
        say(f"{lesson.what}, on {len(lesson.split):,} images ...")
        known = {"key": key, "scores": [asdict(score) for score in _learnt(lesson, held_out, reference)]}
        cache.keep_if_possible(path, known)
    validation, test = (Score(**score) for score in known["scores"])
    return validation, test


def _learnt(lesson: Lesson, held_out: Split, reference: Reference) -> tuple[Score, Score]:
    labels = reference.dataset.labels
    net = classifier.fit(reference.dataset.spec, lesson.split, lesson.recipe, lesson.seed, lesson.steps, lesson.what)
    validation, test = (
        _score(classifier.predict(net, split.images, labels), torch.from_numpy(split.labels), len(labels))
        for split in (held_out, reference.split)
    )
    return validation, test


def _score(found: Predictions, wanted: torch.Tensor, labels: int) -> Score:
    right = ["".join("01"[hit] for hit in (found.labels[wanted == label] == label).tolist()) for label in range(labels)]
    precision = [one.value for one in labelling.recalls(found.labels, wanted, labels)]
    return Score(right, precision, labelling.calibration_error(found.logits, wanted))


def _key(lesson: Lesson, held_out: Split, reference: Reference) -> str:
    """A hash of all that the scores depend on."""
    recipe: dict[str, Any] = asdict(lesson.recipe)
    versions = (torch.__version__, torch.backends.cpu.get_cpu_capability())
    digest = hashlib.sha256(repr((reference.key, recipe, lesson.seed, lesson.steps, versions)).encode())
    for split in (lesson.split, held_out):
        for array in (split.images, split.labels):
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:32]
