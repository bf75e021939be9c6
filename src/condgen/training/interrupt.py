"""Ctrl-C and SIGTERM ask a training to stop at the next step; a second one stops at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Which signal came, if any."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def __call__(self) -> bool:
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """The shell's convention: 130 after Ctrl-C, 143 after SIGTERM."""
        return 128 + (self.signal or signal.SIGINT)


@contextmanager
def handle_signals() -> Iterator[Interrupt]:
    """Turn SIGINT and SIGTERM into a question the loop can ask; only Python's main thread can listen."""
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def heard(number: int, frame: FrameType | None) -> None:
        if interrupt():
            raise KeyboardInterrupt
        interrupt.signal = signal.Signals(number)

    before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
