"""Progress of a training on the console: a progress bar in a terminal, a line every few seconds in a pipe."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

PLAIN_SECONDS = 5.0
"""Minimum time between two lines in a pipe."""


class Progress:
    """Progress of one training. `Progress(quiet=True)` prints nothing."""

    def __init__(self, quiet: bool = False) -> None:
        self.console = Console(quiet=quiet, highlight=False, soft_wrap=True)
        self._progress: RichProgress | None = None
        self._task = TaskID(0)
        self._total, self._start = 0, (0, 0.0)
        self._printed = float("-inf")

    def say(self, text: str) -> None:
        self.console.print(text, markup=False)

    @contextmanager
    def training(self, images: int, total: int) -> Iterator[None]:
        """Show progress from `images` to `total` while the block runs."""
        self._total, self._start, self._printed = total, (images, time.monotonic()), time.monotonic()
        if not self.console.is_terminal or self.console.quiet:
            yield
            return
        columns = (BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn(compact=True))
        with RichProgress(*columns, console=self.console) as self._progress:
            self._task = self._progress.add_task("", total=total, completed=images)
            yield
        self._progress = None

    def show(self, images: int, scalars: Mapping[str, float]) -> None:
        """Report the progress at `images`, with the newest logged values."""
        first, began = self._start
        speed = (images - first) / max(time.monotonic() - began, 1e-9)
        numbers = "  ".join(f"{name} {value:.3f}" for name, value in scalars.items())
        text = f"{images:,} of {self._total:,} images  {speed:,.0f}/s  {numbers}"
        if self._progress:
            self._progress.update(self._task, completed=images, description=text)
        elif time.monotonic() - self._printed >= PLAIN_SECONDS or images >= self._total:
            self._printed = time.monotonic()
            left = (self._total - images) / max(speed, 1e-9)
            self.say(f"{text}  {max(left, 0):.0f} s left")
