"""Reads files through one interface, and nothing outside of their source: a folder here, an archive in archive.py.

names()      all files, as paths with slashes, in the same order on every machine
read(name)   the bytes of a file, at most LARGEST
stamp(names) a hash that changes when one of these files changes, so that unchanged files are not read twice
odd          files that are not read, with the reason: links to the outside, pipes, zip members outside the archive
own          files and folders that condgen wrote, with the command; they are not in `names` (condgen/marker.py)
excluded     files that --exclude leaves out; they are not in `names` either
remarks      what a user should know about the names of the files

Files are opened for reading only. stores.py opens a path as a store.
"""

import hashlib
import os
import stat
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Protocol

from condgen import marker, windows
from condgen.data.found import Found, is_hidden, without_loose, writer_of
from condgen.errors import CondgenError
from condgen.marker import Mark, Note

LARGEST = 256 * 2**20
"""Maximum size of a file, in bytes. Larger files are rejected."""


class Bad(Exception):
    """An image that cannot be used. The message is the reason, in a few words."""


class Images(Protocol):
    """A source of images with known names: a store or the rows of a table. It has to work in forked workers."""

    path: Path

    @property
    def odd(self) -> dict[str, str]: ...

    def read(self, name: str) -> bytes:
        """The bytes of a file. Raises Bad with the reason."""

    def stamp(self, names: Iterable[str]) -> str: ...


class Store(Images, Protocol):
    """A source whose files can be listed; the module's docstring describes its members."""

    remarks: tuple[str, ...] = ()
    only: str | None = None
    """The only file in `names`, if the user named a file."""

    def __hash__(self) -> int:
        """By identity: what was found out about a store is kept for it (functools.lru_cache)."""
        return object.__hash__(self)

    @property
    def excluded(self) -> list[str]: ...

    @property
    def own(self) -> dict[str, str]: ...

    def names(self) -> list[str]: ...

    def within(self, folder: str) -> list[str]:
        """The files in a folder that is listed in `own`."""

    def read(self, name: str, most: int = LARGEST + 1) -> bytes:
        """The first `most` bytes of a file. Raises Bad with the reason."""

    def mark_of(self, folder: str) -> Mark | None: ...

    @cached_property
    def mark(self) -> Mark | None:
        """The marker of the source itself, if condgen wrote it."""
        return self.mark_of("")

    def note(self, name: str) -> Note | None:
        """The provenance stored in an image file; None if condgen did not write it."""
        try:
            return marker.note(self.read(name, marker.needed(name)))
        except Bad:
            return None


class Folder(Store):
    """The files in a folder. Links that stay inside the folder are followed; others are in `odd`."""

    def __init__(self, path: Path, only: str | None = None, exclude: str = "") -> None:
        """only: the only file that `names` returns. Other files can still be read by name.

        exclude: names and patterns of files and folders, separated by commas.
        """
        self.path, self.only, self.exclude = path, only, exclude
        self.root = os.path.realpath(path)

    @property
    def odd(self) -> dict[str, str]:
        return {} if self.only else self._walked.odd

    @property
    def own(self) -> dict[str, str]:
        return {} if self.only else self._walked.own

    @property
    def excluded(self) -> list[str]:
        return [] if self.only else self._walked.excluded

    def names(self) -> list[str]:
        return [self.only] if self.only else self._walked.names

    def within(self, folder: str) -> list[str]:
        return [f"{folder}/{name}" for name in Folder(Path(self.root, folder)).names()]

    def mark_of(self, folder: str) -> Mark | None:
        return marker.of(Path(self.root, folder))

    def read(self, name: str, most: int = LARGEST + 1) -> bytes:
        """The first `most` bytes of a file. Raises Bad with the reason."""
        path = self._inside(name)
        try:
            handle = os.open(path, os.O_RDONLY | windows.BINARY | windows.NONBLOCK)  # do not wait at a pipe
        except OSError as error:
            raise Bad("is missing" if isinstance(error, FileNotFoundError) else f"{error.strerror}") from None
        with open(handle, "rb") as file:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode):
                raise Bad("is no regular file")
            return bounded(file.read(min(most, about.st_size)))  # `read` allocates the requested size

    def open(self, name: str) -> BinaryIO:
        return open(self._inside(name), "rb")

    def stamp(self, names: Iterable[str]) -> str:
        digest = hashlib.sha256(os.fsencode(self.root))
        for name in names:
            try:
                about = os.stat(os.path.join(self.root, name))
                facts = f"{about.st_size} {about.st_mtime_ns} {about.st_ctime_ns} {about.st_ino}"
            except OSError:
                facts = "missing"
            digest.update(os.fsencode(name) + facts.encode())
        return digest.hexdigest()

    @cached_property
    def _walked(self) -> "Found":
        found = Found([], {}, {}, [])
        self._walk("", found, (self.root,))
        found.names.sort()
        return without_loose(found.without(self.exclude), self.note)

    def _walk(self, folder: str, found: "Found", around: tuple[str, ...]) -> None:
        """around: the real paths of this folder and of those around it."""
        try:
            entries = list(os.scandir(os.path.join(self.root, folder)))
        except OSError as error:
            found.odd[folder or "."] = error.strerror or str(error)
            return
        there = {entry.name for entry in entries}
        if folder and (what := writer_of(there, lambda: self.mark_of(folder))):
            found.own[folder] = what
            return
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if not is_hidden(entry.name):
                self._entry(entry, name, found, around)

    def _entry(self, entry: os.DirEntry[str], name: str, found: "Found", around: tuple[str, ...]) -> None:
        if entry.is_symlink() and (reason := self._misleads(entry.path, around)):
            found.odd[name] = reason
        elif os.path.isdir(entry.path):  # entry.is_dir() would raise for a link to itself
            before = found.total
            self._walk(name, found, (*around, os.path.realpath(entry.path)))
            if found.total == before:
                found.odd[name] = "is an empty folder"
        elif not entry.is_file():
            found.odd[name] = "is no regular file"
        else:
            found.names.append(name)

    def _misleads(self, path: str, around: tuple[str, ...]) -> str:
        """Why a link is not followed; '' if it is."""
        if not os.path.exists(path):
            return "is a link that leads nowhere"
        if os.path.realpath(path) in around:
            return "is a link to a folder around it"
        if self._stays(path):
            return ""
        return f"is a link out of the data{', to a folder; copy that folder' if os.path.isdir(path) else ''}"

    def _inside(self, name: str) -> str:
        path = os.path.join(self.root, name)
        if not self._stays(path):
            raise Bad("lies outside of the folder")
        return path

    def _stays(self, path: str) -> bool:
        return os.path.realpath(path).startswith(os.path.join(self.root, ""))


def bytes_of(store: Store, name: str) -> bytes:
    """The bytes of a required file. Raises CondgenError if it cannot be read."""
    try:
        return store.read(name)
    except Bad as error:
        raise CondgenError(f"{name!r} of {str(store.path)!r} {error}.") from None


def text_of(store: Store, name: str, called: str) -> str:
    """The text of a required file. Raises CondgenError if it cannot be read. called: its name in that message."""
    try:
        return store.read(name).decode("utf-8-sig")
    except (Bad, UnicodeDecodeError) as error:
        raise CondgenError(f"{called} of {str(store.path)!r} cannot be read: {error}.") from None


def shown(name: str) -> str:
    """A file name for messages and JSON: quoted, on one line, whatever bytes it contains."""
    return repr(valid(name))


def valid(name: str) -> str:
    """A file name as valid Unicode, for JSON and HTML. Bytes that are no text become escapes such as \\udcff."""
    return name.encode("utf-8", "backslashreplace").decode()


def bounded(data: bytes) -> bytes:
    if len(data) > LARGEST:
        raise Bad(f"is larger than {LARGEST // 2**20} MB")
    return data
