"""Stores data that can be computed again in `disk.cache()`. The cache may be deleted at any time.

Cached data are verified before use: JSON by its SHA-256, arrays by a checksum that is faster than SHA-256. Data that
are damaged, truncated or of another version are treated as missing, and computed again. A read-only cache works as long
as it contains the required data.
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
from condgen.disk_errors import DiskError
from condgen.records import digest

PAGE, CHUNK = 4096, 2**26
"""Bytes that are summed together; bytes that are processed at a time."""
REMEDY = "Set CONDGEN_CACHE to a folder that can be written."


def kept(path: Path) -> Any:
    """The JSON value that `keep` wrote; None if it is missing or damaged."""
    try:
        found = json.loads(path.read_bytes())
        return found["value"] if found["sha256"] == digest(found["value"]) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def keep(path: Path, value: Any) -> None:
    """Store a value as JSON. Raises DiskError if the cache cannot be written."""
    value = json.loads(json.dumps(value))  # number keys become strings, which sort differently
    with writing(path.parent):
        disk.write_bytes(path, json.dumps({"sha256": digest(value), "value": value}).encode())


def keep_if_possible(path: Path, value: Any) -> None:
    """Store a value that is cheap to compute again. A cache that cannot be written is ignored."""
    with suppress(DiskError):
        keep(path, value)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Create a folder in the cache if necessary, while the block writes into it. Raises DiskError if that fails."""
    try:
        disk.make(folder)
        if folder.is_relative_to(disk.cache()):
            with suppress(DiskError):
                marker.write(disk.cache(), marker.Mark("condgen (its cache)"))
        yield
    except DiskError as error:
        raise DiskError(f"{error} {REMEDY}") from None
    except OSError as error:
        raise DiskError(f"cannot write the cache {str(folder)!r}: {error.strerror or error}. {REMEDY}") from None


def checksum(path: Path) -> str:
    """Checksum of a large file: SHA-256 of the file's length and of the sum of the 64-bit words of each page.

    It detects any single damaged word, a truncation or a zeroed page, in a tenth of the time of SHA-256 of the whole
    file.
    """
    whole: NDArray[np.uint8] = np.memmap(path, np.uint8, "r")
    digest = hashlib.sha256(str(len(whole)).encode())
    paged = len(whole) // PAGE * PAGE
    for start in range(0, paged, CHUNK):
        words = whole[start : min(start + CHUNK, paged)].view(np.uint64).reshape(-1, PAGE // 8)
        digest.update(words.sum(1).tobytes())
    digest.update(whole[paged:].tobytes())
    return digest.hexdigest()
