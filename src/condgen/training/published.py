"""published.json: the list of files of a complete run folder, to detect missing or truncated files. Needs no torch.

Every file carries its own checksum: cards and JSON a seal, log entries a CRC, PNG and TensorBoard files those of their
formats. A checksum cannot show that a file is missing or truncated; this list can. It is written with each checkpoint
and when a session begins, and contains a second copy of config.json.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from condgen import records
from condgen.errors import notice
from condgen.training import events, metric_log
from condgen.training.identity import CONFIG, FORMAT, PUBLISHED, RunConfig
from condgen.version import __version__

State = Literal["sound", "damaged", "missing"]
GROWING = ("log.jsonl", "clock.jsonl", "alarms.jsonl")
"""Files to which a training only appends."""
PLAIN = ("env.json", "rollbacks.json", "curves.png")


@dataclass(frozen=True)
class Published:
    """The contents of a run folder just before its newest checkpoint was written."""

    images: int
    best: int | None
    """Number of training images of the generator in best/."""
    files: dict[str, int]
    """Size in bytes by path relative to the folder."""

    def is_cut(self, folder: Path, name: str) -> bool:
        """Whether an append-only file was truncated: its complete lines are shorter than they were."""
        if name not in self.files:
            return False
        try:
            return (folder / name).read_bytes().rfind(b"\n") + 1 < self.files[name]
        except OSError:
            return True


def write(folder: Path, identity: RunConfig, images: int) -> None:
    """List the present files of the folder, and those listed before. images: of the newest checkpoint."""
    before = readable(folder)
    files, best = (before.files, before.best) if before else ({}, None)
    with suppress(records.Damaged, KeyError):
        best = records.read(folder / "best" / "card.json")["images"]
    files = files | {path.relative_to(folder).as_posix(): path.stat().st_size for path in _files(folder)}
    about = {
        "condgen": __version__,
        "format": FORMAT,
        "images": images,
        "best": best,
        "files": dict(sorted(files.items())),
        "identity": asdict(identity),
    }
    records.write(folder / PUBLISHED, about)


def read(folder: Path) -> Published | None:
    """Read the list; None if there is none, as in runs of an older condgen. Raises records.Damaged."""
    path = folder / PUBLISHED
    if not path.exists():
        return None
    found = records.read(path)
    try:
        files = {str(name): int(size) for name, size in found["files"].items()}
        return Published(int(found["images"]), found["best"], files)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise records.Damaged(path, "is damaged: it is not a list of files") from None


def readable(folder: Path) -> Published | None:
    """The list; None if there is none, or a damaged one."""
    with suppress(records.Damaged):
        return read(folder)
    return None


def lines(folder: Path, name: str, say: Callable[[str], None] = notice) -> list[dict[str, Any]]:
    """The lines of an append-only file. say: called with a sentence if some are damaged or missing."""
    said = list[str]()
    found = metric_log.read(folder / name, say=said.append)
    if not said and (known := readable(folder)) and known.is_cut(folder, name):
        said.append(f"{str(folder / name)!r} or lines of it are missing; the rest is shown.")
    for sentence in said:
        say(sentence)
    return found


def had_best(folder: Path) -> bool:
    """Whether the run has, or once had, a generator in best/."""
    known = readable(folder)
    return known.best is not None if known else (folder / "best").exists()


def lost_grids(folder: Path) -> list[str]:
    """Class grids that are listed but missing."""
    known = readable(folder)
    grids = [name for name in (known.files if known else ()) if name.startswith("samples/0")]
    return [name for name in grids if not (folder / name).exists()]


def event_files(folder: Path, known: Published | None) -> dict[str, State]:
    """State of each TensorBoard file, by path relative to the folder; listed but missing ones are included."""
    names = {f"tensorboard/{path.name}" for path in (folder / "tensorboard").glob("events.*")}
    names |= {name for name in (known.files if known else ()) if name.startswith("tensorboard/")}
    return {name: _state(folder / name, known.files.get(name, 0) if known else 0) for name in sorted(names)}


def _state(path: Path, size: int) -> State:
    if not path.exists():
        return "missing"
    return "sound" if path.stat().st_size >= size and events.is_whole(path) else "damaged"


def is_of_an_older_condgen(folder: Path) -> bool:
    """Whether the run was written by a version of condgen without checksums."""
    with suppress(records.Damaged):
        return bool(records.read(folder / CONFIG).get("format") == 1)
    return False


def _files(folder: Path) -> Iterator[Path]:
    """The files to list. Those of generators are left out, because their cards list them."""
    names = [folder / name for name in (*GROWING, *PLAIN)]
    yield from (path for path in names if path.is_file())
    for inner, pattern in (("samples", "*.png"), ("tensorboard", "events.*")):
        yield from sorted((folder / inner).glob(pattern))
