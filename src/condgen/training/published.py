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
from condgen.training.identity import CONFIG, PUBLISHED, RunConfig
from condgen.version import __version__

State = Literal["sound", "damaged", "missing"]
GROWING = ("log.jsonl", "clock.jsonl", "alarms.jsonl")
"""Files that only ever grow between two lists."""
PLAIN = ("env.json", "rollbacks.json", "curves.png")


@dataclass(frozen=True)
class Published:
    """What a run folder had when its newest checkpoint was about to be written."""

    images: int
    best: int | None
    """Images that the generator in best/ had seen."""
    files: dict[str, int]
    """Path within the folder -> bytes."""

    def is_cut(self, folder: Path, name: str) -> bool:
        """Whether a file that only grows has fewer whole lines than it had."""
        if name not in self.files:
            return False
        try:
            return (folder / name).read_bytes().rfind(b"\n") + 1 < self.files[name]
        except OSError:
            return True


def write(folder: Path, identity: RunConfig, images: int) -> None:
    """List what the folder holds now, and what it held before and has lost. images: of the newest checkpoint."""
    files, best = {}, None
    with suppress(records.Damaged):
        if before := read(folder):
            files, best = before.files, before.best
    with suppress(records.Damaged, KeyError):
        best = records.read(folder / "best" / "card.json")["images"]
    files = files | {str(path.relative_to(folder)): path.stat().st_size for path in _files(folder)}
    about = {
        "condgen": __version__,
        "images": images,
        "best": best,
        "files": dict(sorted(files.items())),
        "identity": asdict(identity),
    }
    records.write(folder / PUBLISHED, about)


def read(folder: Path) -> Published | None:
    """None if there is no list, as in runs of an older condgen. Raises records.Damaged."""
    path = folder / PUBLISHED
    if not path.exists():
        return None
    found = records.read(path)
    try:
        files = {str(name): int(size) for name, size in found["files"].items()}
        return Published(int(found["images"]), found["best"], files)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise records.Damaged(path, "is damaged: it is no list of files") from None


def lines(folder: Path, name: str, say: Callable[[str], None] = notice) -> list[dict[str, Any]]:
    """The lines of a file that grows. say: told if some are damaged, or are no longer there."""
    said = list[str]()
    found = metric_log.read(folder / name, say=said.append)
    with suppress(records.Damaged):
        known = read(folder)
        if not said and known and known.is_cut(folder, name):
            said.append(f"{str(folder / name)!r} is missing, or lines of it are; the rest is shown.")
    for sentence in said:
        say(sentence)
    return found


def had_best(folder: Path) -> bool:
    """Whether there is a best/, or was one."""
    with suppress(records.Damaged):
        if known := read(folder):
            return known.best is not None
    return (folder / "best").exists()


def lost_grids(folder: Path) -> list[str]:
    """Class grids that are listed and no longer there."""
    with suppress(records.Damaged):
        if known := read(folder):
            grids = [name for name in known.files if name.startswith("samples/0")]
            return [name for name in grids if not (folder / name).exists()]
    return []


def event_files(folder: Path, known: Published | None) -> dict[str, State]:
    """TensorBoard's files, by their path within the folder; those that are gone included."""
    names = {f"tensorboard/{path.name}" for path in (folder / "tensorboard").glob("events.*")}
    names |= {name for name in (known.files if known else ()) if name.startswith("tensorboard/")}
    return {name: _state(folder / name, known.files.get(name, 0) if known else 0) for name in sorted(names)}


def _state(path: Path, size: int) -> State:
    if not path.exists():
        return "missing"
    return "sound" if path.stat().st_size >= size and events.is_whole(path) else "damaged"


def is_of_an_older_condgen(folder: Path) -> bool:
    """Whether the run was last written before there were checksums."""
    with suppress(records.Damaged):
        return bool(records.read(folder / CONFIG).get("format") == 1)
    return False


def _files(folder: Path) -> Iterator[Path]:
    """What is listed; a generator's files are listed by their card."""
    names = [folder / name for name in (*GROWING, *PLAIN)]
    yield from (path for path in names if path.is_file())
    for inner, pattern in (("samples", "*.png"), ("tensorboard", "events.*")):
        yield from sorted((folder / inner).glob(pattern))
