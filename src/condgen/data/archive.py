"""A zip archive as a `Store`: read member by member, and never unpacked. `Packed` is common to all archives."""

import os
import stat
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from posixpath import basename, dirname
from typing import Generic, TypeVar

from condgen import marker
from condgen.data.encodings import decoded
from condgen.data.found import CACHE, Found, is_hidden, is_under, without_loose, wrapper_of, writer_of
from condgen.data.store import LARGEST, Bad, Folder, Store, bounded
from condgen.errors import CondgenError
from condgen.marker import Mark

MEMBERS = 2_000_000
"""Maximum number of members of a zip archive. All of ImageNet has 1.3 million."""
UTF8 = 0x800
"""The flag of a member whose name is UTF-8."""
RATIO = 1000
"""Maximum compression ratio of a member larger than 1 MiB. Deflate reaches 1032; such a file is probably a zip bomb."""


Member = TypeVar("Member")


class Packed(Store, Generic[Member]):
    """An archive of any format. A subclass calls `_find` with its members, and reads one of them."""

    _members: dict[str, Member]
    """Members by name, without the folder around all of them."""
    _found: Found

    def _find(self, members: Mapping[str, Member], odd: Mapping[str, str], exclude: str) -> None:
        """Sort out which members are data. odd: members that are not read, with the reason."""
        wrapper = wrapper_of(list(members))
        self._members = {name.removeprefix(wrapper): member for name, member in members.items()}
        own = self._own()
        seen = [name for name in self._members if not any(map(is_hidden, name.split("/"))) and not is_under(name, own)]
        odd = {name.removeprefix(wrapper): why for name, why in odd.items()}
        odd = {name: why for name, why in odd.items() if not is_under(name, own)}
        self._found = without_loose(Found(sorted(seen), odd, own, []).without(exclude), self.note)

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
        return sorted(f"{folder}/{name}" for name in inside if not any(map(is_hidden, name.split("/"))))

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
            folder: writer_of(there, lambda folder=folder: self.mark_of(folder))  # type: ignore[misc]
            for folder, there in inside.items()
            if not is_under(dirname(folder), inside)
        }

    def stamp(self, names: Iterable[str]) -> str:
        return Folder(self.path.parent).stamp([self.path.name])


class Archive(Packed[zipfile.ZipInfo]):
    """The members of a zip archive. Raises CondgenError for an invalid archive, overlapping members or unsafe names."""

    def __init__(self, path: Path, exclude: str = "") -> None:
        self.path = path
        self._open: tuple[int, zipfile.ZipFile] | None = None
        odd: dict[str, str] = {}
        members = self._honest(self._zip.infolist(), odd)
        self._find(members, odd, exclude)

    def read(self, name: str, most: int = LARGEST + 1) -> bytes:
        """The first `most` bytes of a member. Raises Bad with the reason."""
        if name not in self._members:
            raise Bad("is missing")
        try:
            with self._zip.open(self._members[name]) as file:
                return bounded(file.read(most))
        except (OSError, RuntimeError, NotImplementedError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise Bad(f"cannot be unpacked: {error}") from None

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


def _oddity(info: zipfile.ZipInfo) -> str | None:
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a link"
    if info.flag_bits & 1:
        return "is encrypted"
    if info.file_size > max(2**20, RATIO * info.compress_size):
        return f"grows {info.file_size // max(1, info.compress_size)} times when unpacked"
    return None
