"""What a training says about itself: log.jsonl for programs, TensorBoard events for watching.

log.jsonl and alarms.jsonl hold only what is a function of the seed, so two equal trainings leave equal files;
clock.jsonl holds the seconds. Means over a stretch of steps are collected on the device and fetched once per line.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from condgen.disk import write_bytes

if TYPE_CHECKING:
    from tensorboardX import SummaryWriter


class Meter:
    """Running means of what `step` returns since they were last taken; part of every checkpoint."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.count = 0

    def add(self, scalars: Mapping[str, Tensor]) -> None:
        for name, value in scalars.items():
            self.sums[name] = self.sums[name] + value if name in self.sums else value.float()
        self.count += 1

    def take(self) -> dict[str, float]:
        """The means, by name; the one place where numbers leave the device."""
        names = sorted(self.sums)  # not in their own order: a checkpoint forgets it
        means = (torch.stack([self.sums[name] for name in names]) / self.count).tolist() if names else []
        self.sums, self.count = {}, 0
        return dict(zip(names, means, strict=True))


class Logbook:
    """The log of one run folder, continued where a checkpoint left it."""

    def __init__(self, folder: Path, images: int) -> None:
        """images: where the training goes on; later lines are of a future that was lost, and are dropped."""
        self.log, self.clock, self.alarms = (folder / f"{name}.jsonl" for name in ("log", "clock", "alarms"))
        for path in (self.log, self.clock, self.alarms):
            _keep(path, images)
        self.seconds = read(self.clock)[-1]["seconds"] if read(self.clock) else 0.0
        self._events, self._resumed_at = folder / "tensorboard", images
        self._writer: SummaryWriter | None = None

    def write(self, images: int, scalars: Mapping[str, float], seconds: float) -> None:
        """One line; seconds: spent training since the line before."""
        self.seconds += seconds
        _append(self.log, {"images": images, **scalars})
        _append(self.clock, {"images": images, "seconds": round(self.seconds, 3)})
        for name, value in scalars.items():
            self.events.add_scalar(name, value, images)

    def warn(self, images: int, alarms: Sequence[Mapping[str, str]]) -> None:
        """What an evaluation found wrong, each with its kind and text; a line also if that is nothing."""
        _append(self.alarms, {"images": images, "alarms": list(alarms)})
        if alarms:
            self.events.add_text("alarms", "\n\n".join(alarm["text"] for alarm in alarms), images)

    def picture(self, images: int, sheet: Image.Image) -> None:
        self.events.add_image("samples", np.asarray(sheet), images, dataformats="HWC")

    @property
    def events(self) -> "SummaryWriter":
        if self._writer is None:
            from tensorboardX import SummaryWriter

            self._writer = SummaryWriter(
                str(self._events),
                purge_step=self._resumed_at + 1 if self._resumed_at else None,  # hides the lost future
                filename_suffix=f".{self._resumed_at:012d}",  # its own names differ by the second only
            )
        return self._writer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()


def read(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a .jsonl file; a last line cut by a crash is left out."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def _keep(path: Path, images: int) -> None:
    if path.exists():
        lines = [line for line in read(path) if line["images"] <= images]
        write_bytes(path, "".join(_line(line) for line in lines).encode())


def _append(path: Path, value: Mapping[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(_line(value))


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value) + "\n"
