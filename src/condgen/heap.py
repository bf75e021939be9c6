"""Memory that a step gives back is kept for the next one (glibc's malloc, on Linux).

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


@contextmanager
def retained() -> Iterator[None]:
    """Inside, the process's heap grows and does not shrink; at the end what is free goes back to the kernel."""
    malloc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if malloc is None or not hasattr(malloc, "mallopt"):  # another C library than glibc
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
