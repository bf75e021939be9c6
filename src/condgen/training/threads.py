"""Number of threads of a training on the CPU.

It changes how sums are rounded, so a run records it (env.json), and a resumed training uses the recorded number. A
training in minutes measures at its start whether fewer threads are faster: small networks gain little from a second
thread, and lose most of their speed to it if another program uses the core.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from condgen import records

GAIN = 1.1
"""More threads are used if they are at least this much faster."""
VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Environment variables by which the user chooses the number of threads."""


def recorded(folder: Path) -> int | None:
    """The number of threads of the newest session of the run in `folder`; None if there is none."""
    sessions = records.read_list(folder / "env.json").sound
    found = sessions[-1].get("threads") if sessions else None
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else None


def chosen_by_user() -> bool:
    return any(name in os.environ for name in VARIABLES)


def fastest(speed: Callable[[int], float], most: int) -> int:
    """`most` threads or a single one, whichever is faster. speed: images per second with a number of threads."""
    return most if most > 1 and speed(most) > GAIN * speed(1) else 1


@contextmanager
def restored() -> Iterator[None]:
    """Restore torch's number of threads at the end, since the caller's program may need it."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)
