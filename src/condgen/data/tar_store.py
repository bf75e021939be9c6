"""Reads a tar archive, plain or compressed, as a `Store`: member by member, and nothing is written beside it.

A compressed archive can only be read from its beginning, so it is decompressed once into the cache.
"""

import bz2
import gzip
import hashlib
import lzma
import re
import tarfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NamedTuple

from condgen import cache, disk
from condgen.data import file_kinds
from condgen.data.archive import MEMBERS, RATIO, Packed
from condgen.data.store import LARGEST, Bad, Folder, Store
from condgen.errors import CondgenError

NAME = re.compile(r"\.(tar|tar\.gz|tgz|tar\.bz2|tbz2?|tar\.xz|txz)$", re.IGNORECASE)
"""Endings of tar archives."""
OPENERS: dict[bytes, Callable[[Path], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
"""Decompressors, by the first bytes of a file."""
ZSTD = b"\x28\xb5\x2f\xfd"
DAMAGE = (tarfile.TarError, OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, OverflowError)
CHUNK, SMALL = 2**22, 2**26
"""Bytes decompressed at a time; size up to which no archive is taken for a bomb."""
VERSION = 1


class Member(NamedTuple):
    """Position and size of a member in its tar file, in bytes."""

    start: int
    size: int


class Tar:
    """The index of a tar file, and the content of its members. Forked workers may share it."""

    def __init__(self, path: Path) -> None:
        """Raises CondgenError for a damaged archive, and for one that would unpack files outside of its folder."""
        self.path = path
        try:
            self._plain = unpacked(path)
            self.members, self.odd = _index(self._plain)
        except DAMAGE as error:
            raise CondgenError(f"cannot read {path.name!r} of {str(path.parent)!r} as tar: {error}.") from None

    def read(self, name: str, most: int = LARGEST + 1) -> bytes:
        """The first `most` bytes of a member. Raises Bad with the reason."""
        if name not in self.members:
            raise Bad(self.odd.get(name, "is missing"))
        place = self.members[name]
        if min(place.size, most) > LARGEST:
            raise Bad(f"is larger than {LARGEST // 2**20} MB")
        try:
            with self._plain.open("rb") as file:
                file.seek(place.start)
                return file.read(min(place.size, most))
        except OSError as error:
            raise Bad(f"cannot be read: {error.strerror}") from None


class TarStore(Packed[str]):
    """The files in a tar archive."""

    def __init__(self, path: Path, tar: Tar | None = None, exclude: str = "") -> None:
        """exclude: names and patterns of files and folders to leave out, separated by commas."""
        self.path, self._tar = path, tar or Tar(path)
        self._find({name: name for name in self._tar.members}, self._tar.odd, exclude)

    def read(self, name: str, most: int = LARGEST + 1) -> bytes:
        """The first `most` bytes of a member. Raises Bad with the reason."""
        return self._tar.read(self._members.get(name, name), most)


def store_of(path: Path, exclude: str = "") -> Store | None:
    """The store for a tar archive, if its name has one of the usual endings; None for other files, and for WebDataset
    shards, which generated.py reads."""
    if not NAME.search(path.name) or not path.is_file():
        return None
    tar = Tar(path)
    return None if is_shard(tar.members) else TarStore(path, tar, exclude)


def is_shard(names: Iterable[str]) -> bool:
    """Whether most images belong to a .cls, .json or .txt of the same name, as WebDataset defines."""
    endings: dict[str, set[str]] = {}
    for name in names:
        folder, _, base = name.rpartition("/")
        key, _, ending = base.partition(".")
        endings.setdefault(f"{folder}/{key}", set()).add(ending.lower())
    images = [both for both in endings.values() if both & IMAGES]
    return 2 * sum(bool(both & LABELS) for both in images) > len(images)


LABELS = frozenset({"cls", "json", "txt"})
IMAGES = frozenset(ending.removeprefix(".") for ending in file_kinds.IMAGES)
"""Endings, in a shard, of labels and of images."""


def _index(path: Path) -> tuple[dict[str, Member], dict[str, str]]:
    """The regular files of a tar archive, and its other members with the reason why they are not read."""
    found, odd, end = dict[str, Member](), dict[str, str](), path.stat().st_size
    with path.open("rb") as file, tarfile.open(fileobj=file) as archive:
        for count, member in enumerate(archive):
            name = PurePosixPath(member.name)
            if name.is_absolute() or ".." in name.parts:
                raise tarfile.TarError(f"member {member.name!r} would be unpacked outside of it")
            if count > MEMBERS:
                raise tarfile.TarError(f"more than {MEMBERS:,} members")
            if reason := _oddity(member):
                odd[str(name)] = reason
            elif not member.isdir():
                found[str(name)] = Member(member.offset_data, member.size)
                if member.offset_data + member.size > end:
                    raise tarfile.TarError("unexpected end of data")
    return found, odd


def _oddity(member: tarfile.TarInfo) -> str | None:
    if member.issym() or member.islnk():
        return "is a link"
    if member.isdir() or (member.isreg() and not member.issparse()):
        return None
    return "is a sparse file" if member.issparse() else "is no regular file"


def unpacked(path: Path) -> Path:
    """The plain tar file: the path itself, or a decompressed copy in the cache."""
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(ZSTD):
        raise tarfile.TarError("it is compressed with zstd; decompress it first")
    opener = next((found for magic, found in OPENERS.items() if head.startswith(magic)), None)
    if opener is None:
        return path
    key = hashlib.sha256(f"{VERSION} {Folder(path.parent).stamp([path.name])}".encode()).hexdigest()[:32]
    copy = disk.cache() / "tars" / f"{key}.tar"
    note = copy.with_suffix(".json")
    known = cache.kept(note)
    if known is None or not copy.is_file() or cache.checksum(copy) != known:
        with cache.writing(copy.parent), opener(path) as packed, disk.replacing(copy) as temporary:
            _copy(packed, temporary, path.stat().st_size)
        cache.keep(note, cache.checksum(copy))
    return copy


def _copy(packed: BinaryIO, path: Path, size: int) -> None:
    """Decompress a file of `size` bytes. Raises TarError if it grows as only a bomb does."""
    written = 0
    with path.open("wb") as file:
        while data := _decompressed(packed):
            written += file.write(data)
            if written > max(SMALL, RATIO * size):
                raise tarfile.TarError(f"it grows {RATIO:,} times when unpacked")


def _decompressed(packed: BinaryIO) -> bytes:
    try:
        return packed.read(CHUNK)
    except DAMAGE as error:  # an OSError here is no failure to write
        raise tarfile.TarError(f"{error}") from None
