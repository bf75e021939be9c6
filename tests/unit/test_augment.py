"""What is said of generated images that were added: it helps only if the whole interval does."""

import numpy as np
import pytest

from condgen.augmentation.proof import verdict
from condgen.data import Split
from condgen.judging.lessons import joined, repeated
from condgen.metrics.estimate import Estimate


@pytest.mark.parametrize(
    ("over_real", "over_repeated", "words"),
    [
        ((0.03, 0.01), (0.02, 0.01), "it helps: +3.00 ± 1.00 points, and +2.00"),
        ((0.03, 0.01), (0.005, 0.01), "no more than repeating rare images"),
        ((0.03, 0.04), (0.02, 0.01), "it does not help: +3.00 ± 4.00 points, which may be chance"),
        ((-0.01, 0.02), (0.0, 0.01), "it does not help"),
        ((-0.03, 0.01), (0.0, 0.01), "it hurts: -3.00"),
    ],
)
def test_the_verdict(over_real: tuple[float, float], over_repeated: tuple[float, float], words: str) -> None:
    gains = {"over real": Estimate(*over_real, 9), "over rare ones repeated": Estimate(*over_repeated, 9)}
    assert words in verdict(gains)


SPLIT = Split(np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1), np.array([0, 0, 0, 1, 2]))


def test_repeating_makes_every_class_as_large_as_the_largest() -> None:
    found = repeated(SPLIT)
    assert np.bincount(found.labels).tolist() == [3, 3, 3]
    assert {int(image.max()) for image in found.images} == {0, 1, 2, 3, 4}


def test_joining_keeps_images_beside_their_labels() -> None:
    both = joined(SPLIT, Split(SPLIT.images + 10, SPLIT.labels))
    assert both.images.ravel().tolist() == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]
    assert both.labels.tolist() == [0, 0, 0, 1, 2] * 2
