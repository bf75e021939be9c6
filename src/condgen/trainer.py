"""The loop that all systems share. It asks for steps and never knows which system plays.

Progress is one integer, images seen. Data order, noise and schedules are functions of (seed, images), so a training
that is stopped and started again goes on as if nothing had happened, bit for bit.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from condgen import inspection, pictures, plots, sheets
from condgen.disk import write_bytes
from condgen.judging.monitor import Monitor, fresh, is_best
from condgen.logbook import Logbook, read
from condgen.sampler import Sampler
from condgen.screen import Screen
from condgen.stream import Stream
from condgen.system import System
from condgen.training import Training

EVALUATIONS, FEWEST_IMAGES = 10, 5000
"""Evaluations that nobody asked for, at most, and images between two of them: one costs about as much."""
AROUND = 2.5
"""Seconds that class grids, curves and checkpoints take in a training of a minute on two cores."""
CURVES_SECONDS = 300.0
"""Between two drawings of curves.png: matplotlib takes a second for one."""


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

    @classmethod
    def of(cls, images: int, every: Every, save_seconds: float, best_by: str) -> "Plan":
        """By default 200 lines of log and 20 class grids, however long the training, and at most 10 evaluations."""
        log, grid, evaluation = (
            max(least, images // parts) if asked is None else asked
            for asked, parts, least in (
                (every.log, 200, 1),
                (every.grid, 20, 1),
                (every.evaluation, EVALUATIONS, FEWEST_IMAGES),
            )
        )
        return cls(images, log, grid, evaluation, save_seconds, best_by)


def train(
    training: Training,
    plan: Plan,
    screen: Screen,
    stop: Callable[[], bool] = lambda: False,
    monitor: Monitor | None = None,
) -> None:
    """Play until `plan.images` are seen, or until `stop()`; either way the end is a checkpoint."""
    logged = saved = drawn = time.monotonic()
    with Logbook(training.run.folder, training.images) as book, screen.training(training.images, plan.images):
        if training.images == 0:
            draw_real(training)
            draw_grid(training, book)

        while training.images < plan.images and not stop():
            before = training.images
            training.step()
            now, ended = training.images, training.images >= plan.images
            judged = monitor if ended or passed(plan.evaluate_every, before, now) else None

            if ended or judged or passed(plan.log_every, before, now):
                scalars = training.meter.take()
                training.check_finite(scalars)
                if judged:
                    scalars |= evaluate(training, judged, plan.best_by, book, screen)
                logged, seconds = time.monotonic(), time.monotonic() - logged
                book.write(now, scalars, seconds)
                screen.show(now, scalars)

            if ended or passed(plan.grid_every, before, now):
                draw_grid(training, book)

            if not ended and time.monotonic() - saved > plan.save_seconds:
                training.save()
                saved = time.monotonic()

            if not ended and time.monotonic() - drawn > CURVES_SECONDS:
                draw_curves(training)
                drawn = time.monotonic()

        training.save()
        draw_curves(training)


def evaluate(training: Training, monitor: Monitor, best_by: str, book: Logbook, screen: Screen) -> dict[str, float]:
    """Measure the averaged generator, keep it if it is the best so far, and say what looks wrong."""
    log = training.run.log
    found = monitor.look(training.sampler, training.images, log)
    if is_best(found.scalars, best_by, log):
        training.keep_best(found.scalars)
    for alarm in fresh(found.alarms, read(book.alarms)):
        screen.say(f"at {training.images:,} images: {alarm.text}")
    book.warn(training.images, [asdict(alarm) for alarm in found.alarms])
    return found.scalars


def passed(every: int, before: int, now: int) -> bool:
    """Whether a multiple of `every` lies in (before, now]; 0 is never."""
    return every > 0 and now // every > before // every


def draw_real(training: Training) -> None:
    """Some real pictures, to hold the class grids against."""
    sheet = inspection.real(training.dataset.train, training.dataset.labels, sheets.ROWS)
    pictures.save_png(training.run.samples / "real.png", sheet)


def draw_grid(training: Training, book: Logbook) -> None:
    """The class grid of this moment: the same z each time, so that one can watch a picture grow."""
    sheet = sheets.classes(training.sampler, seed=training.run.identity.seed)
    pictures.save_png(training.run.samples / f"{training.images:012d}.png", sheet)
    book.picture(training.images, sheet)


def draw_curves(training: Training) -> None:
    """The logged numbers as a picture, for whoever does not watch TensorBoard."""
    run = training.run
    write_bytes(run.folder / "curves.png", plots.curves(run.log, f"{run.identity.system} on {run.identity.data}"))


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


def rehearse(system: System, stream: Stream, monitor: Monitor | None, seconds: float) -> Pace:
    """Play for about so long and evaluate; the system is spoilt and to be thrown away."""
    found = speed(system, stream, seconds)
    if not monitor:
        return Pace(found)
    sampler = Sampler(system.generator, system.draws, system.prior, device=stream.device)
    monitor.look(sampler, 1, [])  # looks at the real pictures too, once and for all
    began = time.monotonic()
    monitor.look(sampler, 1, [])
    return Pace(found, time.monotonic() - began)


def speed(system: System, stream: Stream, seconds: float) -> float:
    """Images per second, found by playing for about so long; the system is spoilt and to be thrown away."""
    with system.arithmetic(stream.device):
        for _ in range(3):  # the first steps choose kernels and fill caches
            system.step(stream, stream.images)
        began, images = time.monotonic(), stream.images
        while time.monotonic() - began < seconds:
            system.step(stream, stream.images)
    return (stream.images - images) / (time.monotonic() - began)
