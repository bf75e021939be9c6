"""Memory that a training step gives back is kept for the next one; what a server gives back is not (glibc, on Linux).

By default malloc returns large pieces to the kernel at once. The next step's maps, megabytes each, then come page by
page, every page cleared first: an eighth of a convolutional step on two cores (docs/performance/profile.md).
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3
"""Of <malloc.h>, in bytes: free ones at the heap's end that go back; asked for ahead; of a piece that is no heap's."""
MB = 2**20


def returned() -> None:
    """Make malloc return blocks of 256 kB and more to the kernel as soon as they are freed.

    By default it raises that size after the first such block is freed, and a server stays as large as it once was.
    """
    if malloc := _malloc():
        malloc.mallopt(MMAP_THRESHOLD, MB // 4)
        malloc.mallopt(TRIM_THRESHOLD, MB)


@contextmanager
def retained() -> Iterator[None]:
    """Inside, the process's heap grows and does not shrink; at the end what is free goes back to the kernel."""
    malloc = _malloc()
    if malloc is None:
        yield
        return
    malloc.mallopt(MMAP_THRESHOLD, 32 * MB)  # as large as it may be
    malloc.mallopt(TRIM_THRESHOLD, 2**31 - 1)
    malloc.mallopt(TOP_PAD, 64 * MB)
    try:
        yield
    finally:
        malloc.mallopt(TRIM_THRESHOLD, 64 * MB)
        malloc.mallopt(TOP_PAD, MB // 8)
        malloc.malloc_trim(0)


def _malloc() -> ctypes.CDLL | None:
    """Return the C library if it is glibc."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "mallopt") else None
