"""How long a training takes, in words: its length in images and epochs, its speed, its end and where to look."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

DAY = 24 * 3600.0
CENTURY = 36_525 * DAY


@dataclass(frozen=True)
class Forecast:
    """The end of a training, at a measured speed."""

    images: int
    """Length of the training, in images."""
    seen: int
    """Images seen so far."""
    per_epoch: int
    """Number of training images in the data set."""
    speed: float
    """Images per second."""
    samples: Path
    """Folder of the image grids."""

    @property
    def seconds(self) -> float:
        """Time left."""
        return max(0, self.images - self.seen) / max(self.speed, 1e-9)

    def sentences(self, now: datetime) -> Iterator[str]:
        epochs = self.images / max(1, self.per_epoch)
        many = f"{epochs:,.0f}" if epochs >= 10 else f"{epochs:.3g}"
        end = now + timedelta(seconds=min(self.seconds, CENTURY))  # a date has four digits
        clock = f"{end:%H:%M}" if end.date() == now.date() else f"{end:%Y-%m-%d %H:%M}"
        yield (
            f"{self.images:,} images ({many} epochs of {self.per_epoch:,}) at {self.speed:,.0f} images/s: "
            f"{duration(self.seconds)}, until {clock}. Image grids: {self.samples}"
        )
        if self.seconds > DAY:
            yield (
                "this takes longer than a day. --minutes 60 trains for an hour; the command can be stopped at any "
                "time and resumes where it was."
            )


UNITS = (("days", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def duration(seconds: float) -> str:
    """A duration with two units at most: "40 s", "8 min 20 s", "3 h 5 min", "2 days 4 h"."""
    rest, parts = max(0, round(seconds)), []
    for unit, size in UNITS:
        count, rest = divmod(rest, size)
        parts.append((count, unit))
    while len(parts) > 1 and not parts[0][0]:
        del parts[0]
    return " ".join(f"{count} {unit}" for count, unit in parts[:2] if count or len(parts) == 1)
