"""Marks the folders and files that condgen writes, so that it neither trains on its own output nor overwrites the
user's files.

a folder   .condgen.json: the command that wrote it, and whether it is data; for data, also the label set
an image   JSON under the key "condgen" in the text of a PNG, in the comment of a GIF, or in EXIF of a JPEG or WebP
an .npz    an array "condgen"; an .html page a <meta name="generator">

`data/` leaves out marked files and folders. A folder that is marked as data is read if the user names it.
"""

import json
import os
import struct
import zipfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from condgen import disk
from condgen.disk_errors import DiskError
from condgen.errors import CondgenError
from condgen.labels import Labels
from condgen.version import __version__

FILE, KEY = ".condgen.json", "condgen"
ENDINGS = (".png", ".gif", ".jpg", ".jpeg", ".webp")
"""Endings of images that condgen writes."""
HEAD = 2**16
"""Number of bytes at the start of an image file that contain its note. Only a WebP has it at the end."""
WEBP = 2**26
"""Maximum size of a WebP file whose note is looked for, in bytes."""
GENERATOR = b'<meta name="generator" content="condgen">'


@dataclass(frozen=True)
class Mark:
    """The content of a folder's marker."""

    wrote: str
    """The command that wrote the folder, such as "condgen inspect"."""
    labels: Labels | None = None
    """The label set of the images, if the folder is data."""

    @property
    def is_data(self) -> bool:
        return self.labels is not None

    def to_json(self) -> dict[str, Any]:
        known = self.labels and {"names": list(self.labels.names), "kind": self.labels.kind}
        return {KEY: __version__, "wrote": self.wrote, "data": self.is_data} | ({"labels": known} if known else {})


@dataclass(frozen=True)
class Note:
    """The provenance stored in an image file."""

    kind: Literal["image", "sheet"]
    """"image" for one generated image; "sheet" for a grid, figure or animation."""
    wrote: str
    label: str | None
    """Title of a generated image's label; None for a sheet, and for an image of a mix of labels."""


def sheet(wrote: str) -> dict[str, str]:
    """The metadata of a grid or figure. wrote: the command that wrote it."""
    return {"kind": "sheet", "wrote": wrote}


def parse(data: bytes) -> Mark | None:
    """Parse the content of a marker; None if it is damaged."""
    try:
        found = json.loads(data)
        wrote, known = str(found["wrote"])[:100], found["labels"] if found["data"] else None
        if known is None:
            return Mark(wrote)
        if known["kind"] not in ("classes", "attributes"):
            return None
        return Mark(wrote, Labels(tuple(map(str, known["names"])), known["kind"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, CondgenError):
        return None


def of(folder: Path) -> Mark | None:
    """The marker of a folder; None if it has none, or a damaged one."""
    try:
        return parse((folder / FILE).read_bytes())
    except OSError:
        return None


def write(folder: Path, mark: Mark) -> None:
    """Mark a folder. An identical marker is not written again."""
    if not is_whole(folder, mark):
        disk.write_json(folder / FILE, mark.to_json())


def is_whole(folder: Path, mark: Mark, version: str = __version__) -> bool:
    """Whether the marker of a folder is, byte for byte, what this version of condgen writes."""
    try:
        return (folder / FILE).read_bytes() == disk.as_json(mark.to_json() | {KEY: version})
    except OSError:
        return False


def claim(folder: Path, mark: Mark, names: Collection[str] = ()) -> None:
    """Mark a folder before condgen writes into it. Raises CondgenError as `check` does."""
    write(folder, check(folder, mark, names))


def check(folder: Path, mark: Mark, names: Collection[str] = ()) -> Mark:
    """The marker of a folder after `mark` has been added to its existing marker.

    names: names of files that versions of condgen without markers wrote. Raises CondgenError if the folder contains
        other files, or files written by another command.
    """
    there = of(folder)
    unmarked = there is None and folder.is_dir() and not (folder / FILE).exists()
    if unmarked and (strange := next(_strange(folder, names), None)):
        raise CondgenError(
            f"{str(folder)!r} holds {os.path.relpath(strange, folder)!r}, which condgen did not write; give another "
            f"--out, such as {f'{folder}-generated'!r}."
        )
    if there is None or there == mark:
        return mark
    if there.wrote != mark.wrote or there.is_data != mark.is_data:
        raise CondgenError(f"{str(folder)!r} contains the output of {there.wrote}; give another --out.")
    labels = joined([known for known in (there.labels, mark.labels) if known])
    if mark.is_data and labels is None:
        raise CondgenError(f"{str(folder)!r} holds images with other attributes; give another --out.")
    return Mark(mark.wrote, labels)


def check_file(path: Path) -> None:
    """Raise CondgenError if the file exists and condgen did not write it."""
    if path.is_file() and not wrote(path):
        raise CondgenError(f"{str(path)!r} already exists, and condgen did not write it; give another --out.")


def wrote(path: Path) -> bool:
    """Whether condgen wrote this file, as far as its content shows."""
    if path.suffix == ".npz":
        return wrote_arrays(path)
    head = _head(path)
    return note(head) is not None or GENERATOR in head


def is_sheet(path: Path) -> bool:
    """Whether a file is a grid or figure written by condgen."""
    found = note(_head(path))
    return found is not None and found.kind == "sheet"


def _head(path: Path) -> bytes:
    """The bytes of a file that may contain its note; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(needed(path.name))
    except OSError:
        return b""


def wrote_arrays(file: Path | BinaryIO) -> bool:
    """Whether condgen wrote this .npz file."""
    try:
        with zipfile.ZipFile(file) as archive:
            return f"{KEY}.npy" in archive.namelist()
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return False


def needed(name: str) -> int:
    """How many bytes of an image file of this name may contain its note."""
    return WEBP if name.lower().endswith(".webp") else HEAD


def note(head: bytes) -> Note | None:
    """The provenance in the first bytes of an image file (`needed`); None if condgen did not write the image."""
    text = next(_texts(head), None)
    try:
        found = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    label, by = found.get("label"), found.get("wrote", "condgen sample")
    is_image = found.get("kind", "image") == "image" and (isinstance(label, str) or isinstance(found.get("mix"), dict))
    return Note("image" if is_image else "sheet", str(by)[:100], label if is_image and isinstance(label, str) else None)


def _texts(head: bytes) -> Iterator[bytes]:
    """Texts under condgen's key before the pixels of a PNG, in the first comment of a GIF, or in EXIF."""
    is_jpeg, is_webp = head[:3] == b"\xff\xd8\xff", head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    if is_jpeg or is_webp:
        sign = f"{KEY}: {{".encode()
        begin = head.find(sign, 0, HEAD) if is_jpeg else head.rfind(sign)
        if begin >= 0:
            yield head[begin + len(sign) - 1 :].partition(b"\0")[0]
    if head[:4] == b"GIF8":
        begin = head.find(b"\x21\xfe", 0, 2**12)
        text, at = b"", begin + 2
        while begin >= 0 and at < len(head) and (size := head[at]):
            text, at = text + head[at + 1 : at + 1 + size], at + 1 + size
        if text.startswith(KEY.encode() + b"\0"):
            yield text.partition(b"\0")[2]
    at = 8 if head[:8] == b"\x89PNG\r\n\x1a\n" else len(head)
    while at + 8 <= len(head):
        size, kind = struct.unpack_from(">I4s", head, at)
        data = head[at + 8 : at + 8 + size]
        if kind == b"IDAT":
            return
        if kind in (b"tEXt", b"iTXt") and data.startswith(KEY.encode() + b"\0"):
            # iTXt has a compression flag and method, then language and translated keyword, each terminated by a zero
            yield data.split(b"\0", 1)[1] if kind == b"tEXt" else data.split(b"\0", 5)[-1]
        at += size + 12


def _strange(folder: Path, names: Collection[str]) -> Iterator[Path]:
    """Files in a folder that condgen did not write, in the same order on every machine."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise DiskError.about(folder, error) from None
    for path in entries:
        if path.name.startswith(".") or path.name in names:
            continue
        if path.is_dir() and not path.is_symlink():
            if not (path / FILE).exists():
                yield from _strange(path, ())
        elif not wrote(path):
            yield path


def joined(sets: Sequence[Labels]) -> Labels | None:
    """The union of class sets. Attribute sets are joined only if they are equal. None if there is no such set."""
    if not sets or all(one == sets[0] for one in sets):
        return sets[0] if sets else None
    if any(one.kind != "classes" for one in sets):
        return None
    return Labels(tuple(dict.fromkeys(name for one in sets for name in one.names)))
