"""Whether generated images improve a classifier, beside what is free (`arms.py`).

Every arm trains five classifiers, all for the same number of steps. Each of them leaves out another fifth of the real
training images. On these validation images, together all training images, the free arms are compared; the test split
reports. To repeat rare images and vary all is usual; another free arm takes its place only if it is surely better. The
generator has seen the validation images, so a classifier does not get the generated images that are nearest to them: a
copy would give them away. That does not make up for all of it, and favours arms that consist of generated images. So
only the arm of which half is real (`MIXED`) can be chosen instead of the free one: if it is better on validation
images, and the whole interval of its gain on the test split is above 0. If only the mean of that gain is, five more
classifiers of these two arms decide. Useless images pass either test in at most 2.5 % of the cases.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import sqrt
from statistics import mean
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from condgen.augmentation.arms import ARMS, MIXED, USUAL, Arm
from condgen.augmentation.trials import MORE, SEEDS, Trials
from condgen.errors import aloud
from condgen.metrics.estimate import Estimate, Z, mean_of
from condgen.tables import as_table

if TYPE_CHECKING:
    from condgen.judging.lessons import Score
    from condgen.judging.reference import Reference, Samples

RARE = 0.5
"""Classes with at most this fraction of the images of the largest are rare."""
CORRECTED = 4.851 / 2.776
"""Intervals of the gains of all arms are wider by this factor, since six are compared with the first (Bonferroni): the
ratio of quantiles of Student's t with 4 degrees of freedom."""


@dataclass(frozen=True)
class Proof:
    """Scores of classifiers by arm, with one score per seed."""

    steps: int
    """Training steps of each classifier."""
    test_images: int
    classes: Sequence[str]
    rare: Sequence[int]
    """Numbers of the rare classes; all classes if none is rare."""
    validation: "Mapping[str, Sequence[Score]]"
    """On the real training images that a classifier has not seen. Of the first seeds, which see each of them once."""
    test: "Mapping[str, Sequence[Score]]"
    """Of two arms, of more seeds if the first ones did not decide (`surer`)."""
    selected: NDArray[np.bool_]
    """Which generated images the feature classifier sees as what was requested."""
    reasons: Sequence[str] = ()
    """What is wrong with the generated images, as phrases (`reasons.py`)."""

    @cached_property
    def free(self) -> Arm:
        """The best arm without generated images: the usual one, or one that is surely better on validation images."""
        gains = {arm: gain_per_image(self._right(arm), self._right(USUAL)) for arm in ARMS if arm.generated == "none"}
        best = max(gains, key=lambda arm: gains[arm].value or 0)
        return best if _is_positive(gains[best]) else USUAL

    @property
    def chosen(self) -> Arm:
        """The arm to use."""
        return MIXED if self._promises and _is_positive(self.gain(MIXED, self.free)) else self.free

    @property
    def is_open(self) -> bool:
        """Whether generated images help on average, but not surely."""
        gain = self.gain(MIXED, self.free)
        return self._promises and (gain.value or 0) > 0 and not _is_positive(gain)

    @cached_property
    def _promises(self) -> bool:
        """Whether generated images help on validation images."""
        return (gain_per_image(self._right(MIXED), self._right(self.free)).value or 0) > 0

    @property
    def gains(self) -> dict[str, Estimate]:
        """Of the chosen arm, and of generated images."""
        pairs = ((self.chosen, ARMS[0]), (MIXED, self.free))
        return {f"{arm.name}, over {other.name}": self.gain(arm, other) for arm, other in pairs}

    def gain(self, arm: Arm, over: Arm = ARMS[0]) -> Estimate:
        """Of mean recall on the test split, with an interval for this comparison alone."""
        return mean_of(self.paired(arm, over), self.test_images)

    def paired(self, arm: Arm, over: Arm, classes: Sequence[int] | None = None) -> list[float]:
        """Gains of mean recall on the test split, one per seed that both arms have. classes: all, or some."""
        pairs = zip(self.test[arm.name], self.test[over.name], strict=False)
        return [one.mean_recall(classes) - other.mean_recall(classes) for one, other in pairs]

    @property
    def verdict(self) -> str:
        """What to do, in one sentence with figures of the test split, and why if that is known."""
        over_real, over_free = self.gains.values()
        free = self.free.name
        if self.chosen is MIXED:
            return (
                f"generated images help: training on {MIXED.name} gains {_points(over_real)} of mean recall over real "
                f"images alone, and {_points(over_free)} over {free}, for which no generator is needed."
            )
        beside = f"the training set with generated images ({MIXED.name}) changes that by {_points(over_free)}"
        beside += f". Why: {'; '.join(self.reasons)}" if self.reasons else ""
        if self.chosen is ARMS[0]:
            return f"leave the generated images out: real images alone are enough; {beside}."
        enough = f"{free} is enough, {_points(over_real)} over real images alone"
        if not _is_positive(over_real):
            enough = f"{free} is usual, but not surely better than real images alone ({_points(over_real)})"
        return f"leave the generated images out: {enough}; {beside}."

    def to_json(self) -> dict[str, Any]:
        return {
            "measured": "mean recall over classes on real test images",
            "steps": self.steps,
            "seeds": SEEDS,
            "test_images": self.test_images,
            "rare": [self.classes[number] for number in self.rare],
            "arms": {arm.name: self._about(arm) for arm in ARMS},
            "gain": {name: gain.to_json() for name, gain in self.gains.items()},
            "chosen": vars(self.chosen),
            "reasons": list(self.reasons),
            "verdict": self.verdict,
        }

    def __str__(self) -> str:
        rows = [
            {"trained on": arm.name, **{name: str(value) for name, value in self._summary(arm).items()}} for arm in ARMS
        ]
        return as_table(rows)

    def _about(self, arm: Arm) -> dict[str, Any]:
        found: dict[str, Any] = {name: value.to_json() for name, value in self._summary(arm).items()}
        return found | {
            "seeds": len(self.test[arm.name]),
            "classes": {
                name: {
                    "recall": _mean([score.recall[number] for score in self.test[arm.name]]),
                    "precision": _mean([score.precision[number] for score in self.test[arm.name]]),
                    "f1": _mean([score.f1[number] for score in self.test[arm.name]]),
                }
                for number, name in enumerate(self.classes)
            },
        }

    def _summary(self, arm: Arm) -> dict[str, Estimate]:
        test, held_out = self.test[arm.name], self.validation[arm.name]
        validated, gain = sum(map(len, self._right(arm))), self.gain(arm)
        return {
            "mean recall": mean_of([score.mean_recall() for score in test], self.test_images),
            "gain over real images": replace(gain, error=(gain.error or 0) * CORRECTED),
            "of rare classes": mean_of([score.mean_recall(self.rare) for score in test], self.test_images),
            "on validation images": mean_of([score.mean_recall() for score in held_out], validated),
            "mean F1": mean_of([score.mean_f1() for score in test], self.test_images),
            "calibration error": mean_of([score.calibration for score in test], self.test_images),
        }

    def _right(self, arm: Arm) -> "list[NDArray[np.float64]]":
        """For each class, whether each of its validation images is recognised: 1 or 0."""
        parts = zip(*(score.right for score in self.validation[arm.name]), strict=True)
        return [np.array([float(hit) for part in folds for hit in part]) for folds in parts]


def measured(reference: "Reference", generated: "Samples") -> Proof:
    """Train and test the classifiers of all arms."""
    from condgen.augmentation.reasons import reasons
    from condgen.judging.classifier_score import CAS_STEPS
    from condgen.metrics import neighbours

    seen_as = reference.judge.predict(generated.images)
    good = seen_as.labels.numpy() == generated.requested
    nearest = neighbours.nearest(seen_as.features, reference.all_train_features)[1].numpy()
    trials = Trials(reference, generated, good, nearest)
    found = trials.scores(ARMS, range(SEEDS))
    validation, test = ({name: [pair[side] for pair in pairs] for name, pairs in found.items()} for side in (0, 1))
    names, why = reference.dataset.labels.names, reasons(generated, seen_as, reference)
    rarest = rare(reference.dataset.train.labels, len(names))
    proof = Proof(CAS_STEPS, len(reference.split), names, rarest, validation, test, good, why)
    return surer(proof, trials) if proof.is_open else proof


def surer(proof: Proof, trials: Trials) -> Proof:
    """With more classifiers of the two arms that are to be chosen from."""
    two = (proof.free, MIXED)
    aloud(f"{MIXED.name}: better than {proof.free.name}, but not surely; {MORE} more classifiers of each.")
    found = trials.scores(two, range(SEEDS, SEEDS + MORE), before=SEEDS * len(ARMS))
    more = {name: [test for _, test in pairs] for name, pairs in found.items()}
    return replace(proof, test={name: [*scores, *more.get(name, [])] for name, scores in proof.test.items()})


def rare(labels: NDArray[np.int64], classes: int) -> list[int]:
    """Numbers of the classes with at most half the images of the largest, and with any; all classes if none is."""
    counts = np.bincount(labels, minlength=classes)
    found = np.flatnonzero((counts > 0) & (counts <= RARE * counts.max()))
    return found.tolist() or np.flatnonzero(counts).tolist()


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(mean(known), 4) if known else None


def gain_per_image(ours: Sequence[NDArray[np.float64]], theirs: Sequence[NDArray[np.float64]]) -> Estimate:
    """Difference of the mean recalls over classes, for the same images of each class, with a 95 % interval. Classes
    without images are left out."""
    apart = [one - other for one, other in zip(ours, theirs, strict=True) if len(one)]
    variances = [float(some.var(ddof=1)) / len(some) if len(some) > 1 else 1.0 for some in apart]
    value = mean(float(some.mean()) for some in apart)
    return Estimate(value, Z * sqrt(sum(variances)) / len(apart), sum(map(len, apart)))


def _is_positive(gain: Estimate) -> bool:
    """Whether the whole interval is above 0."""
    return (gain.value or 0) > (gain.error or 0)


def _points(gain: Estimate) -> str:
    return f"{(gain.value or 0) * 100:+.2f} ± {(gain.error or 0) * 100:.2f} points"
