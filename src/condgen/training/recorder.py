"""Records a training while it runs: log, image grids, evaluations, curves and checkpoints.

Disk errors during training are reported once, and writing is tried again; at the end of a training they are raised.
"""

import time
from collections.abc import Callable
from dataclasses import asdict

from PIL import Image

from condgen import marker
from condgen.data_options import name_of
from condgen.disk import write_bytes
from condgen.disk_errors import DiskError, Gone
from condgen.hooks import Hooks
from condgen.inspection import findings
from condgen.judging.monitor import Monitor, is_best, new_alarms
from condgen.progress import Progress
from condgen.sampling import canvas, grids, plots
from condgen.sampling.sampler import Sampler
from condgen.training import published
from condgen.training.metric_log import MetricLog, read
from condgen.training.run import Run
from condgen.training.state import Training

NOTE = marker.sheet("condgen train")
CURVES_SECONDS = 300.0
"""Seconds between two updates of curves.png, which takes a second each."""


class Recorder:
    """The record of one session of a training. Used by the main process only."""

    def __init__(
        self,
        training: Training,
        progress: Progress,
        monitor: Monitor | None,
        best_by: str,
        roll_back: bool,
        hooks: Hooks,
    ) -> None:
        """roll_back: whether the state of the best evaluation is saved too, so that an alarm can roll back to it."""
        self.training, self.progress, self.monitor = training, progress, monitor
        self.best_by, self.roll_back, self.hooks = best_by, roll_back, hooks
        self.alarm: str | None = None
        """The first alarm of the newest evaluation."""
        for name in published.GROWING:
            published.lines(training.run.folder, name, progress.say)  # reported before MetricLog drops damaged lines
        self.book, self.tolerant = MetricLog(training.run.folder, training.images), TolerateDiskErrors(progress.say)
        with self.tolerant:
            training.run.note_files(training.saved)
        self.logged = self.plotted = time.monotonic()

    def begin(self) -> None:
        """Save a grid of real images for comparison, the first grid of generated ones, and a state to roll back to."""
        with self.tolerant:
            save_real(self.training)
        self.keep_grid()
        self.keep_rescue()

    def write(self, scalars: dict[str, float], evaluates: bool) -> None:
        """Write a line of the log, which includes the result of an evaluation if one is due."""
        if evaluates and self.monitor:
            scalars |= self.evaluate(self.monitor)
        self.logged, seconds = time.monotonic(), time.monotonic() - self.logged
        with self.tolerant:
            self.book.write(self.training.images, scalars, seconds)
        self.progress.show(self.training.images, scalars)
        self.hooks.call("on_log", self.training.images, scalars)

    def evaluate(self, monitor: Monitor) -> dict[str, float]:
        """Evaluate the averaged generator, save it if it is the best so far, and report new alarms."""
        training, log = self.training, self.training.run.log
        found = monitor.evaluate(training.sampler, training.images, log)
        if is_best(found.scalars, self.best_by, log):
            with self.tolerant:
                training.keep_best(found.scalars)
                if self.roll_back and not found.alarms:
                    training.save_best_state()
        self.alarm = found.alarms[0].text if found.alarms else None
        for alarm in new_alarms(found.alarms, read(self.book.alarms)):
            self.progress.say(f"at {training.images:,} images: {alarm.text}")
        with self.tolerant:
            self.book.warn(training.images, [asdict(alarm) for alarm in found.alarms])
        self.hooks.call("on_evaluation", training.images, found.scalars, [alarm.text for alarm in found.alarms])
        return found.scalars

    def keep_grid(self) -> None:
        """Save the current image grid. Its latent vectors are the same each time, so that images can be compared."""
        with self.tolerant:
            sheet = save_grid(self.training, self.training.sampler, self.training.images)
            self.book.image(self.training.images, sheet)
            self.hooks.call("on_images", self.training.images, sheet)

    def draw_curves(self) -> None:
        """Plot the logged values to curves.png."""
        draw_curves(self.training.run)
        self.plotted = time.monotonic()

    def keep_rescue(self) -> None:
        with self.tolerant:
            self.training.save_rescue()

    def save(self) -> None:
        """Save the log and a checkpoint, which is last since it relies on the rest."""
        with self.tolerant:
            if time.monotonic() - self.plotted > CURVES_SECONDS:
                self.draw_curves()
            self._save_all()
            self.tolerant.reported = False

    def end(self) -> None:
        """Save everything at the end. Raises DiskError if writing fails."""
        try:
            self.book.flush()
            self.draw_curves()
            self._save_all()
        except Gone:
            raise
        except DiskError as error:
            kept = f"The checkpoint at {self.training.run.images:,} images is kept"
            raise DiskError(f"{error} {kept}; the same command resumes from there.") from None

    def _save_all(self) -> None:
        self.training.run.check()
        self.book.sync()
        self.training.save()


def save_real(training: Training) -> None:
    """Save a grid of real images, for comparison."""
    sheet = findings.real(training.dataset.train, training.dataset.labels, grids.ROWS)
    canvas.save_png(training.run.samples / "real.png", sheet, NOTE)


def save_grid(training: Training, sampler: Sampler, images: int) -> Image.Image:
    """Save and return the image grid of a generator after `images` images: a function of the generator and the seed."""
    sheet = grids.class_grid(sampler, seed=training.run.identity.seed)
    canvas.save_png(training.run.samples / f"{images:012d}.png", sheet, NOTE)
    return sheet


def draw_curves(run: Run) -> None:
    """Plot the logged values to curves.png."""
    write_bytes(
        run.folder / "curves.png", plots.curves(run.log, f"{run.identity.system} on {name_of(run.identity.data)}")
    )


class TolerateDiskErrors:
    """Context manager that suppresses disk errors. The first one after each saved checkpoint is reported by `say`."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say, self.reported = say, False

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, DiskError) or isinstance(error, Gone):
            return False
        if not self.reported:
            self.say(f"{error} Training continues; writing is tried again at each checkpoint.")
        self.reported = True
        return True
