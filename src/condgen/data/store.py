"""Where the bytes of pictures lie: a folder or a zip, by the same few questions, and nothing outside of it.

names()      every file, as a path with slashes, in an order that is the same on every machine
read(name)   its bytes, at most LARGEST of them
stamp(names) changes when any of these files is touched, so that nothing unchanged is read twice
odd          what was not even looked at, and why: links that lead out, pipes, members that would escape

Files are opened for reading alone. A zip is read member by member and never unpacked.
"""

import hashlib
import os
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Protocol

from condgen.errors import CondgenError

LARGEST = 256 * 2**20
"""Bytes of one file that are still read."""
MEMBERS = 2_000_000
"""Of a zip, at most; all of ImageNet are 1.3 million."""
RATIO = 1000
"""A member that grows so many times, to more than a megabyte, is a bomb: deflate itself ends at 1032."""
BESIDE = (".csv", ".tsv", ".json", ".jsonl", ".txt", ".npz", ".parquet", "-ubyte", ".gz")
HIDDEN = ("__MACOSX", "Thumbs.db", "desktop.ini")


class Bad(Exception):
    """Why one picture cannot be used, in a few words."""


class Pictures(Protocol):
    """Whatever pictures are read from, once their names are known: also rows of a table. Has to work on in a forked
    helper."""

    path: Path

    @property
    def odd(self) -> dict[str, str]: ...

    def read(self, name: str) -> bytes:
        """Raises Bad with the reason."""

    def stamp(self, names: Iterable[str]) -> str: ...


class Store(Pictures, Protocol):
    """Files that can be listed: see above."""

    def names(self) -> list[str]: ...


class Folder:
    """The files under a folder. Links are followed while they stay inside; folders that are links never are."""

    def __init__(self, path: Path, only: str | None = None) -> None:
        """only: the one file that `names` tells of; others can still be read by name."""
        self.path, self.only = path, only
        self.root = os.path.realpath(path)

    @property
    def odd(self) -> dict[str, str]:
        return {} if self.only else self._walked[1]

    def names(self) -> list[str]:
        return [self.only] if self.only else self._walked[0]

    def read(self, name: str) -> bytes:
        path = self._inside(name)
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe would wait for its writer for ever
        except OSError as error:
            raise Bad("is missing" if isinstance(error, FileNotFoundError) else f"{error.strerror}") from None
        with open(handle, "rb") as file:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode):
                raise Bad("is no regular file")
            return _bounded(file.read(LARGEST + 1))

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
    def _walked(self) -> tuple[list[str], dict[str, str]]:
        """All files, and what is none."""
        odd: dict[str, str] = {}
        return sorted(self._walk("", odd)), odd

    def _walk(self, folder: str, odd: dict[str, str]) -> Iterator[str]:
        try:
            entries = list(os.scandir(os.path.join(self.root, folder)))
        except OSError as error:
            odd[folder or "."] = error.strerror or str(error)
            return
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if not hidden(entry.name):
                yield from self._entry(entry, name, odd)

    def _entry(self, entry: os.DirEntry[str], name: str, odd: dict[str, str]) -> Iterator[str]:
        if entry.is_dir(follow_symlinks=False):
            before = len(odd)
            files = list(self._walk(name, odd))
            if not files and len(odd) == before:
                odd[name] = "is an empty folder"
            yield from files
        elif entry.is_symlink() and not (entry.is_file() and self._stays(entry.path)):
            odd[name] = "is a link to a folder" if entry.is_dir() else "is a link that leads nowhere, or out"
        elif not entry.is_file():
            odd[name] = "is no regular file"
        else:
            yield name

    def _inside(self, name: str) -> str:
        path = os.path.join(self.root, name)
        if not self._stays(path):
            raise Bad("lies outside of the folder")
        return path

    def _stays(self, path: str) -> bool:
        return os.path.realpath(path).startswith(os.path.join(self.root, ""))


class Archive:
    """The members of a zip. Raises CondgenError if it is none, or one that nobody would make in good faith."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: tuple[int, zipfile.ZipFile] | None = None
        self.odd: dict[str, str] = {}
        members = {info.filename: info for info in self._honest(self._zip.infolist())}
        wrapper = _wrapper(list(members))
        self._members = {name.removeprefix(wrapper): info for name, info in members.items()}
        self._names = sorted(name for name in self._members if not any(map(hidden, name.split("/"))))

    def names(self) -> list[str]:
        return self._names

    def read(self, name: str) -> bytes:
        if name not in self._members:
            raise Bad("is missing")
        try:
            with self._zip.open(self._members[name]) as file:
                return _bounded(file.read(LARGEST + 1))
        except (OSError, RuntimeError, NotImplementedError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise Bad(f"cannot be unpacked: {error}") from None

    def stamp(self, names: Iterable[str]) -> str:
        return Folder(self.path.parent).stamp([self.path.name])

    @property
    def _zip(self) -> zipfile.ZipFile:
        if self._open is None or self._open[0] != os.getpid():  # a forked helper would share its place in the file
            try:
                self._open = os.getpid(), zipfile.ZipFile(self.path)
            except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
                raise CondgenError(f"cannot read {str(self.path)!r}: {error}.") from None
        return self._open[1]

    def _honest(self, members: list[zipfile.ZipInfo]) -> Iterator[zipfile.ZipInfo]:
        seen: set[str] = set()
        if len(members) > MEMBERS or sum(info.compress_size for info in members) > self.path.stat().st_size:
            raise CondgenError(f"{str(self.path)!r} is no honest zip: {len(members):,} members that overlap.")
        for info in members:
            path = PurePosixPath(info.filename.replace("\\", "/"))
            if path.is_absolute() or ".." in path.parts or info.filename in seen:
                what = "stands twice in it" if info.filename in seen else "would be unpacked outside of it"
                raise CondgenError(f"{str(self.path)!r} is no honest zip: member {info.filename!r} {what}.")
            seen.add(info.filename)
            if reason := _oddity(info):
                self.odd[info.filename] = reason
            elif not info.is_dir():
                yield info


def store_at(path: Path) -> Store:
    """A folder, a zip by its content, or the folder around one file."""
    if path.is_dir():
        return Folder(path)
    return Archive(path) if path.suffix == ".zip" else Folder(path.parent, only=path.name)


def bytes_of(store: Store, name: str) -> bytes:
    """A file that cannot be done without. Raises CondgenError if it cannot be read."""
    try:
        return store.read(name)
    except Bad as error:
        raise CondgenError(f"{name!r} of {str(store.path)!r} {error}.") from None


def text_of(store: Store, name: str, called: str) -> str:
    """A text file. Raises CondgenError, naming it as it is called, if there is none."""
    try:
        return store.read(name).decode("utf-8-sig")
    except (Bad, UnicodeDecodeError) as error:
        raise CondgenError(f"{called} of {str(store.path)!r} cannot be read: {error}.") from None


def hidden(name: str) -> bool:
    """What systems and tools leave lying about."""
    return name.startswith(".") or name in HIDDEN


def shown(name: str) -> str:
    """A file's name for people and JSON: quoted, on one line, whatever bytes it is made of."""
    return repr(name.encode("utf-8", "backslashreplace").decode())


def _wrapper(names: list[str]) -> str:
    """The one folder that a whole data set was zipped in, told by the table or other file that lies directly in it."""
    top = {name.split("/")[0] for name in names}
    inside = [name.split("/")[1] for name in names if name.count("/") == 1]
    return f"{top.pop()}/" if len(top) == 1 and any(name.endswith(BESIDE) for name in inside) else ""


def _oddity(info: zipfile.ZipInfo) -> str | None:
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a link"
    if info.flag_bits & 1:
        return "is encrypted"
    if info.file_size > max(2**20, RATIO * info.compress_size):
        return f"grows {info.file_size // max(1, info.compress_size)} times when unpacked"
    return None


def _bounded(data: bytes) -> bytes:
    if len(data) > LARGEST:
        raise Bad(f"is larger than {LARGEST // 2**20} MB")
    return data
