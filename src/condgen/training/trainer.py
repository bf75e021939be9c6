"""The training loop, which is the same for all systems.

Progress is one integer, the number of training images so far. Data order, noise and schedules are functions of (seed,
images), so a stopped training resumes bit-exactly.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from condgen import parallel
from condgen.disk_errors import Gone
from condgen.forecast import Forecast
from condgen.hooks import Hooks
from condgen.judging.monitor import Monitor
from condgen.progress import Progress, quietly
from condgen.training.evaluated import evaluate_every
from condgen.training.recorder import Recorder
from condgen.training.request import Schedule
from condgen.training.state import Diverged, Training

RESCUES = 10
"""Number of rescue points in a training, to roll back to."""


@dataclass(frozen=True)
class Plan:
    """Training length and intervals, in images; only checkpoints are timed in seconds, since they do not affect
    results."""

    images: int
    log_every: int
    grid_every: int
    evaluate_every: int = 0
    save_seconds: float = 30.0
    best_by: str = "fd"
    rescue_every: int = 0
    roll_back: bool = False
    """Whether an alarm rolls back to the best evaluation."""

    @classmethod
    def of(cls, images: int, schedule: Schedule, passes: int = 1) -> "Plan":
        """Intervals for a training of this length. Defaults: 200 log lines, 20 image grids, at most 10 evaluations; 10
        rescue points. passes: `System.passes`."""
        log, grid = (
            max(1, images // parts) if requested is None else requested
            for requested, parts in ((schedule.log_every, 200), (schedule.grid_every, 20))
        )
        evaluation = schedule.evaluate_every
        if evaluation is None:
            evaluation = evaluate_every(images, passes)
        rescue = max(1, images // RESCUES)
        return cls(images, log, grid, evaluation, schedule.save_seconds, schedule.best_by, rescue, schedule.roll_back)


def train(
    training: Training,
    plan: Plan,
    progress: Progress,
    stop: Callable[[], bool] = lambda: False,
    monitor: Monitor | None = None,
    hooks: Hooks | None = None,
) -> bool:
    """Train until `plan.images`, or until `stop()` is true; a checkpoint is saved in both cases. Returns whether it was
    stopped.

    If training diverges, it is rolled back, at most MOST_ROLLBACKS times. Only the main process writes files.
    """
    bar = progress.training(training.images, plan.images, lambda speed: _forecast(training, plan, speed))
    with bar, quietly():  # evaluations show no progress of their own
        while True:
            try:
                return train_until_diverged(training, plan, progress, stop, monitor, hooks or Hooks())
            except Diverged as trouble:
                progress.say(training.roll_back(trouble))
            except Gone as gone:
                raise training.lost(gone) from None


def _forecast(training: Training, plan: Plan, speed: float) -> Iterable[str]:
    epoch, seen = len(training.dataset.train), training.images
    return Forecast(plan.images, seen, epoch, speed, training.run.samples).sentences(datetime.now())


def train_until_diverged(
    training: Training,
    plan: Plan,
    progress: Progress,
    stop: Callable[[], bool],
    monitor: Monitor | None,
    hooks: Hooks,
) -> bool:
    """`train` without roll-backs. Raises Diverged, in all processes at the same step."""
    recorder = (
        Recorder(training, progress, monitor, plan.best_by, plan.roll_back, hooks)
        if parallel.is_main_process()
        else None
    )
    stopped, saved = False, time.monotonic()
    if training.images == 0:
        keep(training, recorder.begin if recorder else None)

    while training.images < plan.images and not stopped:
        before = training.images
        if recorder:
            training.run.check()
        training.step()
        progress.tick(training.images)
        record(training, plan, recorder, before)

        ended = training.images >= plan.images
        stopped, due = parallel.any_rank(stop(), not ended and time.monotonic() - saved > plan.save_seconds)
        if due:
            keep(training, recorder.save if recorder else None)
            saved = time.monotonic()

    keep(training, recorder.end if recorder else None)
    return stopped


def record(training: Training, plan: Plan, recorder: Recorder | None, before: int) -> None:
    """Log, evaluate, draw and keep what is due after a step from `before` images."""
    now, ended = training.images, training.images >= plan.images
    evaluates = ended or passed(plan.evaluate_every, before, now)
    if evaluates or passed(plan.log_every, before, now):
        log(training, plan, recorder, evaluates)
    if ended or passed(plan.grid_every, before, now):
        if recorder:
            recorder.keep_grid()
        parallel.barrier()
    if passed(plan.rescue_every, before, now):
        keep(training, recorder.keep_rescue if recorder else None)


def log(training: Training, plan: Plan, recorder: Recorder | None, evaluates: bool) -> None:
    """Write a line of the log. Raises Diverged if its values are not those of a sound training."""
    training.check()
    scalars = training.meter.take()
    training.check_scalars(scalars)
    if recorder:
        recorder.write(scalars, evaluates)
    parallel.barrier()
    if plan.roll_back and evaluates:
        training.check_alarm(recorder.alarm if recorder else None)


def keep(training: Training, write: Callable[[], None] | None) -> None:
    """Call `write` in the main process if the whole state is finite; the other processes wait for it."""
    training.check_all()
    if write:
        write()
    parallel.barrier()


def passed(every: int, before: int, now: int) -> bool:
    """Whether a multiple of `every` is in (before, now]; never if `every` is 0."""
    return every > 0 and now // every > before // every
