"""What a disk may hold after a power cut: only what was fsynced is certain.

A replay of recorded calls. A file's bytes are safe once the file was fsynced, a name once its folder was.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reliability.filesystem import Call


@dataclass
class File:
    now: bytes = b""
    safe: bytes = b""

    def fsync(self) -> None:
        self.safe = self.now


@dataclass
class Folder:
    now: "dict[str, File | Folder]" = field(default_factory=dict)
    safe: "dict[str, File | Folder]" = field(default_factory=dict)

    def fsync(self) -> None:
        self.safe = dict(self.now)


class Disk:
    """The calls of a recording, done in memory; `root` itself is safe."""

    def __init__(self, root: Path) -> None:
        self.root, self.top = root, Folder()

    def do(self, call: Call) -> None:
        """What the call does; what happens outside of `root` is not looked at."""
        place = Path(call.path)
        if not place.is_relative_to(self.root):
            return
        if place == self.root:
            self.top.fsync()
            return
        folder, name = self._folder(place.parent), place.name
        if call.what == "mkdir":
            folder.now.setdefault(name, Folder())
        elif call.what == "open":
            self._file(folder, name).now = b""
        elif call.what == "append":
            self._file(folder, name)
        elif call.what == "write":
            self._file(folder, name).now += call.data
        elif call.what == "fsync":
            folder.now[name].fsync()
        elif call.what in ("unlink", "remove", "rmdir"):
            folder.now.pop(name, None)  # a temporary name that was given away is asked for once more
        elif call.what in ("rename", "replace"):
            target = Path(call.target)
            self._folder(target.parent).now[target.name] = folder.now.pop(name)
        else:
            raise NotImplementedError(call)

    def write(self, loss: "Loss", place: Path) -> None:
        """Write into `place` what may be found of `root` if the power goes now."""
        _write(self.top, loss, place)

    def _folder(self, place: Path) -> Folder:
        found = self.top
        for part in place.relative_to(self.root).parts:
            below = found.now[part]
            assert isinstance(below, Folder)
            found = below
        return found

    @staticmethod
    def _file(folder: Folder, name: str) -> File:
        file = folder.now.setdefault(name, File())
        assert isinstance(file, File)
        return file


Loss = Callable[["File | Folder"], Any]
"""What is left of a file's bytes, or of a folder's names as a dict of nodes."""


def all_that_is_safe(node: File | Folder) -> Any:
    return node.safe


def names_ahead(node: File | Folder) -> Any:
    """Names reach the disk before the bytes that they stand for: what a missing fsync costs most often."""
    return node.now if isinstance(node, Folder) else node.safe


def by_chance(seed: int) -> Loss:
    coin = random.Random(seed)
    return lambda node: node.now if coin.random() < 0.5 else node.safe


def replayed(calls: Sequence[Call], root: Path) -> Disk:
    """A disk on which these calls were made."""
    disk = Disk(root)
    for call in calls:
        disk.do(call)
    return disk


def _write(folder: Folder, loss: Loss, place: Path) -> None:
    place.mkdir()
    for name, node in loss(folder).items():
        if isinstance(node, Folder):
            _write(node, loss, place / name)
        else:
            (place / name).write_bytes(loss(node))
