"""Writing so that a crash at any moment leaves the old file or the new one, never half of one.

Everything that condgen writes goes through here, so that one test can cut the power at every call.
"""

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from condgen import parts
from condgen.errors import CondgenError


class DiskError(CondgenError):
    """The disk did not take something: it is full, read-only or gone. What was there before is still there."""

    @classmethod
    def about(cls, path: Path, error: OSError, size: int | None = None) -> "DiskError":
        """size: bytes that were to be written, told beside those that are free."""
        reason = error.strerror or str(error)
        if error.errno == errno.ENOSPC and size is not None:
            reason += f" ({size:,} bytes needed, {free(path):,} free)"
        return cls(f"cannot write {str(path)!r}: {reason}.")


class Gone(DiskError):
    """A folder that was moved or deleted while it was written to. Nobody tries again: a new one would only look like
    it."""

    def __init__(self, text: str, deleted: bool = False) -> None:
        super().__init__(text)
        self.deleted = deleted


_held: dict[Path, int] = {}
"""Folders that are not made again if they vanish, each with a handle by which the system knows where it went."""
_opened: dict[Path, os.stat_result] = {}
"""Folders that the current command opened to read from, and that it does not make again if they vanish."""
_remembers: list[bool] = []
"""Not empty while a command runs; a program that calls condgen may exchange its folders as it likes."""


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """While this lasts, no write through here makes `folder` anew, or goes into another one of its name."""
    place = folder.absolute()
    outer, handle = _held.get(place), os.open(place, os.O_RDONLY)
    _held[place] = handle
    try:
        yield
    finally:
        os.close(handle)
        if outer is None:
            del _held[place]
        else:
            _held[place] = outer


@contextlib.contextmanager
def remembering() -> Iterator[None]:
    """While this lasts, folders that are opened are remembered."""
    _remembers.append(True)
    try:
        yield
    finally:
        _remembers.pop()
        if not _remembers:
            _opened.clear()


def remember(folder: Path) -> None:
    """Within `remembering`: from now on no write through here makes `folder` anew, until it is opened again."""
    if _remembers:
        _opened[folder.absolute()] = folder.stat()


def forget(folder: Path) -> None:
    """The inverse of `remember`, for whoever means to make the folder."""
    _opened.pop(folder.absolute(), None)


def check_held(path: Path) -> None:
    """Raises Gone if `path` lies in a held or remembered folder that was moved, deleted or exchanged."""
    place = path.absolute()
    for folder, seen in _opened.items():
        if place.is_relative_to(folder) and not _is_same(folder, seen):
            raise Gone(f"{str(folder)!r} was moved or deleted since it was opened, and is not made again.")
    for folder, handle in _held.items():
        if place.is_relative_to(folder) and not _is_same(folder, os.fstat(handle)):
            where = _whereabouts(handle)
            raise Gone(
                f"{str(folder)!r} was {where} while it was written to, and is not made again.", where == "deleted"
            )


def _is_same(folder: Path, seen: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(folder), seen)
    except OSError:
        return False


def _whereabouts(handle: int) -> str:
    """Of a folder that is no longer where it was; Linux says where it is now."""
    try:
        now = os.readlink(f"/proc/self/fd/{handle}")
    except OSError:
        return "moved or deleted"
    return "deleted" if now.endswith(" (deleted)") else f"moved to {now!r}"


def cache() -> Path:
    """Where what can be made again is kept: $CONDGEN_CACHE, else the user's cache folder."""
    own = os.environ.get("CONDGEN_CACHE")
    return Path(own).expanduser() if own else user_cache_path("condgen")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` to write to; on success it is fsynced and renamed into place."""
    with _errors(path):
        make(path.parent)
        parts.sweep_once(path.parent.absolute())
        with parts.held_file(path) as part:
            try:
                yield part
                sync(part)
                os.replace(part, path)
                sync(path.parent)
            except OSError as error:
                size = part.stat().st_size if part.exists() else None
                raise DiskError.about(path, error, size) from None


@contextlib.contextmanager
def staging(path: Path) -> Iterator[Path]:
    """An empty temporary folder beside `path`, which is gone afterwards unless it was renamed."""
    with _errors(path):
        make(path.parent)
        parts.sweep_once(path.parent.absolute())
        with parts.held_folder(path) as folder:
            yield folder


def rename(folder: Path, path: Path) -> None:
    """Give a filled folder its name, once all in it is on the disk. Only an empty folder may stand at `path`."""
    with _errors(path):
        for file in folder.iterdir():
            sync(file)
        sync(folder)
        os.replace(folder, path)
        sync(path.parent)


@contextlib.contextmanager
def replacing_files(folder: Path, old: Collection[str] = ()) -> Iterator[Path]:
    """A temporary folder inside `folder` to fill. On success its files take their places in `folder`, one rename right
    after another, so that what belongs together changes together.

    old: names of an earlier set, which are removed where the new one has none of that name.
    """
    with staging(folder / folder.name) as part:
        yield part
        with _errors(folder):
            new = sorted(path.name for path in part.iterdir())
            for name in new:
                os.replace(part / name, folder / name)
            for name in set(old) - set(new):
                (folder / name).unlink(missing_ok=True)
            sync(folder)


@contextlib.contextmanager
def continued_folder(path: Path, about: str, content: bytes) -> Iterator[Path]:
    """A folder beside `path` to fill; on success it is renamed to `path`, else it stays for the next process to fill.

    about, content: the file that says what will be in it. A folder that says something else is emptied first. If
    `path` itself says so already, it is `path` that is filled.

    Raises CondgenError if another process is filling it.
    """
    part = path.with_name(f".{path.name}.incomplete")
    with _errors(path):
        make(path.parent)
        with parts.claimed(part, path):
            write_bytes(part / parts.OWNER, str(os.getpid()).encode())
            if _holds(path / about, content):
                tidy(path)
                yield path
                parts.remove(part)
                return
            if not _holds(part / about, content):
                for old in set(part.iterdir()) - {part / parts.OWNER}:
                    parts.remove(old)
                write_bytes(part / about, content)
            tidy(part)
            yield part
            (part / parts.OWNER).unlink()
            rename(part, path)


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


@contextlib.contextmanager
def _errors(path: Path) -> Iterator[None]:
    """What the disk refuses, as a DiskError about `path`."""
    try:
        yield
    except OSError as error:
        raise DiskError.about(path, error) from None


def write_bytes(path: Path, data: bytes) -> None:
    with replacing(path) as temporary:
        try:
            temporary.write_bytes(data)
        except OSError as error:
            raise DiskError.about(path, error, len(data)) from None


def write_json(path: Path, value: Any) -> None:
    write_bytes(path, as_json(value))


def write_new(path: Path, data: bytes) -> bool:
    """Write a file unless there is one; False if there is, even if another process has just written it."""
    with _errors(path):
        make(path.parent)
        with parts.held_file(path) as part:
            part.write_bytes(data)
            sync(part)
            try:
                os.link(part, path)
            except FileExistsError:
                return False
            except OSError:  # a disk without hard links
                os.replace(part, path)
            finally:
                parts.remove(part)
            sync(path.parent)
    return True


def as_json(value: Any) -> bytes:
    """As files of ours hold it."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def append(path: Path, data: bytes) -> None:
    """Add to the end of a file; if not all of it fits, the file stays as it was."""
    try:
        make(path.parent)
        with path.open("ab", buffering=0) as file:
            end = file.tell()
            try:
                if file.write(data) < len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                file.truncate(end)
                raise
    except OSError as error:
        raise DiskError.about(path, error, len(data)) from None


def make(folder: Path) -> None:
    """A folder and those above it, each name on the disk itself before anything is put inside.

    Every writer here calls it first, so this is where a held folder that is gone is noticed."""
    check_held(folder)
    if folder.is_dir():
        return
    make(folder.parent)
    folder.mkdir(exist_ok=True)
    sync(folder.parent)


def tidy(folder: Path) -> None:
    """Remove what killed writers have left half done, in `folder` and below."""
    for part in folder.rglob(".*.part"):
        if parts.is_left_over(part):
            parts.remove(part)


def sync(path: Path) -> None:
    """Have the operating system put a file, or a folder's list of names, onto the disk itself."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def free(path: Path) -> int:
    """Bytes left on the disk that `path` is or would be on."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
