"""JSON files and JSON lines that carry a checksum: the one place where files beside the weights are read.

A flipped bit in a number would otherwise go unnoticed. Files of before there were checksums are read as they are.

    {"images": 10, ..., "seal": "<sha256>"}     a file: its last key is a hash of all the others
    [{..., "seal": "<sha256>"}, ...]            a list of such entries
    {"images": 10, ..., "crc32": "0f3a99d1"}    a line of a .jsonl file: of its bytes before that key
"""

import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from condgen import disk
from condgen.errors import CondgenError

SEAL = "seal"
LINE = re.compile(rb'(\{.*), "crc32": "([0-9a-f]{8})"\}')
MARK = b'"crc32": "'

Record = dict[str, Any]


class Damaged(CondgenError):
    """A file that is missing, cut, or not as it was written. `reason` follows the file's name in a sentence."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{str(path)!r} {reason}.")
        self.path, self.reason = path, reason


@dataclass(frozen=True)
class Records:
    """What could be read of a file of several records."""

    sound: list[Record]
    damaged: int = 0
    """Records that are left out; a list that is no JSON counts as one."""


def sealed(content: Mapping[str, Any]) -> Record:
    """The content with, last, a hash of all the rest."""
    return {**content, SEAL: seal_of(content)}


def seal_of(content: Mapping[str, Any]) -> str:
    """SHA-256 of the content without its own seal."""
    rest = {key: value for key, value in content.items() if key != SEAL}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def write(path: Path, content: Mapping[str, Any]) -> None:
    """One sealed record, whole or not at all."""
    disk.write_json(path, sealed(content))


def write_list(path: Path, entries: Iterable[Mapping[str, Any]]) -> None:
    """A list of sealed records, whole or not at all."""
    disk.write_json(path, [sealed(entry) for entry in entries])


def read(path: Path) -> Record:
    """A record without its seal. Raises Damaged."""
    found = _parsed(path)
    if not isinstance(found, dict):
        raise Damaged(path, "is damaged: it holds no table")
    if not _is_whole(found):
        raise Damaged(path, "is damaged: it has changed since it was written")
    return {key: value for key, value in found.items() if key != SEAL}


def is_sealed(path: Path) -> bool:
    """Whether a record carries a seal, right or wrong; old ones have none."""
    found = _parsed(path)
    return isinstance(found, dict) and SEAL in found


def read_list(path: Path) -> Records:
    """The sound records of a list; none if the file is missing."""
    if not path.exists():
        return Records([])
    try:
        found = _parsed(path)
    except Damaged:
        return Records([], 1)
    entries = found if isinstance(found, list) else [found]
    whole = any(isinstance(entry, dict) and SEAL in entry for entry in entries)
    sound = [entry for entry in entries if isinstance(entry, dict) and _is_sealed(entry, whole)]
    stripped = [{key: value for key, value in entry.items() if key != SEAL} for entry in sound]
    return Records(stripped, len(entries) - len(sound))


def line(content: Mapping[str, Any]) -> bytes:
    """A record as a line of a .jsonl file."""
    body = json.dumps(content).encode()[:-1]
    return body + b', "crc32": "%08x"}\n' % zlib.crc32(body)


def read_lines(path: Path, newest: int | None = None, fits: Callable[[Record], bool] = lambda record: True) -> Records:
    """The sound records of a .jsonl file, or of so many of its newest lines; a last line cut by a crash is left out.

    fits: whether a record has the fields that it should. Raises Damaged if the file cannot be read at all.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Records([])
    except OSError as error:
        raise Damaged(path, f"cannot be read: {error.strerror or error}") from None
    lines = data[: data.rfind(b"\n") + 1].split(b"\n")[:-1]
    checked = MARK in data  # files are rewritten as a whole when a run is opened, so all lines have one or none has
    parsed = [_record(text, checked) for text in (lines if newest is None else lines[-newest:])]
    sound = [record for record in parsed if record is not None and fits(record)]
    return Records(sound, len(parsed) - len(sound))


def _parsed(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes().decode())
    except FileNotFoundError:
        raise Damaged(path, "is missing") from None
    except OSError as error:
        raise Damaged(path, f"cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise Damaged(path, "is damaged: it is no JSON") from None


def _is_sealed(entry: Record, whole: bool) -> bool:
    return _is_whole(entry) and (SEAL in entry or not whole)


def _is_whole(found: Record) -> bool:
    """Whether a seal is right, if there is one; one under another name is damage too."""
    *rest, (_, last) = found.items() or [("", None)]
    return found[SEAL] == seal_of(found) if SEAL in found else last != seal_of(dict(rest))


def _record(text: bytes, checked: bool) -> Record | None:
    """None if the line is damaged."""
    match = LINE.fullmatch(text)
    if checked and (match is None or int(match[2], 16) != zlib.crc32(match[1])):
        return None
    try:
        found = json.loads((match[1] + b"}" if match else text).decode())
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
