"""Progress on the console: bars in a terminal, plain lines in a pipe."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn, track
from rich.progress import Progress as RichProgress

from condgen.errors import notice
from condgen.forecast import duration
from condgen.language import message

PLAIN_SECONDS = 5.0
"""Minimum time between two lines in a pipe."""
SILENT_SECONDS = 60.0
"""Maximum time between two lines in a pipe, as long as training steps are done."""
BAR_SECONDS = 0.25
"""Time between two updates of a bar."""
MEASURED_SECONDS = 1.0
"""Time after the first training step at which the speed is known well enough to be announced."""
LONG_SECONDS = 5.0
"""Work that takes longer is announced in a pipe, with its expected time."""

Item = TypeVar("Item")
_quiet: ContextVar[bool] = ContextVar("quiet", default=False)


class Progress:
    """Progress of one training. `Progress(quiet=True)` prints nothing."""

    def __init__(self, quiet: bool = False) -> None:
        self.console = Console(quiet=quiet, highlight=False, soft_wrap=True)
        self._progress: RichProgress | None = None
        self._task = TaskID(0)
        self._total, self._speed = 0, Speed(0)
        self._printed = self._moved = float("-inf")
        self._scalars = ""
        self._announce: Callable[[float], Iterable[str]] | None = None

    def say(self, text: str) -> None:
        self.console.print(message(text), markup=False)

    @contextmanager
    def training(
        self, images: int, total: int, announce: Callable[[float], Iterable[str]] | None = None
    ) -> Iterator[None]:
        """Show progress from `images` to `total` while the block runs.

        announce: sentences to print once the speed is measured, a function of the images per second.
        """
        self._total, self._speed, self._announce = total, Speed(images), announce
        self._printed = time.monotonic()
        if not self.console.is_terminal or self.console.quiet:
            yield
            return
        columns = (BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn(compact=True))
        with RichProgress(*columns, console=self.console) as self._progress:
            self._task = self._progress.add_task("", total=total, completed=images)
            yield
        self._progress = None

    def tick(self, images: int) -> None:
        """Called after every training step: moves the bar, and announces the length once the speed is measured."""
        now = time.monotonic()
        if now - self._moved < BAR_SECONDS:
            return
        self._moved = now
        self._speed.at(images, now)
        if self._announce and self._speed.seconds >= MEASURED_SECONDS:
            announce, self._announce = self._announce, None
            for sentence in announce(self._speed.now):
                self.say(sentence)
        if self._progress or now - self._printed >= SILENT_SECONDS:
            self._print(images)

    def show(self, images: int, scalars: Mapping[str, float]) -> None:
        """Report the progress at `images`, with the newest logged values."""
        self._scalars = "  ".join(f"{name} {value:.3f}" for name, value in scalars.items())
        self._speed.at(images, time.monotonic())
        if self._progress or time.monotonic() - self._printed >= PLAIN_SECONDS or images >= self._total:
            self._print(images)

    def _print(self, images: int) -> None:
        speed = self._speed.now
        text = f"{images:,} of {self._total:,} images  {speed:,.0f}/s  {self._scalars}"
        if self._progress:
            self._progress.update(self._task, completed=images, description=text)
            return
        self._printed = time.monotonic()
        left = max(self._total - images, 0) / max(speed, 1e-9)
        self.say(f"{text}  {duration(left)} left")


class Speed:
    """Images per second since the end of the first training step, which selects kernels and fills caches."""

    def __init__(self, images: int) -> None:
        self._begin = self._last = (images, time.monotonic())
        self._stepped = False

    def at(self, images: int, now: float) -> None:
        """`images` training images have been seen at the time `now`, in seconds."""
        if not self._stepped:
            self._begin, self._stepped = (images, now), True
        self._last = (images, now)

    @property
    def seconds(self) -> float:
        """Measured time."""
        return self._last[1] - self._begin[1]

    @property
    def now(self) -> float:
        return (self._last[0] - self._begin[0]) / max(self.seconds, 1e-9)


@contextmanager
def quietly(quiet: bool = True) -> Iterator[None]:
    """Within the context, `tracked` shows nothing if `quiet`."""
    token = _quiet.set(quiet)
    try:
        yield
    finally:
        _quiet.reset(token)


def tracked(items: Iterable[Item], title: str, total: int) -> Iterator[Item]:
    """The items, with a bar in a terminal. In a pipe, one line says how long it takes if that is long.

    title: the work, such as "training the feature classifier". Both are written to stderr.
    """
    console = Console(stderr=True)
    if console.is_terminal and not _quiet.get():
        yield from track(items, title, total, console=console, transient=True)
        return
    began, announced = time.monotonic(), _quiet.get()
    for number, item in enumerate(items):
        seconds = time.monotonic() - began
        if not announced and number and seconds > 1:
            left, announced = seconds / number * (total - number), True
            if left > LONG_SECONDS:
                notice(f"{title}: about {duration(left)}.")
        yield item
