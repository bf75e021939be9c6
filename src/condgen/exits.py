"""Ends a command with an exit code, and with a one-line message if something is wrong.

Exit codes: 0 success; 1 standard output could not be written; 2 a mistake of the user, or an error of the operating
system such as a lack of memory; 3 a score below --fail-under; 70 a bug in condgen; 130 Ctrl-C; 141 the reader of the
output has closed the pipe; 143 SIGTERM. CONDGEN_TRACEBACK=1 also shows tracebacks.

This module imports nothing large, so that `__main__` can import it first.
"""

import _thread
import errno
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn, TextIO

from condgen.errors import CondgenError, shortened
from condgen.language import message

OUTPUT, MISTAKE, BELOW, BUG, INTERRUPTED, PIPE_CLOSED = 1, 2, 3, 70, 130, 141
LONGEST = 1000
"""Maximum length, in characters, of the message about a mistake."""
TO_LOWER = {
    "train": "--batch, --size or the widths of the networks",
    "sample": "--count, or the number of --labels",
    "figure": "--count, or the number of --labels",
    "evaluate": "--images",
    "augment": "--per-class",
    "inspect": "--size",
}
"""Options that determine the memory use of a command."""
MEMORY = re.compile(
    r"out of memory|(can't|cannot|unable to) allocate|bad_alloc|not enough memory|start new thread", re.I
)
SIZE = re.compile(r"allocate ([\d.,]+ (?:bytes|[KMGTPE]i?B))", re.I)


@contextmanager
def ending() -> Iterator[None]:
    """Run the block, then end the process with the exit code for its result."""
    sys.unraisablehook = _unraisable
    code: int | str | None = 0
    try:
        yield
    except SystemExit as ended:
        code = PIPE_CLOSED if isinstance(ended.__context__, BrokenPipeError) else ended.code  # rich changes it to 1
    except BaseException as error:
        code = _last_resort(error)
    _finish(code)


def keep_standard_streams() -> None:
    """Open closed standard streams on the null device. Otherwise, the next opened file would get their number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # returns the lowest free number
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))


def ended(error: Exception, words: Sequence[str], mistakes: tuple[type[Exception], ...]) -> int | None:
    """Report a mistake of the user or an error of the operating system in one line. Returns the exit code; None for
    other errors.

    words: the command line. mistakes: types of exceptions whose text is the message.
    """
    if isinstance(error, OSError) and error.errno == errno.EPIPE and error.filename is None:
        _silence(sys.stdout)
        return PIPE_CLOSED
    if isinstance(error, OSError) and error.filename is None and not _takes_output():
        _silence(sys.stdout)
        _say(f"cannot write to standard output: {error.strerror}.", error)
        return OUTPUT
    line = str(error) if isinstance(error, mistakes) else explained(error, words)
    if line is None:
        return None
    _say(line, error)
    return MISTAKE


def explained(error: BaseException, words: Sequence[str] = ()) -> str | None:
    """The message about an error of the operating system; None for other errors."""
    if _is_memory(error):
        return _memory(error, words)
    if isinstance(error, UnicodeEncodeError):
        return _unwritable(error)
    if isinstance(error, OSError):
        name = error.filename if error.filename is not None else error.filename2
        where = f"{_shown(name)}: " if name is not None else ""
        return f"{where}{error.strerror or error or type(error).__name__}."
    if isinstance(error, ValueError) and "embedded null" in str(error):
        return "a file name contains a NUL character, which no file system allows."
    if isinstance(error, ValueError) and "integer string conversion" in str(error):
        return "a number has more digits than can be read (4,300)."
    if isinstance(error, ImportError):
        return f"cannot import {error.name or 'a package'} ({shortened(str(error))}); install condgen again."
    return None


def _is_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    return isinstance(error, RuntimeError) and bool(MEMORY.search(str(error)))  # torch raises RuntimeError


def _memory(error: BaseException, words: Sequence[str]) -> str:
    text = str(error)
    size, on_gpu = SIZE.search(text), bool(re.search("CUDA|MPS|HIP", text))
    requested = f": {_with_commas(size[1])} were requested at once" if size else ""
    lower = TO_LOWER.get(words[0] if words else "", "the number or the size of the images")
    other = ", or use --device cpu" if on_gpu else ""
    return f"not enough memory on the {'GPU' if on_gpu else 'CPU'}{requested}; lower {lower}{other}."


def _with_commas(size: str) -> str:
    number, unit = size.split()
    return f"{int(number):,} {unit}" if number.isdecimal() else size


def _unwritable(error: UnicodeEncodeError) -> str:
    text = _shown(error.object)
    if error.encoding.lower().replace("-", "") == "utf8":
        return f"{text} contains bytes that are not text; rename it."
    return f"{text} cannot be written in the encoding of this locale ({error.encoding}); set PYTHONUTF8=1."


def _shown(name: object) -> str:
    text = os.fsdecode(name) if isinstance(name, bytes | str | os.PathLike) else str(name)
    return ascii(shortened(text)) if not text.isprintable() else repr(shortened(text))


def _say(line: str, error: BaseException) -> None:
    """Print one line on stderr. If stderr cannot be written, print nothing."""
    try:
        if os.environ.get("CONDGEN_TRACEBACK"):
            import traceback

            traceback.print_exception(error)
        plain = message(" ".join(line.split()))
        if len(plain) > LONGEST:
            plain = f"{plain[: LONGEST // 2]} ... {plain[-LONGEST // 2 :]}"
        sys.stderr.write(f"condgen: {plain}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        _silence(sys.stderr)


def _last_resort(error: BaseException) -> int:
    """Report a bug, unless the exception was caused by an interrupt: an interrupted import may fail in any way."""
    seen: BaseException | None = error
    for _ in range(20):
        if isinstance(seen, KeyboardInterrupt):
            return INTERRUPTED
        seen = seen and (seen.__cause__ or seen.__context__)
    where = "CONDGEN_TRACEBACK=1 shows where" if os.environ.get("CONDGEN_TRACEBACK") else _written(error)
    _say(f"this is a bug in condgen, please report it: {type(error).__name__}: {error} ({where}).", error)
    return BUG


def _written(error: BaseException) -> str:
    """Write the traceback to a temporary file. Returns a phrase that says where it is."""
    import tempfile
    import traceback

    try:
        handle, name = tempfile.mkstemp(".txt", "condgen-bug-")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            traceback.print_exception(error, file=file)
        return f"the traceback is in {name}"
    except OSError:
        return "the same command with CONDGEN_TRACEBACK=1 shows the traceback"


def on_interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt. During an import, end the process at once: in an import of torch, C++ would abort with
    its own message."""
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            os._exit(INTERRUPTED)
        frame = frame.f_back
    raise KeyboardInterrupt


def _unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    """Send an interrupt that occurred in a destructor again. Other exceptions are reported as usual."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        _thread.interrupt_main()
    else:
        sys.__unraisablehook__(unraisable)


def _takes_output() -> bool:
    """Whether standard output can be written. It is tested, since an error does not name the failed stream."""
    try:
        sys.stdout.write("\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        return False
    return True


def _silence(stream: TextIO) -> None:
    """Redirect a stream to the null device, so that flushing it does not fail again when Python ends."""
    with suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)


def _finish(code: int | str | None) -> NoReturn:
    with suppress(ValueError):
        signal.signal(
            signal.SIGINT, lambda number, frame: os._exit(INTERRUPTED)
        )  # from here on, there is nothing left to interrupt
    try:
        sys.stdout.flush()
    except OSError as error:
        failed = ended(error, (), (CondgenError,))
        code = code or failed
    sys.exit(code)
