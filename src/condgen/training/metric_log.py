"""The logs of a training: log.jsonl for programs, TensorBoard events for plots.

log.jsonl and alarms.jsonl contain only functions of the seed, so two equal trainings write equal files; clock.jsonl
contains the seconds. Means over several steps are computed on the device and fetched once per log entry.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from condgen import records
from condgen.disk import append, sync, write_bytes
from condgen.training.events import Events

if TYPE_CHECKING:
    from torch import Tensor


class Meter:
    """Running means of the values returned by `step` since the last `take`; part of every checkpoint."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.count = 0

    def add(self, scalars: "Mapping[str, Tensor]") -> None:
        for name, value in scalars.items():
            self.sums[name] = self.sums[name] + value if name in self.sums else value.float()
        self.count += 1

    def take(self) -> dict[str, float]:
        """Return the means by name, and reset them. Only here are values copied from the device."""
        import torch

        names = sorted(self.sums)  # sorted, because a checkpoint does not keep the order
        means = (torch.stack([self.sums[name] for name in names]) / self.count).tolist() if names else []
        self.sums, self.count = {}, 0
        return dict(zip(names, means, strict=True))


class MetricLog:
    """The log of one run folder, continued from a checkpoint.

    Lines that cannot be written are kept in memory and written with the next line.
    """

    def __init__(self, folder: Path, images: int) -> None:
        """images: training images of the checkpoint to resume; later lines are deleted, as they are logged again."""
        self.log, self.clock, self.alarms = (folder / f"{name}.jsonl" for name in ("log", "clock", "alarms"))
        for path in (self.log, self.clock, self.alarms):
            _keep(path, images)
        last = read(self.clock, newest=1)
        self.seconds = last[0]["seconds"] if last else 0.0
        self.events = Events(folder / "tensorboard", images)
        self._waiting: dict[Path, bytes] = {}

    def write(self, images: int, scalars: Mapping[str, float], seconds: float) -> None:
        """Write one line. seconds: training time since the previous line.

        Raises DiskError if writing fails; the line is kept in memory.
        """
        self.seconds += seconds
        self._waiting[self.log] = self._waiting.get(self.log, b"") + records.line({"images": images, **scalars})
        clock = records.line({"images": images, "seconds": round(self.seconds, 3)})
        self._waiting[self.clock] = self._waiting.get(self.clock, b"") + clock
        self.flush()
        self.events.scalars(images, scalars)

    def warn(self, images: int, alarms: Sequence[Mapping[str, str]]) -> None:
        """Write the alarms of an evaluation, each with `kind` and `text`; the line is written even without alarms."""
        line = records.line({"images": images, "alarms": list(alarms)})
        self._waiting[self.alarms] = self._waiting.get(self.alarms, b"") + line
        self.flush()
        if alarms:
            self.events.text(images, "alarms", "\n\n".join(alarm["text"] for alarm in alarms))

    def image(self, images: int, sheet: Image.Image) -> None:
        self.events.image(images, "samples", sheet)

    def flush(self) -> None:
        """Write the lines kept in memory. Raises DiskError if writing fails; unwritten lines are kept."""
        for path in list(self._waiting):
            append(path, self._waiting[path])
            del self._waiting[path]

    def sync(self) -> None:
        """Write every line and sync the files to disk, because a checkpoint relies on the lines before it."""
        self.flush()
        for path in (self.log, self.clock, self.alarms):
            if path.exists():
                sync(path)
        sync(self.log.parent)  # the folder contains their names


def read(path: Path, newest: int | None = None, say: Callable[[str], None] = lambda text: None) -> list[dict[str, Any]]:
    """The intact lines of a .jsonl file of a run, or of its last `newest` lines.

    A last line that was truncated by a crash is left out. say: called with a sentence if lines are damaged.
    """
    found = records.read_lines(path, newest, _fits)
    if found.damaged:
        say(f"{str(path)!r} has {found.damaged} damaged line{'s' * (found.damaged > 1)}, which are left out; only "
            "the same training from its start restores them.")  # fmt: skip
    return found.sound


def _fits(line: Mapping[str, Any]) -> bool:
    """Whether a line has the fields of one of the three files: numbers, or alarms."""
    rest = {name: value for name, value in line.items() if name != "alarms"}
    alarms = line.get("alarms", [])
    return (
        isinstance(line.get("images"), int)
        and all(type(value) in (int, float) for value in rest.values())
        and isinstance(alarms, list)
        and all(isinstance(alarm, dict) and {"kind", "text"} <= alarm.keys() for alarm in alarms)
    )


def _keep(path: Path, images: int) -> None:
    if path.exists():
        lines = [line for line in read(path) if line["images"] <= images]
        write_bytes(path, b"".join(map(records.line, lines)))
