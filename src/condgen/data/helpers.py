"""Work on many pictures by several processes, with a bar in a terminal."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

from rich.console import Console
from rich.progress import track

from condgen.errors import CondgenError

Job = TypeVar("Job")
Result = TypeVar("Result")
Item = TypeVar("Item")


def each(work: Callable[[Job], Result], jobs: Sequence[Job], what: str, per_job: int = 256) -> Iterator[Result]:
    """The results in the order of the jobs. One job, or one core, needs no helper.

    what: is being done to the pictures, for the bar. per_job: pictures.
    """
    bar = Console(stderr=True)
    title, hide = f"{what} {len(jobs) * per_job:,} pictures" if len(jobs) > 1 else what, not bar.is_terminal
    count = min(len(jobs), os.cpu_count() or 1)
    if count < 2:
        yield from track(map(work, jobs), title, len(jobs), console=bar, disable=hide)
        return
    try:
        with _helpers(count) as helpers:
            yield from track(helpers.map(work, jobs), title, len(jobs), console=bar, disable=hide)
    except BrokenProcessPool:
        raise CondgenError(
            f"a helper was ended while {what} pictures, perhaps for want of memory; the same command goes on there."
        ) from None


def chunked(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _helpers(count: int) -> Executor:
    """Processes where they can be forked: spawned ones would run the user's script again. Else threads: Pillow lets
    them work side by side."""
    if sys.platform == "linux":
        return ProcessPoolExecutor(count, mp_context=get_context("fork"))
    return ThreadPoolExecutor(count)
