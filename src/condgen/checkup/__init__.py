"""Verifies every file of a run or an exported folder, and names the command that repairs it.

Files are verified by their checksums, without torch. Repairs by the train command (train_command.py) are in
training/mending.py.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from condgen import disk, marker, records, shell
from condgen.checkup.train_command import train_command
from condgen.errors import CondgenError
from condgen.sharing import card, manifest, strict
from condgen.training import checkpoint, published
from condgen.training.identity import CONFIG, PUBLISHED
from condgen.training.published import Published, State
from condgen.version import __version__

TRAIN = "the run's train command"
STATES = ("checkpoints", "rescue", "rescue-best")
"""Folders of a run that hold states of the training."""
NEVER = "only the same training with another --out restores it"


@dataclass(frozen=True)
class File:
    """The state of one file of a folder."""

    file: str
    state: State
    note: str = ""
    mend: str = ""
    """The command that repairs the file, or the reason why there is none."""


@dataclass(frozen=True)
class Checkup:
    """The state of every file of a folder."""

    folder: Path
    files: Sequence[File]

    @property
    def sound(self) -> bool:
        return all(file.state == "sound" for file in self.files)

    def to_json(self) -> dict[str, Any]:
        return {"folder": str(self.folder), "sound": self.sound, "files": [asdict(file) for file in self.files]}


def check(folder: Path) -> Checkup:
    """The state of every file that condgen writes. Raises CondgenError if `folder` is neither a run nor an export."""
    if (folder / CONFIG).exists() or (folder / PUBLISHED).exists():
        found = [*_run(folder)]
        if any(file.mend == TRAIN and file.state != "sound" for file in found):
            command = train_command(folder)  # only on demand, since it may import torch
            found = [replace(file, mend=command) if file.mend == TRAIN else file for file in found]
        return Checkup(folder, found)
    if (folder / manifest.NAME).exists() or (folder / card.NAME).exists():
        return Checkup(folder, [*_export(folder, "")])
    raise CondgenError(f"{str(folder)!r} is not a run or an export: it has neither {CONFIG} nor {card.NAME}.")


def _run(folder: Path) -> Iterator[File]:
    known = published.readable(folder)
    states = {path: checkpoint.faults(path) for place in STATES for path in checkpoint.saved(folder / place)}
    sound = {int(path.name) for path, faults in states.items() if not faults}
    yield _record(folder, CONFIG, TRAIN)
    if (folder / marker.FILE).exists() or known:  # runs of an older condgen have none
        yield _marker(folder)
    if (folder / PUBLISHED).exists() or not published.is_of_an_older_condgen(folder):
        yield _record(folder, PUBLISHED, TRAIN)
    for name in ("env.json", "rollbacks.json"):
        if (folder / name).exists() or name == "env.json" or (known and name in known.files):
            yield _list(folder, name)
    for name in published.GROWING:
        if (folder / name).exists() or (known and name in known.files):
            yield _lines(folder, name)
    yield from _images(folder, known, sound)
    for path, faults in states.items():
        yield from _state(f"{path.parent.name}/{path.name}", faults)
    yield from _generator(folder, "generator", TRAIN)
    if (folder / "best").exists() or (known and known.best is not None):
        yield from _generator(folder, "best", TRAIN if known and known.best in sound else NEVER)
    for name, options in (("evaluation.json", ""), ("evaluation-best.json", " --best")):
        if (folder / name).exists():
            yield _record(folder, name, f"condgen evaluate {shell.path(folder)}{options}")
    yield from _events(folder, known)
    for path in sorted((folder / "exported").glob("*/")):
        yield from _export(path, f"exported/{path.name}/")


def _record(folder: Path, name: str, mend: str) -> File:
    if not (folder / name).exists():
        return File(name, "missing", mend=mend)
    try:
        records.read(folder / name)
    except records.Damaged as damaged:
        return File(name, "damaged", damaged.reason, mend)
    return File(name, "sound", "" if records.is_sealed(folder / name) else "no checksum: written by an older condgen")


def _marker(folder: Path) -> File:
    """The state of the marker. Its version must be that of config.json, since a training writes both together."""
    version = str(records.read(folder / CONFIG).get("condgen")) if _record(folder, CONFIG, "").state == "sound" else ""
    return _marked(folder, "condgen train", version or __version__, TRAIN)


def _marked(folder: Path, wrote: str, version: str, mend: str) -> File:
    if not (folder / marker.FILE).exists():
        return File(marker.FILE, "missing", mend=mend)
    whole = marker.is_whole(folder, marker.Mark(wrote), version)
    return File(marker.FILE, "sound") if whole else File(marker.FILE, "damaged", mend=mend)


def _list(folder: Path, name: str) -> File:
    mend = "its content is lost; resuming needs --allow-changed, which starts a new one"
    if not (folder / name).exists():
        return File(name, "missing", mend=mend)
    return File(name, "damaged", mend=mend) if records.read_list(folder / name).damaged else File(name, "sound")


def _lines(folder: Path, name: str) -> File:
    if not (folder / name).exists():
        return File(name, "missing", mend=NEVER)
    problems = list[str]()
    try:
        published.lines(folder, name, problems.append)
    except records.Damaged:
        return File(name, "damaged", "it cannot be read", NEVER)
    return File(name, "damaged", "lines are damaged or missing", NEVER) if problems else File(name, "sound")


def _images(folder: Path, known: Published | None, sound: Collection[int]) -> Iterator[File]:
    """sound: numbers of training images of the intact states, from which a grid can be made again."""
    from condgen.sampling import canvas

    names = {f"samples/{path.name}" for path in (folder / "samples").glob("*.png")}
    names |= {name for name in (known.files if known else ()) if name.endswith(".png")}
    names |= {"curves.png"} if (folder / "curves.png").exists() else set()
    for name in sorted(names):
        stem = Path(name).stem
        mend = TRAIN if not stem.isdigit() or int(stem) in sound else NEVER
        if not (folder / name).exists():
            yield File(name, "missing", mend=mend)
        else:
            yield File(name, "sound") if canvas.is_whole(folder / name) else File(name, "damaged", mend=mend)


def _state(name: str, faults: Mapping[str, State]) -> Iterator[File]:
    for part in (checkpoint.STATE, checkpoint.NUMBERS, checkpoint.MANIFEST):
        state = faults.get(part, "sound")
        yield File(f"{name}/{part}", state, mend="" if state == "sound" else TRAIN)


def _generator(folder: Path, name: str, mend: str) -> Iterator[File]:
    """The states of card.json and of the weights that it names."""
    place = folder / name
    if not (place / card.NAME).exists():
        yield File(f"{name}/{card.NAME}", "missing", mend=mend)
        return
    try:
        found = card.read(place / card.NAME)
    except CondgenError as error:
        yield File(f"{name}/{card.NAME}", "damaged", str(error), mend)
        return
    yield File(f"{name}/{card.NAME}", "sound")
    yield _hashed(place / found.weights, f"{name}/{found.weights}", found.sha256, mend)


def _hashed(path: Path, name: str, expected: str, mend: str, size: int | None = None) -> File:
    if not path.is_file():
        return File(name, "missing", mend=mend)
    try:
        same = disk.sha256(path) == expected and size in (None, path.stat().st_size)
    except OSError as error:
        return File(name, "damaged", f"it cannot be read: {error.strerror}", mend)
    return File(name, "sound") if same else File(name, "damaged", mend=mend)


def _events(folder: Path, known: Published | None) -> Iterator[File]:
    for name, state in published.event_files(folder, known).items():
        remove = f"only TensorBoard reads it, up to the damage; to remove it: rm {shell.path(folder / name)}"
        yield File(name, state, mend={"sound": "", "damaged": remove, "missing": NEVER}[state])


def _export(folder: Path, inside: str) -> Iterator[File]:
    mend = f"rm -r {shell.path(folder)}, then: condgen export RUN{_format(folder)} --out {shell.path(folder)}"
    try:
        listed: Mapping[str, Any] = manifest.listed(folder)
    except strict.Refused as error:
        state: State = "damaged" if (folder / manifest.NAME).exists() else "missing"
        yield File(inside + manifest.NAME, state, str(error), mend)
        return
    yield File(inside + manifest.NAME, "sound")
    with suppress(CondgenError):
        about = card.read(folder / card.NAME)
        if (folder / marker.FILE).exists() or about.format >= 3:  # before, exports had no marker
            found = _marked(folder, "condgen export", about.condgen, mend)
            yield replace(found, file=inside + found.file)
    for name, entry in listed.items():
        if name == manifest.PROSE and (folder / name).is_file():
            yield File(inside + name, "sound")  # users may edit it
        else:
            yield _hashed(folder / name, inside + name, entry["sha256"], mend, entry["bytes"])


def _format(folder: Path) -> str:
    """The --format option that an exported folder was made with; '' if its card does not contain it."""
    with suppress(CondgenError):
        about = card.read(folder / card.NAME)
        return f" --format {about.exported}" if about.exported else ""
    return ""
