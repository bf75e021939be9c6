"""Whether generated images improve a classifier.

A classifier is trained on three data sets: the real images, the real images with rare classes oversampled, and the real
images with generated ones added. All are trained for the same number of steps with five seeds, and tested on the real
test split.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from condgen.errors import aloud
from condgen.metrics.estimate import Estimate, mean_of
from condgen.tables import as_table

if TYPE_CHECKING:
    from condgen.judging.reference import Reference, Samples

SEEDS = 5


@dataclass(frozen=True)
class Proof:
    """Test accuracy of classifiers with and without the generated images."""

    steps: int
    """Training steps of each classifier."""
    seeds: int
    test_images: int
    accuracy: Mapping[str, Estimate]
    """Mean recall over the classes, by the data set that the classifiers were trained on."""
    gain: Mapping[str, Estimate]
    """What the generated images add, by the data set without them."""

    @property
    def verdict(self) -> str:
        """The result in one sentence."""
        return verdict(self.gain)

    def to_json(self) -> dict[str, Any]:
        return {
            "measured": "mean recall over classes on real test images",
            "steps": self.steps,
            "seeds": self.seeds,
            "test_images": self.test_images,
            "accuracy": {name: value.to_json() for name, value in self.accuracy.items()},
            "gain": {name: value.to_json() for name, value in self.gain.items()},
            "verdict": self.verdict,
        }

    def __str__(self) -> str:
        lines = [{"trained on": name, "mean recall": str(value)} for name, value in self.accuracy.items()]
        lines += [{"trained on": f"gain {name}", "mean recall": str(value)} for name, value in self.gain.items()]
        return f"{as_table(lines)}\n\n{self.verdict}"


def measured(reference: "Reference", generated: "Samples") -> Proof:
    """Test accuracy of classifiers trained on three data sets with five seeds each, and the gain from generated images.

    A gain is the mean of the paired differences over the seeds.
    """
    from condgen.data import Split
    from condgen.judging import lessons
    from condgen.judging.protocol import CAS_STEPS

    assert generated.requested is not None
    real = reference.dataset.train
    arms = {
        "real": real,
        "rare ones repeated": lessons.repeated(real),
        "real and generated": lessons.joined(real, Split(generated.images, generated.requested)),
    }
    scores = {
        name: [lessons.mean_recall(split, reference, seed, CAS_STEPS, aloud) for seed in range(SEEDS)]
        for name, split in arms.items()
    }
    n, both = len(reference.split), scores["real and generated"]
    gains = {
        f"over {name}": mean_of([b - a for a, b in zip(scores[name], both, strict=True)], n)
        for name in ("real", "rare ones repeated")
    }
    return Proof(CAS_STEPS, SEEDS, n, {name: mean_of(values, n) for name, values in scores.items()}, gains)


def verdict(gains: Mapping[str, Estimate]) -> str:
    """The result in one sentence."""
    over_real, over_repeated = gains["over real"], gains["over rare ones repeated"]
    if _sign(over_real) < 0:
        return f"it hurts: {_points(over_real)}. Leave these images out."
    if _sign(over_real) == 0:
        return f"it does not help: {_points(over_real)}, which may be chance."
    if _sign(over_repeated) > 0:
        return f"it helps: {_points(over_real)}, and {_points(over_repeated)} over repeating rare images."
    return f"it helps, {_points(over_real)}, but no more than repeating rare images ({_points(over_repeated)})."


def _sign(gain: Estimate) -> int:
    """1 if the whole confidence interval is above 0, -1 if it is below, 0 if it contains 0."""
    value, error = gain.value or 0, gain.error or 0
    return (value > error) - (value < -error)


def _points(gain: Estimate) -> str:
    return f"{(gain.value or 0) * 100:+.2f} ± {(gain.error or 0) * 100:.2f} points"
