"""Downloads a file once: with progress, a checksum, and a continuation of what an interrupted download has left.

The part that has arrived is NAME.part beside the file; the next attempt asks the server only for the rest.
"""

import hashlib
import os
import sys
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO

from condgen import disk
from condgen.cache import writing
from condgen.errors import CondgenError, notice

MIRROR = "CONDGEN_MIRROR"
"""The environment variable with an address, or a folder, that has the files of data sets in a folder per data set, such
as kmnist/train-images-idx3-ubyte.gz."""
TRIES, SECONDS, CHUNK = 3, 30, 2**20
"""Attempts, each of which continues the last one; seconds without an answer that end one; bytes read at a time."""
FAILURES = (OSError, HTTPException, ValueError)
"""What urllib raises if there is no network, if the connection ends early, or for an invalid address."""


class Unreachable(CondgenError):
    """A file that cannot be downloaded. `reason` says why in a few words."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url} cannot be downloaded ({reason}).")
        self.reason = reason


def fetch(url: str, path: Path, what: str, checksum: str = "") -> Path:
    """Download a file to `path`, and return that path.

    checksum: algorithm and hexadecimal digest, such as md5:0123...; empty if the caller verifies the content.
    Raises Unreachable, CondgenError for a file with another checksum, and DiskError if `path` cannot be written.
    """
    notice(f"fetching {what} from {url}, once.")
    part = path.with_name(f"{path.name}.part")
    with writing(path.parent):
        for attempt in range(1, TRIES + 1):
            try:
                _continue(url, part)
                break
            except FAILURES as error:
                if attempt == TRIES or isinstance(error, urllib.error.HTTPError):
                    raise Unreachable(url, _reason(error)) from None
        if checksum and digest(part, checksum.partition(":")[0]) != checksum:
            part.unlink()
            raise CondgenError(f"{url} gave another file than the published one ({checksum}); nothing of it was used.")
        disk.sync(part)
        disk.replace(part, path)
    return path


def digest(path: Path, algorithm: str) -> str:
    """The checksum of a file, such as md5:0123..."""
    with path.open("rb") as file:
        return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"


def _continue(url: str, part: Path) -> None:
    """Append to `part` what it lacks; begin anew if the server cannot send the rest of a file."""
    there = part.stat().st_size if part.exists() else 0
    try:
        answer = urllib.request.urlopen(_request(url, there), timeout=SECONDS)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # the part is as long as the file, or longer
            raise
        there, answer = 0, urllib.request.urlopen(_request(url, 0), timeout=SECONDS)
    with answer:
        if answer.status != 206:
            part.unlink(missing_ok=True)
            there = 0
        rest = answer.headers.get("Content-Length")
        _copy(answer, part, there, there + int(rest) if rest else 0)


def _request(url: str, start: int) -> urllib.request.Request:
    return urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})


def _copy(answer: BinaryIO, part: Path, arrived: int, total: int) -> None:
    """Append the answer to a file, and show how much has arrived. Raises OSError if it ends early."""
    is_shown = sys.stderr.isatty()
    while data := answer.read(CHUNK):
        disk.append(part, data)
        arrived += len(data)
        if is_shown:
            sys.stderr.write(f"\r{arrived / 1e6:,.1f} of {total / 1e6:,.1f} MB")
            sys.stderr.flush()
    if is_shown:
        sys.stderr.write("\r\x1b[K")
    if arrived < total:
        raise OSError(f"the connection ended after {arrived:,} of {total:,} bytes")


def _reason(error: Exception) -> str:
    found = str(getattr(error, "reason", error)) or type(error).__name__
    return found if len(found) <= 100 else type(error).__name__


def mirror_folders(name: str) -> list[Path]:
    """The folders that CONDGEN_MIRROR names for a data set; none if it is not set, or an address."""
    mirror = os.environ.get(MIRROR, "")
    if not mirror or "://" in mirror:
        return []
    place = Path(mirror).expanduser()
    return [place / name.split("/")[0], place]


def mirrored(url: str, name: str, file: str) -> str:
    """The address of a file: at CONDGEN_MIRROR if that is set, else `url`."""
    mirror = os.environ.get(MIRROR, "")
    return f"{mirror.rstrip('/')}/{name.split('/')[0]}/{file}" if "://" in mirror else url
