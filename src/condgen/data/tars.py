"""Reads images in WebDataset shards: tar files in which NAME.png, NAME.cls, NAME.json and NAME.txt belong together.

Nothing is unpacked: members are located by their headers and read in place. A compressed shard is decompressed into the
cache.
"""

import io
import json
import re
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import BinaryIO, NamedTuple

from condgen.data.archive import MEMBERS
from condgen.data.store import LARGEST, Bad, Folder, Store, bytes_of
from condgen.data.tar_store import DAMAGE, IMAGES, NAME, is_shard, unpacked
from condgen.errors import CondgenError

INSIDE = re.compile(rf"(.*?{NAME.pattern.removesuffix('$')}):(.*)", re.IGNORECASE | re.DOTALL)
"""Matches FILE.tar:MEMBER."""
KEYS = ("label", "class", "class_name", "category")
"""Keys of a .json file that contain the label, in order of precedence."""


class Member(NamedTuple):
    """Position and size of a member in its tar file, in bytes."""

    start: int
    size: int


class Tars:
    """The images in the shards of a folder or a zip archive, named FILE.tar:MEMBER. Other files keep their names."""

    def __init__(self, store: Store) -> None:
        self.store, self.path, self.odd = store, store.path, store.odd
        self._members: dict[str, dict[str, Member]] = {}
        self._unpacked: tuple[str, bytes] | None = None

    def images(self, file: str) -> Iterator[str]:
        """Names of the images in a tar file. Raises CondgenError if the file is not a complete tar file."""
        return (f"{file}:{name}" for name in self._index(file) if name.rpartition(".")[2].lower() in IMAGES)

    def is_shard(self, file: str) -> bool:
        """Whether most images of a tar file have a label of the same name."""
        return is_shard(self._index(file))

    def label(self, image: str, key: str | None = None) -> str | None:
        """The label of an image: the value of `key` (or "label") in its .json file, else the text of its .cls or .txt
        file; None without any."""
        file, name = inside(image)
        for stem in (name.rpartition(".")[0], _stem(name)):
            for ending, found_in in (("json", partial(_in_json, key=key)), ("cls", _in_text), ("txt", _in_text)):
                if f"{stem}.{ending}" in self._index(file):
                    with suppress(Bad, ValueError):
                        if found := found_in(self.read(f"{file}:{stem}.{ending}")):
                            return found
        return None

    def read(self, name: str) -> bytes:
        file, member = inside(name)
        if not member:
            return self.store.read(name)
        place = self._index(file).get(member)
        if place is None:
            raise Bad("is missing")
        if place.size > LARGEST:
            raise Bad(f"is larger than {LARGEST // 2**20} MB")
        with self._opened(file) as shard:
            shard.seek(place.start)
            return shard.read(place.size)

    def stamp(self, names: Iterable[str]) -> str:
        return self.store.stamp(sorted({inside(name)[0] for name in names}))

    def _index(self, file: str) -> dict[str, Member]:
        if file not in self._members:
            found: dict[str, Member] = {}
            try:
                with self._opened(file) as data, tarfile.open(fileobj=data) as shard:
                    for member in shard:
                        if member.isreg():
                            found[member.name] = Member(member.offset_data, member.size)
                        if len(found) > MEMBERS:
                            raise tarfile.ReadError(f"more than {MEMBERS:,} members")
            except DAMAGE as error:
                raise CondgenError(f"cannot read {file!r} of {str(self.path)!r} as a shard: {error}.") from None
            self._members[file] = found
        return self._members[file]

    @contextmanager
    def _opened(self, file: str) -> Iterator[BinaryIO]:
        """Open the file for each read, since a forked worker would share the file position. The bytes of the last
        member of a zip archive are kept, since it takes long to unpack."""
        if isinstance(self.store, Folder):
            self.store.read(file, 1)  # refuses links to the outside
            with unpacked(self.store.path / file).open("rb") as data:
                yield data
        else:
            last = self._unpacked
            if last is None or last[0] != file:
                last = self._unpacked = file, bytes_of(self.store, file)
            yield io.BytesIO(last[1])


def inside(name: str) -> tuple[str, str]:
    """The tar file and the member that a name FILE.tar:MEMBER consists of; the member is empty for other names."""
    match = INSIDE.fullmatch(name)
    return (match[1], match[3]) if match else (name, "")


def _stem(name: str) -> str:
    """The name up to the first dot of its last part, which WebDataset calls the key of a sample."""
    folder, slash, base = name.rpartition("/")
    return f"{folder}{slash}{base.partition('.')[0]}"


def _in_json(data: bytes, key: str | None) -> str | None:
    found = json.loads(data)
    values = [found.get(each) for each in ([key] if key else KEYS)] if isinstance(found, dict) else []
    return next((str(value) for value in values if isinstance(value, str | int)), None)


def _in_text(data: bytes) -> str | None:
    return data.decode().strip() or None
