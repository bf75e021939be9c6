"""Processes many images in several processes, with a progress bar in a terminal."""

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
    """The results in the order of the jobs. One job, or one core, needs no helper.

    what: is being done to the images, for the bar. per_job: images.
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
        helpers.shutdown(cancel_futures=True)  # Ctrl-C need not wait for what is still to do


def chunked(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _helpers(count: int, work: Callable[[Any], Any]) -> Executor:
    """Processes where they can be forked: spawned ones would run the user's script again. Else threads: Pillow lets
    them work side by side."""
    if sys.platform == "linux":
        return ProcessPoolExecutor(count, get_context("fork"), _Helper.begin_process, (work,))
    return ThreadPoolExecutor(count, initializer=_Helper.begin, initargs=(work,))


class _Helper:
    """What a helper knows: the work comes with the fork, once, and not with every job."""

    work: Callable[[Any], Any]

    @classmethod
    def begin(cls, work: Callable[[Any], Any]) -> None:
        cls.work = staticmethod(work)

    @classmethod
    def begin_process(cls, work: Callable[[Any], Any]) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is answered by whoever started the helpers
        cls.begin(work)

    @classmethod
    def do(cls, job: Any) -> Any:
        return cls.work(job)
