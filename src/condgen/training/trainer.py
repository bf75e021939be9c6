"""The loop that all systems share. It asks for steps and never knows which system plays.

Progress is one integer, images seen. Data order, noise and schedules are functions of (seed, images), so a training
that is stopped and started again goes on as if nothing had happened, bit for bit.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from condgen import parallel
from condgen.disk import Gone
from condgen.drawing.sampler import Sampler
from condgen.judging.monitor import Monitor
from condgen.progress import Progress
from condgen.stream import Stream
from condgen.system import System
from condgen.training.state import Diverged, Training
from condgen.training.recorder import Recorder

EVALUATIONS, FEWEST_IMAGES = 10, 5000
"""Evaluations that nobody asked for, at most, and images between two of them: one costs about as much."""
RESCUES = 10
"""States to roll back to that a training keeps on its way."""
AROUND = 2.5
"""Seconds that class grids, curves and checkpoints take in a training of a minute on two cores."""


@dataclass(frozen=True)
class Every:
    """Images between two lines of log, two class grids, two evaluations; None for a part of the length, 0 for never."""

    log: int | None = None
    grid: int | None = None
    evaluation: int | None = None


@dataclass(frozen=True)
class Plan:
    """How long, and how often to do what: in images, but for saving, which changes nothing that is trained."""

    images: int
    log_every: int
    grid_every: int
    evaluate_every: int = 0
    save_seconds: float = 30.0
    best_by: str = "fd"
    rescue_every: int = 0
    roll_back: bool = False
    """To the best evaluation, when one raises an alarm."""

    @classmethod
    def of(cls, images: int, every: Every, save_seconds: float, best_by: str, roll_back: bool = False) -> "Plan":
        """By default 200 lines of log and 20 class grids, however long the training, and at most 10 evaluations; 10
        states to roll back to."""
        log, grid, evaluation = (
            max(least, images // parts) if asked is None else asked
            for asked, parts, least in (
                (every.log, 200, 1),
                (every.grid, 20, 1),
                (every.evaluation, EVALUATIONS, FEWEST_IMAGES),
            )
        )
        return cls(images, log, grid, evaluation, save_seconds, best_by, max(1, images // RESCUES), roll_back)


def train(
    training: Training,
    plan: Plan,
    progress: Progress,
    stop: Callable[[], bool] = lambda: False,
    monitor: Monitor | None = None,
) -> bool:
    """Play until `plan.images` are seen, or until `stop()`; either way the end is a checkpoint. Returns whether it was
    stopped.

    A training that blows up is rolled back, a few times. Of several processes all play, and the first one writes.
    """
    with progress.training(training.images, plan.images):
        while True:
            try:
                return play(training, plan, progress, stop, monitor)
            except Diverged as trouble:
                progress.say(training.roll_back(trouble))
            except Gone as gone:
                raise training.lost(gone) from None


def play(training: Training, plan: Plan, progress: Progress, stop: Callable[[], bool], monitor: Monitor | None) -> bool:
    """`train`, from where the training is, as long as all goes well. Raises Diverged, in all processes at once."""
    recorder = Recorder(training, progress, monitor, plan.best_by, plan.roll_back) if parallel.is_main_process() else None
    stopped, saved = False, time.monotonic()
    if training.images == 0:
        keep(training, recorder.begin if recorder else None)

    while training.images < plan.images and not stopped:
        before = training.images
        if recorder:
            training.run.check()
        training.step()
        now, ended = training.images, training.images >= plan.images
        judged = ended or passed(plan.evaluate_every, before, now)

        if judged or passed(plan.log_every, before, now):
            training.check()
            scalars = training.meter.take()
            training.check_scalars(scalars)
            if recorder:
                recorder.write(scalars, judged)
            parallel.barrier()
            if plan.roll_back and judged:
                training.check_alarm(recorder.alarm if recorder else None)

        if ended or passed(plan.grid_every, before, now):
            if recorder:
                recorder.draw()
            parallel.barrier()
        if passed(plan.rescue_every, before, now):
            keep(training, recorder.keep_rescue if recorder else None)

        stopped, due = parallel.any_rank(stop(), not ended and time.monotonic() - saved > plan.save_seconds)
        if due:
            keep(training, recorder.save if recorder else None)
            saved = time.monotonic()

    keep(training, recorder.end if recorder else None)
    return stopped


def keep(training: Training, write: Callable[[], None] | None) -> None:
    """Let the first process write about a training of which every number is finite, and the others wait for it."""
    training.check_all()
    if write:
        write()
    parallel.barrier()


def passed(every: int, before: int, now: int) -> bool:
    """Whether a multiple of `every` lies in (before, now]; 0 is never."""
    return every > 0 and now // every > before // every


@dataclass(frozen=True)
class Pace:
    """What a training costs on this machine."""

    speed: float
    """Images per second, of steps alone."""
    evaluation: float = 0.0
    """Seconds of one."""

    def images_in(self, seconds: float) -> float:
        """Images of a training that ends after so many seconds, its evaluations, pictures and files included."""
        return self.speed * max(seconds - AROUND - EVALUATIONS * self.evaluation, seconds / 2)


def measure_pace(system: System, stream: Stream, monitor: Monitor | None, seconds: float) -> Pace:
    """Play for about so long and evaluate; the system is spoilt and to be thrown away."""
    found = speed(system, stream, seconds)
    if not monitor:
        return Pace(found)
    sampler = Sampler(system.generator, system.generator_spec, system.prior, device=stream.device)
    monitor.evaluate(sampler, 1, [])  # looks at the real pictures too, once and for all
    began = time.monotonic()
    monitor.evaluate(sampler, 1, [])
    return Pace(found, time.monotonic() - began)


def speed(system: System, stream: Stream, seconds: float) -> float:
    """Images per second, found by playing for about so long; the system is spoilt and to be thrown away."""
    with system.autocast(stream.device):
        for _ in range(3):  # the first steps choose kernels and fill caches
            system.step(stream, stream.images)
        began, images = time.monotonic(), stream.images
        while any(parallel.any_rank(time.monotonic() - began < seconds)):
            system.step(stream, stream.images)
    return (stream.images - images) / (time.monotonic() - began)
