"""Measures the speed of a training before it begins, for a length in minutes."""

import time
from dataclasses import dataclass

from condgen import parallel
from condgen.judging.monitor import Monitor
from condgen.stream import Stream
from condgen.system import System
from condgen.training.evaluated import EVALUATIONS, FEWEST_IMAGES, least_between
from condgen.training.state import sampler_for

AROUND = 2.5
"""Seconds that image grids, curves and checkpoints take in a training of one minute on two cores."""


@dataclass(frozen=True)
class Pace:
    """The speed of a training on this machine."""

    speed: float
    """Training steps alone, in images per second."""
    evaluation: float = 0.0
    """Duration of one evaluation, in seconds."""

    between: int = FEWEST_IMAGES
    """Minimum number of images between two evaluations."""

    def images_in(self, seconds: float) -> float:
        """Number of training images in `seconds`, which include evaluations, image grids and files."""
        for times in range(EVALUATIONS, 0, -1):
            images = self.speed * (seconds - AROUND - times * self.evaluation)
            if images >= times * self.between:
                break
        if times < EVALUATIONS:  # more images would be evaluated once more
            images = min(images, (times + 1) * self.between - 1)
        return max(images, self.speed * seconds / 2)


def duration(seconds: float) -> float:
    """Seconds in which the speed of a training of `seconds` is measured."""
    return min(3.0, seconds / 40)


def measure_pace(system: System, stream: Stream, monitor: Monitor | None, seconds: float) -> Pace:
    """Measure the pace by training for about `seconds` and evaluating twice. The system cannot be used afterwards."""
    found = speed(system, stream, seconds)
    if not monitor:
        return Pace(found)
    sampler = sampler_for(system, system.generator, stream.device)
    monitor.evaluate(sampler, 1, [])  # the first call also evaluates the real images
    began = time.monotonic()
    monitor.evaluate(sampler, 1, [])
    return Pace(found, time.monotonic() - began, least_between(system.passes))


def speed(system: System, stream: Stream, seconds: float) -> float:
    """Images per second over a whole training, measured for about `seconds`. The system cannot be used afterwards."""
    each = seconds / len(system.parts)
    return 1 / sum(fraction / _speed(system, stream, each, begin) for fraction, begin in system.parts)


def _speed(system: System, stream: Stream, seconds: float, begin: int) -> float:
    """Images per second in the part of the training that begins after this number of images."""
    with system.autocast(stream.device):
        for _ in range(3):  # warm-up: kernel selection and caches
            system.step(stream, begin + stream.images)
        began, images = time.monotonic(), stream.images
        while any(parallel.any_rank(time.monotonic() - began < seconds)):
            system.step(stream, begin + stream.images)
    return (stream.images - images) / (time.monotonic() - began)
