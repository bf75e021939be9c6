"""Ctrl-C or SIGTERM stops a training after the current step; a second one stops it at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """The signal that was received, if any. Calling it returns whether there was one."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def __call__(self) -> bool:
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """By the shell's convention: 130 after Ctrl-C, 143 after SIGTERM."""
        return 128 + (self.signal or signal.SIGINT)


@contextmanager
def handle_signals() -> Iterator[Interrupt]:
    """Record SIGINT and SIGTERM instead of being interrupted. In threads other than the main one, does nothing."""
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def receive(number: int, frame: FrameType | None) -> None:
        if interrupt():
            raise KeyboardInterrupt
        interrupt.signal = signal.Signals(number)

    before = {number: signal.signal(number, receive) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
