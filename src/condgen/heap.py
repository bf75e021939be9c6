"""Keeps the memory that a training step frees in the process, for the next step. A server returns it (glibc, Linux).

By default, malloc returns large blocks to the kernel at once. The next step then gets its feature maps, of several
megabytes each, as new zeroed pages, which takes an eighth of a convolutional step on two cores
(docs/performance/profile.md).
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3
"""Parameters of mallopt in <malloc.h>, in bytes: free memory at the end of the heap that is returned to the kernel,
memory that is requested in advance, and the size of a block that is mapped outside the heap."""
MB = 2**20


def returned() -> None:
    """Make malloc return blocks of 256 kB and more to the kernel as soon as they are freed.

    By default, malloc raises that size after the first such block is freed, and a server keeps its peak memory.
    """
    if malloc := _malloc():
        malloc.mallopt(MMAP_THRESHOLD, MB // 4)
        malloc.mallopt(TRIM_THRESHOLD, MB)


@contextmanager
def retained() -> Iterator[None]:
    """Within the context the heap does not shrink; at its end, free memory is returned to the kernel."""
    malloc = _malloc()
    if malloc is None:
        yield
        return
    malloc.mallopt(MMAP_THRESHOLD, 32 * MB)  # the maximum
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
