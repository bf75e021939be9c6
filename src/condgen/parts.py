"""Parts: files and folders that are being written under a temporary name, `.NAME.PID.part`, beside their target.

A writer holds a lock on its part until the part has its final name. The operating system releases the lock when the
process ends, however it ends: by SIGKILL, a reboot, in another container. So a part that nobody holds is left over from
a killed process and may be removed, and a part that somebody holds is left alone.
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

from condgen.errors import CondgenError

PART = re.compile(r"\..+\.(?P<pid>[1-9]\d*)\.part")
OWNER = ".owner"
"""Process ID of the process that fills a folder which outlives it."""


@contextlib.contextmanager
def held_file(path: Path) -> Iterator[Path]:
    """An empty, locked file to write, which becomes `path` by renaming; removed if the block fails."""
    part = _part_of(path)
    handle = _locked(part, folder=False)
    try:
        yield part
    except BaseException:
        remove(part)
        raise
    finally:
        os.close(handle)


@contextlib.contextmanager
def held_folder(path: Path) -> Iterator[Path]:
    """The same for a folder, empty at first. It is removed at the end, if the block has not renamed it."""
    part = _part_of(path)
    handle = _locked(part, folder=True)
    try:
        for old in part.iterdir():  # of a killed process that had our ID
            remove(old)
        yield part
    finally:
        remove(part)
        os.close(handle)


@contextlib.contextmanager
def claimed(folder: Path, target: Path) -> Iterator[None]:
    """Keep other processes out of a folder that outlives a killed process, for the next one to go on with.

    Raises CondgenError if another process is filling it. target: what it will become, for that message.
    """
    try:
        handle = _locked(folder, folder=True, wait=False)
    except BlockingIOError:
        raise CondgenError(
            f"another process{_owner(folder)} is writing {str(target)!r}; wait for it, or give another --out."
        ) from None
    try:
        yield
    finally:
        os.close(handle)


def is_left_over(part: Path) -> bool:
    """Whether the process that was writing `part` is gone."""
    try:
        handle = os.open(part, os.O_RDONLY)
    except OSError:
        return False  # another process has just renamed or removed it
    try:
        ours = _lock(handle, wait=False)
    finally:
        os.close(handle)
    found = PART.fullmatch(part.name)
    runs = ours is None and found is not None and _runs(int(found["pid"]))
    return ours is not False and not runs


def sweep(folder: Path) -> None:
    """Remove the parts that killed processes have left in `folder`. Other files, hidden or not, are left alone."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        names = [entry.name for entry in entries if PART.fullmatch(entry.name)]
        for part in (folder / name for name in names):
            if is_left_over(part):
                remove(part)


@functools.cache
def sweep_once(folder: Path) -> None:
    """`sweep` at this process's first write into an absolute `folder`: listing it at every write would take long."""
    sweep(folder)


def remove(path: Path) -> None:
    """Remove a file or a folder, as far as that is possible."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _part_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def _locked(part: Path, folder: bool, wait: bool = True) -> int:
    """A handle of `part`, which is made if it is not there, with its lock. Raises BlockingIOError rather than wait.

    Between opening and locking, whoever held the lock may have renamed or removed the part; then it is made anew.
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
    """Whether we hold the lock now; None where the operating system or the disk has no such locks."""
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


def _owner(folder: Path) -> str:
    with contextlib.suppress(OSError):
        return f" (pid {(folder / OWNER).read_text()[:20]})"
    return ""
