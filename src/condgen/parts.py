"""Files and folders that are being written have a temporary name, `.NAME.PID.part`, beside their target.

A writer holds a lock on its temporary file until the file has its final name. The operating system releases the lock
when the process ends for any reason, such as SIGKILL, a reboot or the end of a container. A temporary file without a
lock was therefore left by a killed process and may be removed; a locked one is left alone. On Windows, where an open
file cannot be renamed, the process ID in the name alone says whether the writer still runs.
"""

import contextlib
import functools
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no flock
    fcntl = None  # type: ignore[assignment]

from filelock import FileLock, Timeout

from condgen import windows
from condgen.errors import CondgenError

PART = re.compile(r"\..+\.(?P<pid>[1-9]\d*)\.part")
OWNER = ".owner"
"""File with the ID of the process that fills a folder which is kept if the process ends."""


@contextlib.contextmanager
def held_file(path: Path) -> Iterator[Path]:
    """Yield an empty, locked temporary file, to be renamed to `path`. It is removed if the block fails."""
    part = _part_of(path)
    with _locked(part, folder=False):
        try:
            yield part
        except BaseException:
            remove(part)
            raise


@contextlib.contextmanager
def held_folder(path: Path) -> Iterator[Path]:
    """Yield an empty, locked temporary folder. It is removed at the end unless the block has renamed it."""
    part = _part_of(path)
    with _locked(part, folder=True):
        try:
            for old in part.iterdir():  # files of a killed process that had the same ID
                remove(old)
            yield part
        finally:
            remove(part)


@contextlib.contextmanager
def claimed(folder: Path, target: Path) -> Iterator[None]:
    """Lock a folder that is kept if the process is killed, so that the next process can continue to fill it.

    Raises CondgenError if another process is filling it. target: its final path, for that message.
    """
    with contextlib.ExitStack() as stack:
        try:
            if windows.IS_WINDOWS:
                lock = Path(f"{folder}.lock")
                stack.callback(remove, lock)
                stack.enter_context(FileLock(lock, timeout=0))
            stack.enter_context(_locked(folder, folder=True, wait=False))
        except (BlockingIOError, Timeout):
            raise CondgenError(
                f"another process{owner(folder)} is writing {str(target)!r}; wait for it, or give another --out."
            ) from None
        yield


def is_left_over(part: Path) -> bool:
    """Whether the process that was writing `part` has ended."""
    found = PART.fullmatch(part.name)
    if windows.IS_WINDOWS:
        return found is None or not windows.runs(int(found["pid"]))
    try:
        handle = os.open(part, os.O_RDONLY)
    except OSError:
        return False  # another process has just renamed or removed it
    try:
        ours = _lock(handle, wait=False)
    finally:
        os.close(handle)
    runs = ours is None and found is not None and _runs(int(found["pid"]))
    return ours is not False and not runs


def sweep(folder: Path) -> None:
    """Remove the temporary files of killed processes in `folder`. Other files, hidden or not, are left alone."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        names = [entry.name for entry in entries if PART.fullmatch(entry.name)]
        for part in (folder / name for name in names):
            if is_left_over(part):
                remove(part)


@functools.cache
def sweep_once(folder: Path) -> None:
    """Call `sweep` once per process and absolute folder, since listing a folder at every write would be slow."""
    sweep(folder)


def remove(path: Path) -> None:
    """Remove a file or a folder. Errors are ignored."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _part_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")


@contextlib.contextmanager
def _locked(part: Path, folder: bool, wait: bool = True) -> Iterator[None]:
    """Create `part` if necessary, and lock it within the context. On Windows, it is only created.

    Raises BlockingIOError if the lock is held by another process and `wait` is false.
    """
    if windows.IS_WINDOWS:
        part.mkdir(exist_ok=True) if folder else part.touch()
        yield
        return
    handle = _opened(part, folder, wait)
    try:
        yield
    finally:
        os.close(handle)


def _opened(part: Path, folder: bool, wait: bool) -> int:
    """Create `part` if necessary, and open and lock it. Returns its file descriptor.

    If another process renamed or removed the part between opening and locking, it is created again. Raises
    BlockingIOError if the lock is held by another process and `wait` is false.
    """
    while True:
        if folder:
            part.mkdir(exist_ok=True)
        try:
            handle = os.open(part, os.O_RDONLY if folder else os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:
            if folder:
                continue
            raise
        if _lock(handle, wait) is False:
            os.close(handle)
            raise BlockingIOError
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), part.stat()):
                return handle
        os.close(handle)


def _lock(handle: int, wait: bool) -> bool | None:
    """Whether this process now holds the lock; None if the operating system or the file system has no such locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def owner(folder: Path) -> str:
    """' (pid N)' of the process that fills a folder; '' if its ID cannot be read."""
    try:
        text = (folder / OWNER).read_bytes()[:20].decode("ascii")
    except (OSError, UnicodeDecodeError):
        return ""
    return f" (pid {text})" if text.isdigit() else ""
