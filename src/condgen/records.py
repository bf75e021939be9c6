"""Reads and writes JSON files and JSON lines with checksums. All files beside the weights are read through this module.

The checksum detects, for example, a flipped bit in a number. Files of versions without checksums are read unchecked.

    {"images": 10, ..., "seal": "<sha256>"}     a file: the last key is a hash of all other keys
    [{..., "seal": "<sha256>"}, ...]            a list of such entries
    {"images": 10, ..., "crc32": "0f3a99d1"}    a line of a .jsonl file: a checksum of the bytes before that key
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
    """A file is missing, truncated or changed. `reason` follows the file's name in the message."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{str(path)!r} {reason}.")
        self.path, self.reason = path, reason


@dataclass(frozen=True)
class Records:
    """The valid records of a file."""

    sound: list[Record]
    damaged: int = 0
    """Number of damaged records, which are left out. A list that is not valid JSON counts as one."""


def sealed(content: Mapping[str, Any]) -> Record:
    """The content with a hash of all other keys as its last key."""
    return {**content, SEAL: seal_of(content)}


def seal_of(content: Mapping[str, Any]) -> str:
    """SHA-256 of the content without its seal."""
    return digest({key: value for key, value in content.items() if key != SEAL})


def digest(value: Any) -> str:
    """SHA-256 of a value as JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write one sealed record atomically."""
    disk.write_json(path, sealed(content))


def write_list(path: Path, entries: Iterable[Mapping[str, Any]]) -> None:
    """Write a list of sealed records atomically."""
    disk.write_json(path, [sealed(entry) for entry in entries])


def read(path: Path) -> Record:
    """Read a record and remove its seal. Raises Damaged if the file is missing or damaged."""
    found = _parsed(path)
    if not isinstance(found, dict):
        raise Damaged(path, "is damaged: it is not a JSON object")
    if not _is_whole(found):
        raise Damaged(path, "is damaged: it has changed since it was written")
    return {key: value for key, value in found.items() if key != SEAL}


def is_sealed(path: Path) -> bool:
    """Whether a record has a seal, right or wrong. Records of earlier versions have none. Raises Damaged."""
    found = _parsed(path)
    return isinstance(found, dict) and SEAL in found


def read_list(path: Path) -> Records:
    """Read the valid records of a list. There are none if the file is missing."""
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
    """Encode a record as a line of a .jsonl file."""
    body = json.dumps(content).encode()[:-1]
    return body + b', "crc32": "%08x"}\n' % zlib.crc32(body)


def read_lines(path: Path, newest: int | None = None, fits: Callable[[Record], bool] = lambda record: True) -> Records:
    """Read the valid records of a .jsonl file, or of its last `newest` lines. An incomplete last line is left out.

    fits: whether a record has the required fields. Raises Damaged if the file cannot be read at all.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Records([])
    except OSError as error:
        raise Damaged(path, f"cannot be read: {error.strerror or error}") from None
    lines = data[: data.rfind(b"\n") + 1].split(b"\n")[:-1]
    checked = MARK in data  # opening a run rewrites the file, so all lines are checked or none is
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
        raise Damaged(path, "is damaged: it is not JSON") from None


def _is_sealed(entry: Record, whole: bool) -> bool:
    return _is_whole(entry) and (SEAL in entry or not whole)


def _is_whole(found: Record) -> bool:
    """Whether the seal of a record is right. A record without one is valid, unless the key of its seal is damaged."""
    *rest, (_, last) = found.items() or [("", None)]
    return found[SEAL] == seal_of(found) if SEAL in found else last != seal_of(dict(rest))


def _record(text: bytes, checked: bool) -> Record | None:
    """Parse a line; None if it is damaged."""
    match = LINE.fullmatch(text)
    if checked and (match is None or int(match[2], 16) != zlib.crc32(match[1])):
        return None
    try:
        found = json.loads((match[1] + b"}" if match else text).decode())
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
