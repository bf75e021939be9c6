"""Writes files atomically: after a crash at any moment, either the old or the new content is complete.

condgen writes all files through this module, so that one test can simulate a power failure at every call.
"""

import contextlib
import errno
import hashlib
import json
import os
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from condgen import parts, windows
from condgen.disk_errors import DiskError
from condgen.folders import check_held


def cache() -> Path:
    """The folder for data that can be computed again: $CONDGEN_CACHE, else the user's cache folder."""
    own = os.environ.get("CONDGEN_CACHE")
    return Path(own).expanduser() if own else user_cache_path("condgen")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` to write to. On success it is fsynced and renamed to `path`.

    Raises DiskError if the file cannot be written, and Gone as `check_held` does.
    """
    with _errors(path):
        make(path.parent)
        parts.sweep_once(path.parent.absolute())
        with parts.held_file(path) as part:
            try:
                yield part
                sync(part)
                replace(part, path)
                sync(path.parent)
            except OSError as error:
                size = part.stat().st_size if part.exists() else None
                raise DiskError.about(path, error, size) from None


@contextlib.contextmanager
def staging(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside `path`. It is removed afterwards unless it has been renamed."""
    with _errors(path):
        make(path.parent)
        parts.sweep_once(path.parent.absolute())
        with parts.held_folder(path) as folder:
            yield folder


def rename(folder: Path, path: Path) -> None:
    """Rename a finished folder to `path` after fsyncing its files. If `path` exists, it must be an empty folder."""
    with _errors(path):
        for file in folder.iterdir():
            sync(file)
        sync(folder)
        replace(folder, path)
        sync(path.parent)


def replace(source: Path, target: Path) -> None:
    """Rename a file or folder. An existing file or empty folder is replaced, on Windows too, where a file that another
    program has open for a moment is tried again. Raises OSError."""
    if windows.IS_WINDOWS and target.is_dir():
        target.rmdir()
    for pause in windows.RETRY_SECONDS if windows.IS_WINDOWS else ():
        try:
            os.replace(source, target)
            return
        except PermissionError:
            time.sleep(pause)
    os.replace(source, target)


@contextlib.contextmanager
def replacing_files(folder: Path, old: Collection[str] = ()) -> Iterator[Path]:
    """Yield a temporary folder inside `folder` to fill. On success its files are moved to `folder` in immediate
    succession, so that files that belong together change together.

    old: file names of the previous set; those that the new set lacks are removed.
    """
    with staging(folder / folder.name) as part:
        yield part
        with _errors(folder):
            new = sorted(path.name for path in part.iterdir())
            for name in new:
                replace(part / name, folder / name)
            for name in set(old) - set(new):
                (folder / name).unlink(missing_ok=True)
            sync(folder)


@contextlib.contextmanager
def continued_folder(path: Path, about: str, content: bytes) -> Iterator[Path]:
    """Yield a folder beside `path` to fill. On success it is renamed to `path`; otherwise it is kept, and a later
    process continues to fill it.

    about, content: name and content of the file that identifies the data. A folder in which that file differs is
        emptied first. If `path` contains the same file already, `path` itself is yielded.

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
    """Convert an OSError to a DiskError about `path`."""
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
    """Write a file unless it exists. Returns False if it exists, even if another process has just written it."""
    with _errors(path):
        make(path.parent)
        with parts.held_file(path) as part:
            part.write_bytes(data)
            sync(part)
            try:
                os.link(part, path)
            except FileExistsError:
                return False
            except OSError:  # the file system has no hard links
                replace(part, path)
            finally:
                parts.remove(part)
            sync(path.parent)
    return True


def as_json(value: Any) -> bytes:
    """Encode a value in the format of condgen's JSON files."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def append(path: Path, data: bytes) -> None:
    """Append to a file. If the data do not fit on the disk, the file is left unchanged."""
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
    """Create a folder and its parents. Each name is fsynced before anything is put into the folder.

    Every function that writes calls this one first, so this is where a missing held folder is detected.
    """
    check_held(folder)
    if folder.is_dir():
        return
    make(folder.parent)
    folder.mkdir(exist_ok=True)
    sync(folder.parent)


def tidy(folder: Path) -> None:
    """Remove the temporary files of killed processes in `folder` and below."""
    for part in folder.rglob(".*.part"):
        if parts.is_left_over(part):
            parts.remove(part)


def sync(path: Path) -> None:
    """Flush a file, or the list of names in a folder, to the disk. Windows flushes names by itself."""
    if windows.IS_WINDOWS and path.is_dir():
        return
    handle = os.open(path, os.O_RDWR if windows.IS_WINDOWS else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
