"""What can be made again, kept between commands in `disk.cache()`; it may be deleted at any time.

Nothing kept is believed unseen: JSON carries its SHA-256, arrays a checksum that costs less than reading them. What is
damaged, cut or of another version counts as not there, and is made again. A cache that cannot be written is enough as
long as it holds what is wanted.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from condgen import disk, marker

PAGE, CHUNK = 4096, 2**26
"""Bytes that are added up together; bytes that are looked at in one go."""
REMEDY = "Set CONDGEN_CACHE to a folder that can be written."


def kept(path: Path) -> Any:
    """The JSON value that `keep` wrote; None if it is not there, or damaged."""
    try:
        found = json.loads(path.read_bytes())
        return found["value"] if found["sha256"] == digest(found["value"]) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def keep(path: Path, value: Any) -> None:
    """Keep what JSON makes of a value. Raises DiskError if the cache cannot be written."""
    value = json.loads(json.dumps(value))  # numbers as keys become words, which sort otherwise
    with writing(path.parent):
        disk.write_bytes(path, json.dumps({"sha256": digest(value), "value": value}).encode())


def keep_if_possible(path: Path, value: Any) -> None:
    """The same of what is cheap to make again: a cache that cannot be written is no reason to stop."""
    with suppress(disk.DiskError):
        keep(path, value)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """A folder in the cache, made now if need be, while something is written into it. Raises DiskError in one line."""
    try:
        disk.make(folder)
        if folder.is_relative_to(disk.cache()):
            with suppress(disk.DiskError):
                marker.write(disk.cache(), marker.Mark("condgen (its cache)"))
        yield
    except disk.DiskError as error:
        raise disk.DiskError(f"{error} {REMEDY}") from None
    except OSError as error:
        raise disk.DiskError(f"cannot write the cache {str(folder)!r}: {error.strerror or error}. {REMEDY}") from None


def checksum(path: Path) -> str:
    """Of a large file, at the speed of memory: SHA-256 of its length and of the sum of each page's 64-bit words.

    Any one damaged word, cut or page of zeros is noticed, in a tenth of the time that SHA-256 of the whole would take.
    """
    whole: NDArray[np.uint8] = np.memmap(path, np.uint8, "r")
    digest = hashlib.sha256(str(len(whole)).encode())
    paged = len(whole) // PAGE * PAGE
    for start in range(0, paged, CHUNK):
        words = whole[start : min(start + CHUNK, paged)].view(np.uint64).reshape(-1, PAGE // 8)
        digest.update(words.sum(1).tobytes())
    digest.update(whole[paged:].tobytes())
    return digest.hexdigest()


def digest(value: Any) -> str:
    """SHA-256 of a value as JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
