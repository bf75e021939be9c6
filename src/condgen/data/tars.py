"""Reads images in WebDataset shards: tar files in which NAME.png, NAME.cls and NAME.json belong together.

Nothing is unpacked: members are located by their headers and read in place.
"""

import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

from condgen.data.store import LARGEST, MEMBERS, Bad, Folder, Store, bytes_of
from condgen.errors import CondgenError

ENDING = ".tar"
IMAGES = ("png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff")


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

    def label(self, image: str) -> str | None:
        """The label of an image: "label" in its .json file, else the text of its .cls file; None without either."""
        file, _, name = image.partition(f"{ENDING}:")
        stem, there = name.rpartition(".")[0], self._index(file + ENDING)
        try:
            if f"{stem}.json" in there:
                found = json.loads(self.read(f"{file}{ENDING}:{stem}.json"))
                if isinstance(found, dict) and isinstance(found.get("label"), str | int):
                    return str(found["label"])
            if f"{stem}.cls" in there:
                return self.read(f"{file}{ENDING}:{stem}.cls").decode().strip() or None
        except (Bad, ValueError):
            pass
        return None

    def read(self, name: str) -> bytes:
        file, separator, member = name.partition(f"{ENDING}:")
        if not separator:
            return self.store.read(name)
        place = self._index(file + ENDING).get(member)
        if place is None:
            raise Bad("is missing")
        if place.size > LARGEST:
            raise Bad(f"is larger than {LARGEST // 2**20} MB")
        with self._opened(file + ENDING) as shard:
            shard.seek(place.start)
            return shard.read(place.size)

    def stamp(self, names: Iterable[str]) -> str:
        files = (name.partition(f"{ENDING}:") for name in names)
        return self.store.stamp(sorted({file + (ENDING if separator else "") for file, separator, _ in files}))

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
            except (tarfile.TarError, OSError, EOFError, ValueError) as error:
                raise CondgenError(f"cannot read {file!r} of {str(self.path)!r} as a shard: {error}.") from None
            self._members[file] = found
        return self._members[file]

    @contextmanager
    def _opened(self, file: str) -> Iterator[BinaryIO]:
        """Open the file for each read, since a forked worker would share the file position. The bytes of the last
        member of a zip archive are kept, since it takes long to unpack."""
        if isinstance(self.store, Folder):
            with self.store.open(file) as data:
                yield data
        else:
            unpacked = self._unpacked
            if unpacked is None or unpacked[0] != file:
                unpacked = self._unpacked = file, bytes_of(self.store, file)
            yield io.BytesIO(unpacked[1])
