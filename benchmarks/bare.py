"""A training without a run: no folder, no log, no evaluations, for benchmarks that only need the generator."""

from collections.abc import Callable

from condgen.data import Dataset
from condgen.noise import reseed
from condgen.sampling.sampler import Sampler
from condgen.stream import Stream
from condgen.system import System
from condgen.training.ema import EMA


def averaged(
    system: System, dataset: Dataset, seed: int, half_life: int, goes_on: Callable[[int], bool]
) -> tuple[Sampler, int]:
    """The averaged generator, and the number of training images.

    half_life: of the average, in images. goes_on: whether another step follows, by the number of images so far.
    """
    stream, average = Stream(dataset.train, dataset.labels, system.cfg.batch, seed), EMA(system.generator, half_life)
    while goes_on(stream.images):
        before = stream.images
        reseed(seed, "step", before)
        system.step(stream, before)
        average.update(before, stream.images)
    return Sampler(average.net, dataset.spec, system.prior), stream.images
