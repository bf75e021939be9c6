"""The classifiers that show whether generated images help: each is trained on the set of an arm, and tested."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from condgen.augmentation.arms import Arm, folds
from condgen.errors import aloud

if TYPE_CHECKING:
    from condgen.data import Split
    from condgen.judging.classifier import Recipe
    from condgen.judging.lessons import Score
    from condgen.judging.reference import Reference, Samples

SEEDS, MORE = 5, 5
"""Classifiers of each arm, and further ones of two arms if the first ones do not decide between them."""


@dataclass(frozen=True)
class Images:
    """What the classifiers of one seed may learn from, and what they leave out."""

    all: "Split"
    """Real images, then generated ones."""
    real: int
    """Number of real images."""
    allowed: NDArray[np.bool_]
    """Which of the generated images may be used."""
    held_out: "Split"
    """The validation images."""


@dataclass(frozen=True)
class Trials:
    """Trains and tests classifiers on real and generated images.

    The classifier of a seed leaves out a fifth of the real training images, its validation images, and the generated
    images that are nearest to one of them.
    """

    reference: "Reference"
    generated: "Samples"
    selected: NDArray[np.bool_]
    """Which generated images the feature classifier sees as what was requested."""
    nearest: NDArray[np.int64]
    """Of each generated image, the number of the nearest training image."""

    def scores(
        self, arms: Sequence[Arm], seeds: Sequence[int], before: int = 0
    ) -> "dict[str, list[tuple[Score, Score]]]":
        """Of each arm, the scores of the classifier of each seed, on validation images and on the test split.

        before: number of classifiers that have been trained already, for messages.
        """
        total, numbers = before + len(arms) * len(seeds), count(before + 1)
        found: dict[str, list[tuple[Score, Score]]] = {arm.name: [] for arm in arms}
        for seed in seeds:
            images = self._images(seed % SEEDS)
            for arm in arms:
                what = f"training classifier {next(numbers)} of {total} ({arm.name})"
                found[arm.name].append(self._scores(arm, images, seed, what))
        return found

    def _scores(self, arm: Arm, images: "Images", seed: int, what: str) -> "tuple[Score, Score]":
        from condgen.judging import lessons
        from condgen.judging.classifier_score import CAS_STEPS
        from condgen.judging.reference import subset

        rows = arm.rows(images.all.labels, images.real, self.selected, images.allowed)
        recipe = replace(self._recipe, varied=arm.varied)
        lesson = lessons.Lesson(subset(images.all, rows), recipe, seed, CAS_STEPS, what)
        return lessons.scores(lesson, images.held_out, self.reference, aloud)

    def _images(self, left_out: int) -> "Images":
        """The images of the classifiers that leave out a fold."""
        from condgen.data import Split
        from condgen.judging.reference import subset

        assert self.generated.requested is not None
        real, fold = self.reference.dataset.train, self._folds
        seen = subset(real, fold != left_out)
        images = np.concatenate([seen.images, self.generated.images])
        both = Split(images, np.concatenate([seen.labels, self.generated.requested]))
        return Images(both, len(seen), fold[self.nearest] != left_out, subset(real, fold == left_out))

    @cached_property
    def _folds(self) -> NDArray[np.int64]:
        return folds(self.reference.dataset.train.labels, SEEDS)

    @cached_property
    def _recipe(self) -> "Recipe":
        from condgen.judging.classifier import Recipe

        return Recipe.for_data(self.reference.dataset)
