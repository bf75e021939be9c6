"""Reads files from a folder or a zip archive through one interface, and nothing outside of it.

names()      all files, as paths with slashes, in the same order on every machine
read(name)   the bytes of a file, at most LARGEST
stamp(names) a hash that changes when one of these files changes, so that unchanged files are not read twice
odd          files that are not read, with the reason: links to the outside, pipes, zip members outside the archive
own          files and folders that condgen wrote, with the command; they are not in `names` (condgen/marker.py)
excluded     files that --exclude leaves out; they are not in `names` either
remarks      what a user should know about the names of the files

Files are opened for reading only. A zip archive is read member by member and never unpacked.
"""

import hashlib
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path, PurePosixPath
from posixpath import basename, dirname
from typing import BinaryIO, NamedTuple, Protocol

from condgen import marker
from condgen.data.encodings import decoded
from condgen.errors import CondgenError
from condgen.marker import Mark, Note

LARGEST = 256 * 2**20
"""Maximum size of a file, in bytes. Larger files are rejected."""
MEMBERS = 2_000_000
"""Maximum number of members of a zip archive. All of ImageNet has 1.3 million."""
UTF8 = 0x800
"""The flag of a member whose name is UTF-8."""
RATIO = 1000
"""Maximum compression ratio of a member larger than 1 MiB. Deflate reaches 1032; such a file is probably a zip bomb."""
BESIDE = (".csv", ".tsv", ".json", ".jsonl", ".txt", ".npz", ".parquet", "-ubyte", ".gz")
HIDDEN = ("__MACOSX", "Thumbs.db", "desktop.ini")
CACHE = "CACHEDIR.TAG"
"""A file that marks a folder as a cache of another program (bford.info/cachedir). Such folders are skipped."""


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
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # do not block on a pipe without a writer
        except OSError as error:
            raise Bad("is missing" if isinstance(error, FileNotFoundError) else f"{error.strerror}") from None
        with open(handle, "rb") as file:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode):
                raise Bad("is no regular file")
            return _bounded(file.read(min(most, about.st_size)))  # `read` allocates the requested size

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
    def _walked(self) -> "_Found":
        found = _Found([], {}, {}, [])
        self._walk("", found, (self.root,))
        found.names.sort()
        return _without_loose(found.without(self.exclude), self.note)

    def _walk(self, folder: str, found: "_Found", around: tuple[str, ...]) -> None:
        """around: the real paths of this folder and of those around it."""
        try:
            entries = list(os.scandir(os.path.join(self.root, folder)))
        except OSError as error:
            found.odd[folder or "."] = error.strerror or str(error)
            return
        there = {entry.name for entry in entries}
        if folder and (what := _ours(there, lambda: self.mark_of(folder))):
            found.own[folder] = what
            return
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if not hidden(entry.name):
                self._entry(entry, name, found, around)

    def _entry(self, entry: os.DirEntry[str], name: str, found: "_Found", around: tuple[str, ...]) -> None:
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


class Archive(Store):
    """The members of a zip archive. Raises CondgenError for an invalid archive, overlapping members or unsafe names."""

    def __init__(self, path: Path, exclude: str = "") -> None:
        self.path = path
        self._open: tuple[int, zipfile.ZipFile] | None = None
        odd: dict[str, str] = {}
        members = self._honest(self._zip.infolist(), odd)
        wrapper = _wrapper(list(members))
        self._members = {name.removeprefix(wrapper): info for name, info in members.items()}
        own = self._own()
        seen = [name for name in self._members if not any(map(hidden, name.split("/"))) and not _under(name, own)]
        odd = {name: why for name, why in odd.items() if not _under(name.removeprefix(wrapper), own)}
        self._found = _without_loose(_Found(sorted(seen), odd, own, []).without(exclude), self.note)

    @property
    def odd(self) -> dict[str, str]:
        return self._found.odd

    @property
    def own(self) -> dict[str, str]:
        return self._found.own

    @property
    def excluded(self) -> list[str]:
        return self._found.excluded

    def names(self) -> list[str]:
        return self._found.names

    def within(self, folder: str) -> list[str]:
        inside = [name.removeprefix(f"{folder}/") for name in self._members if name.startswith(f"{folder}/")]
        return sorted(f"{folder}/{name}" for name in inside if not any(map(hidden, name.split("/"))))

    def mark_of(self, folder: str) -> Mark | None:
        try:
            return marker.parse(self.read(f"{folder}/{marker.FILE}".lstrip("/")))
        except Bad:
            return None

    def _own(self) -> dict[str, str]:
        """Marked folders that are not inside another marked folder, with what wrote them."""
        inside: dict[str, set[str]] = {}
        for name in self._members:
            if basename(name) in (marker.FILE, CACHE) and dirname(name):
                inside.setdefault(dirname(name), set()).add(basename(name))
        return {
            folder: _ours(there, lambda folder=folder: self.mark_of(folder))  # type: ignore[misc]
            for folder, there in inside.items()
            if not _under(dirname(folder), inside)
        }

    def read(self, name: str, most: int = LARGEST + 1) -> bytes:
        """The first `most` bytes of a member. Raises Bad with the reason."""
        if name not in self._members:
            raise Bad("is missing")
        try:
            with self._zip.open(self._members[name]) as file:
                return _bounded(file.read(most))
        except (OSError, RuntimeError, NotImplementedError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise Bad(f"cannot be unpacked: {error}") from None

    def stamp(self, names: Iterable[str]) -> str:
        return Folder(self.path.parent).stamp([self.path.name])

    @property
    def _zip(self) -> zipfile.ZipFile:
        if self._open is None or self._open[0] != os.getpid():  # a forked worker would share the file position
            try:
                self._open = os.getpid(), zipfile.ZipFile(self.path)
            except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
                raise CondgenError(f"cannot read {str(self.path)!r}: {error}.") from None
        return self._open[1]

    def _honest(self, members: list[zipfile.ZipInfo], odd: dict[str, str]) -> dict[str, zipfile.ZipInfo]:
        """The members that are files, by name; those that are not read go to `odd`."""
        found: dict[str, zipfile.ZipInfo] = {}
        seen: set[str] = set()
        if len(members) > MEMBERS or sum(info.compress_size for info in members) > self.path.stat().st_size:
            raise CondgenError(f"{str(self.path)!r} is no honest zip: {len(members):,} members that overlap.")
        for info, name in zip(members, self._names_of(members), strict=True):
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or name in seen:
                what = "is in it twice" if name in seen else "would be unpacked outside of it"
                raise CondgenError(f"{str(self.path)!r} is no honest zip: member {name!r} {what}.")
            seen.add(name)
            if reason := _oddity(info):
                odd[name] = reason
            elif not name.endswith("/"):
                found[name] = info
        return found

    def _names_of(self, members: list[zipfile.ZipInfo]) -> list[str]:
        """The names with slashes. Names that are not marked as UTF-8 are decoded; `remarks` says how."""
        names = [info.filename for info in members]
        odd = [place for place, info in enumerate(members) if not (info.flag_bits & UTF8 or info.filename.isascii())]
        if odd:
            found = decoded([names[place].encode("cp437") for place in odd], "cp437")
            self.remarks = (
                f"{self.path.name!r}: the names of {len(odd):,} files were decoded as {found.encoding}; if they are "
                "wrong, unpack the archive.",
            )
            for place, name in zip(odd, found.names, strict=True):
                names[place] = name
        return [name.replace("\\", "/") for name in names]


class _Found(NamedTuple):
    """Files found in a folder: their names, those that are not read, those that condgen wrote, and those excluded."""

    names: list[str]
    odd: dict[str, str]
    own: dict[str, str]
    excluded: list[str]

    def without(self, exclude: str) -> "_Found":
        """Leave out the files that --exclude names."""
        patterns = patterns_in(exclude)
        gone = {name for name in self.names if patterns and is_excluded(name, patterns)}
        odd = {name: why for name, why in self.odd.items() if not (patterns and is_excluded(name, patterns))}
        return self._replace(names=[name for name in self.names if name not in gone], odd=odd, excluded=sorted(gone))

    @property
    def total(self) -> int:
        return len(self.names) + len(self.odd) + len(self.own)


def _ours(there: Collection[str], mark: Callable[[], Mark | None]) -> str:
    """What wrote a folder that contains these file names: a condgen command or "a cache"; '' if it is the user's."""
    if marker.FILE in there:
        found = mark()
        return found.wrote if found else "condgen"
    return "a cache" if CACHE in there else ""


def _under(name: str, folders: Collection[str]) -> bool:
    """Whether a path is one of these folders, or inside one."""
    while name:
        if name in folders:
            return True
        name = dirname(name)
    return False


def _without_loose(found: _Found, note: Callable[[str], Note | None]) -> _Found:
    """Leave out grids and generated images in folders that contain class folders: there, an image without a class would
    be an error. Images by condgen inside a class folder are detected later, when all images are surveyed."""
    folders = {dirname(name) for name in found.names}
    above = {parent for folder in folders for parent in _parents(folder)}
    loose = (name for name in found.names if name.lower().endswith(marker.ENDINGS) and dirname(name) in above)
    own = {name: said.wrote for name in loose if (said := note(name))}
    return found._replace(names=[name for name in found.names if name not in own], own=found.own | own)


def patterns_in(exclude: str | None) -> list[str]:
    """The names and patterns that --exclude lists."""
    return [word.strip().removesuffix("/") for word in (exclude or "").split(",") if word.strip()]


def is_excluded(name: str, patterns: Sequence[str]) -> bool:
    """Whether a file, or a folder around it, has one of these names or paths. * and ? match parts of a name; a path is
    relative to the source, and /images is the folder at its top."""
    paths = [name, *filter(None, _parents(name))] if patterns else []
    return any(
        fnmatchcase(path if "/" in pattern else basename(path), pattern.strip("/"))
        for path in paths
        for pattern in patterns
    )


def _parents(folder: str) -> Iterator[str]:
    while folder:
        folder = dirname(folder)
        yield folder


def store_at(path: Path, exclude: str = "") -> Store:
    """The store for a path: a folder, a zip archive, or the folder around one file.

    exclude: names and patterns of files and folders to leave out, separated by commas.
    """
    path = path.resolve() if path.name in ("", "..") else path  # the data set is named after its folder
    if path.is_dir():
        return Folder(path, exclude=exclude)
    is_zip = path.suffix.lower() == ".zip" or (not path.suffix and zipfile.is_zipfile(path))
    if is_zip:
        return Archive(path, exclude)
    from condgen.data.tar_store import store_of  # it builds on this module

    folder = path.parent if path.parent.name not in ("", "..") else path.parent.resolve()
    return store_of(path, exclude) or Folder(folder, only=path.name)


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


def hidden(name: str) -> bool:
    """Whether a file is hidden, or one that operating systems create."""
    return name.startswith(".") or name in HIDDEN


def shown(name: str) -> str:
    """A file name for messages and JSON: quoted, on one line, whatever bytes it contains."""
    return repr(valid(name))


def valid(name: str) -> str:
    """A file name as valid Unicode, for JSON and HTML. Bytes that are no text become escapes such as \\udcff."""
    return name.encode("utf-8", "backslashreplace").decode()


def _wrapper(names: list[str]) -> str:
    """The single top-level folder, with a slash, if a table or similar file directly in it shows that it was zipped as
    a whole; else ''."""
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
