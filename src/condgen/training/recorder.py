"""Whoever writes about a training while it plays: log, class grids, evaluations, curves, states to go on from.

What the disk refuses on the way is told once and tried again; only at the end it is an error.
"""

import time
from collections.abc import Callable
from dataclasses import asdict

from PIL import Image

from condgen import inspection, marker
from condgen.disk import DiskError, Gone, write_bytes
from condgen.drawing import pictures, plots, sheets
from condgen.drawing.sampler import Sampler
from condgen.judging.monitor import Monitor, new_alarms, is_best
from condgen.progress import Progress
from condgen.training import published
from condgen.training.logbook import Logbook, read
from condgen.training.run import Run
from condgen.training.state import Training

NOTE = marker.sheet("condgen train")
CURVES_SECONDS = 300.0
"""Between two drawings of curves.png: matplotlib takes a second for one."""


class Recorder:
    """Of one training, from where it is now."""

    def __init__(
        self, training: Training, progress: Progress, monitor: Monitor | None, best_by: str, roll_back: bool
    ) -> None:
        """roll_back: whether the state of the best evaluation is kept too, for an alarm to go back to."""
        self.training, self.progress, self.monitor = training, progress, monitor
        self.best_by, self.roll_back = best_by, roll_back
        self.alarm: str | None = None
        """Of the newest evaluation, the first."""
        for name in published.GROWING:
            published.lines(training.run.folder, name, progress.say)  # told before what is damaged is dropped
        self.book = Logbook(training.run.folder, training.images)
        self.patience = Patience(progress.say)
        with self.patience:
            training.run.note_files(training.saved)
        self.logged = self.drawn = time.monotonic()

    def begin(self) -> None:
        """Some real pictures to hold the class grids against, the first of these, and a state to roll back to."""
        with self.patience:
            save_real(self.training)
        self.draw()
        self.keep_rescue()

    def write(self, scalars: dict[str, float], judged: bool) -> None:
        """A line of the log, with what an evaluation finds if it is time for one."""
        if judged and self.monitor:
            scalars |= self.evaluate(self.monitor)
        self.logged, seconds = time.monotonic(), time.monotonic() - self.logged
        with self.patience:
            self.book.write(self.training.images, scalars, seconds)
        self.progress.show(self.training.images, scalars)

    def evaluate(self, monitor: Monitor) -> dict[str, float]:
        """Measure the averaged generator, keep it if it is the best so far, and say what looks wrong."""
        training, log = self.training, self.training.run.log
        found = monitor.evaluate(training.sampler, training.images, log)
        if is_best(found.scalars, self.best_by, log):
            with self.patience:
                training.keep_best(found.scalars)
                if self.roll_back and not found.alarms:
                    training.save_best_state()
        self.alarm = found.alarms[0].text if found.alarms else None
        for alarm in new_alarms(found.alarms, read(self.book.alarms)):
            self.progress.say(f"at {training.images:,} images: {alarm.text}")
        with self.patience:
            self.book.warn(training.images, [asdict(alarm) for alarm in found.alarms])
        return found.scalars

    def draw(self) -> None:
        """The class grid of this moment: the same z each time, so that one can watch a picture grow."""
        with self.patience:
            sheet = save_grid(self.training, self.training.sampler, self.training.images)
            self.book.picture(self.training.images, sheet)

    def draw_curves(self) -> None:
        """The logged numbers as a picture, for whoever does not watch TensorBoard."""
        draw_curves(self.training.run)
        self.drawn = time.monotonic()

    def keep_rescue(self) -> None:
        with self.patience:
            self.training.save_rescue()

    def save(self) -> None:
        """The log and what there is of the training; the checkpoint counts on the rest and comes last."""
        with self.patience:
            if time.monotonic() - self.drawn > CURVES_SECONDS:
                self.draw_curves()
            self._put_away()
            self.patience.used_up = False

    def end(self) -> None:
        """The same for the last time. Raises DiskError if the disk still refuses something."""
        try:
            self.book.flush()
            self.draw_curves()
            self._put_away()
        except Gone:
            raise
        except DiskError as error:
            kept = f"The checkpoint at {self.training.run.images:,} images is kept"
            raise DiskError(f"{error} {kept}; the same command goes on from there.") from None

    def _put_away(self) -> None:
        self.training.run.check()
        self.book.sync()
        self.training.save()


def save_real(training: Training) -> None:
    """Some real pictures, to hold class grids against."""
    sheet = inspection.real(training.dataset.train, training.dataset.labels, sheets.ROWS)
    pictures.save_png(training.run.samples / "real.png", sheet, NOTE)


def save_grid(training: Training, sampler: Sampler, images: int) -> Image.Image:
    """The class grid of a generator that has seen so many images: a function of it and of the seed."""
    sheet = sheets.class_grid(sampler, seed=training.run.identity.seed)
    pictures.save_png(training.run.samples / f"{images:012d}.png", sheet, NOTE)
    return sheet


def draw_curves(run: Run) -> None:
    """The logged numbers as curves.png."""
    write_bytes(run.folder / "curves.png", plots.curves(run.log, f"{run.identity.system} on {run.identity.data}"))


class Patience:
    """Lets a training go on while the disk refuses things, and says so once until a checkpoint is saved again."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say, self.used_up = say, False

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, DiskError) or isinstance(error, Gone):
            return False
        if not self.used_up:
            self.say(f"{error} Training goes on, and tries again at each checkpoint.")
        self.used_up = True
        return True
