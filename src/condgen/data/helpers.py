"""Runs work on many images in several processes, with a progress bar in a terminal."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import track

from condgen.errors import CondgenError

Job = TypeVar("Job")
Result = TypeVar("Result")
Item = TypeVar("Item")


def each(work: Callable[[Job], Result], jobs: Sequence[Job], what: str, per_job: int = 256) -> Iterator[Result]:
    """Yield the results in the order of the jobs. With a single job or a single core, no worker is started.

    what: the activity shown in the progress bar. per_job: number of images per job. Raises CondgenError if a worker is
        killed.
    """
    bar = Console(stderr=True)
    title, hide = f"{what} {len(jobs) * per_job:,} images" if len(jobs) > 1 else what, not bar.is_terminal
    count = min(len(jobs), os.cpu_count() or 1)
    if count < 2:
        yield from track(map(work, jobs), title, len(jobs), console=bar, disable=hide)
        return
    helpers = _helpers(count, work)
    try:
        yield from track(helpers.map(_Helper.do, jobs), title, len(jobs), console=bar, disable=hide)
    except BrokenProcessPool:
        raise CondgenError(
            f"a helper was ended while {what} images, perhaps for want of memory; the same command goes on there."
        ) from None
    finally:
        helpers.shutdown(cancel_futures=True)  # Ctrl-C does not wait for jobs that have not started


def chunked(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _helpers(count: int, work: Callable[[Any], Any]) -> Executor:
    """Create forked worker processes on Linux. Elsewhere, create threads: spawned processes would run the user's script
    again, and Pillow releases the GIL."""
    if sys.platform == "linux":
        return ProcessPoolExecutor(count, get_context("fork"), _Helper.begin_process, (work,))
    return ThreadPoolExecutor(count, initializer=_Helper.begin, initargs=(work,))


class _Helper:
    """State of a worker. The function is passed once, when the worker starts, and not with every job."""

    work: Callable[[Any], Any]

    @classmethod
    def begin(cls, work: Callable[[Any], Any]) -> None:
        cls.work = staticmethod(work)

    @classmethod
    def begin_process(cls, work: Callable[[Any], Any]) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process handles Ctrl-C
        cls.begin(work)

    @classmethod
    def do(cls, job: Any) -> Any:
        return cls.work(job)
