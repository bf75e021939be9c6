"""Folders that are not created again if they vanish while condgen works in them: moved, deleted or replaced."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from condgen import windows
from condgen.disk_errors import Gone

_held: dict[Path, tuple[os.stat_result, int | None]] = {}
"""Folders that are not created again if they vanish. Each has a file descriptor, which follows a renamed folder, except
on Windows."""
_opened: dict[Path, os.stat_result] = {}
"""Folders that the current command has opened for reading, which it does not create again if they vanish."""
_remembers: list[bool] = []
"""Not empty while a command runs. Other programs that call condgen may replace its folders between calls."""


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Within the context, no write creates `folder` again, or writes to another folder of the same name."""
    place = folder.absolute()
    outer, handle = _held.get(place), None if windows.IS_WINDOWS else os.open(place, os.O_RDONLY)
    _held[place] = os.stat(place) if handle is None else os.fstat(handle), handle
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)
        if outer is None:
            del _held[place]
        else:
            _held[place] = outer


@contextlib.contextmanager
def remembering() -> Iterator[None]:
    """Within the context, `remember` records the folders that are opened."""
    _remembers.append(True)
    try:
        yield
    finally:
        _remembers.pop()
        if not _remembers:
            _opened.clear()


def remember(folder: Path) -> None:
    """Within `remembering`: from now on, no write creates `folder` again, until it is opened again."""
    if _remembers:
        _opened[folder.absolute()] = folder.stat()


def forget(folder: Path) -> None:
    """The inverse of `remember`, for code that is about to create the folder."""
    _opened.pop(folder.absolute(), None)


def check_held(path: Path) -> None:
    """Raise Gone if `path` is in a held or remembered folder that was moved, deleted or replaced."""
    place = path.absolute()
    for folder, seen in _opened.items():
        if place.is_relative_to(folder) and not _is_same(folder, seen):
            raise Gone(f"{str(folder)!r} was moved or deleted since it was opened; condgen does not create it again.")
    for folder, (seen, handle) in _held.items():
        if place.is_relative_to(folder) and not _is_same(folder, seen):
            where = _whereabouts(handle)
            raise Gone(
                f"{str(folder)!r} was {where} while condgen wrote to it; condgen does not create it again.",
                where == "deleted",
            )


def _is_same(folder: Path, seen: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(folder), seen)
    except OSError:
        return False


def _whereabouts(handle: int | None) -> str:
    """What happened to a folder that is no longer at its path. Linux reports its current path."""
    try:
        now = os.readlink(f"/proc/self/fd/{handle}")
    except OSError:
        return "moved or deleted"
    return "deleted" if now.endswith(" (deleted)") else f"moved to {now!r}"
