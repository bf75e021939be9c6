"""Whether and how often a generator is evaluated while it trains."""

from collections.abc import Callable, Iterator

from condgen.config import Config
from condgen.data import Dataset
from condgen.judging import judge
from condgen.judging.monitor import IMAGES
from condgen.judging.reference import Reference, with_test
from condgen.labels import ANY
from condgen.training.request import TrainingRequest

EVALUATIONS, FEWEST_IMAGES = 10, 5000
"""By default: maximum number of evaluations, and minimum number of images between two (an evaluation takes as long)."""
SHARE = 0.1
"""Maximum share of a training's time for generating the images of its evaluations, by default."""
JUDGED_IMAGES, JUDGED_MINUTES = 100_000, 5.0
"""Shortest training that is evaluated by default if the judge (the feature classifier) of its data has to be trained
first, which takes about as long as training on 30,000 images."""


def least_between(passes: int) -> int:
    """Minimum number of images between two evaluations by default. passes: `System.passes`.

    A training step takes about as long as three passes for each of its images: one forward, and two backward. The
    number depends on nothing that is measured, so that a resumed training is evaluated at the same images.
    """
    return FEWEST_IMAGES + round(IMAGES * (passes - 1) / 3 / SHARE)


def evaluate_every(images: int, passes: int) -> int:
    """Number of images between two evaluations by default, for a training of `images`; the last is at its end."""
    least = least_between(passes)
    times = min(EVALUATIONS, max(1, images // least))
    return max(least, -(-images // times))


def is_evaluated(request: TrainingRequest, config: Config, dataset: Dataset) -> bool:
    """Whether the generator is evaluated while it trains. This depends on the command only, not on the cache or the
    clock, so that a resumed training writes the same log.

    By default, data whose judge is in the package are always evaluated, and other labelled data in long trainings.
    """
    every, length = request.schedule.evaluate_every, request.length
    if every is not None or judge.is_pinned(dataset):
        return every != 0
    if dataset.labels == ANY:
        return False
    if length.minutes is not None:
        return length.minutes >= JUDGED_MINUTES
    images = length.epochs * len(dataset.train) if length.epochs is not None else config.images
    return images >= JUDGED_IMAGES


def doubts(request: TrainingRequest, config: Config, dataset: Dataset) -> Iterator[str]:
    """A sentence if the training is not evaluated although that was not requested and it could be."""
    requested = request.schedule.evaluate_every is not None or dataset.labels == ANY
    if not requested and not is_evaluated(request, config, dataset):
        yield (
            "this training is too short to be evaluated while it runs, since a feature classifier of these images "
            f"would be trained first; --evaluate-every {FEWEST_IMAGES} evaluates it all the same."
        )


def reference(dataset: Dataset, say: Callable[[str], None]) -> Reference:
    """The real images that a generator is compared with while it trains. Their judge is trained if there is none."""
    split, _ = with_test(dataset)
    return Reference(split, judge.of(split, say))
