"""TensorBoard event files, appended one event at a time, so that a full disk loses only the events that failed.

tensorboardX encodes the events; without it (the extra `tensorboard`), none are written. Its writer is not used: it
writes from a thread, which ends at the first disk error, and the next event then blocks for ever.
"""

import socket
import struct
import time
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from condgen.disk import append


class Events:
    """One event file. Its name contains the number of images at its start, so that a run resumed within a second gets a
    new file."""

    def __init__(self, folder: Path, images: int) -> None:
        """The file is created by the first event. images: training images at the start of this session."""
        self.folder, self.begins, self.path = folder, images, Path()
        self.written = find_spec("tensorboardX") is not None

    def scalars(self, images: int, values: Mapping[str, float]) -> None:
        for name, value in values.items() if self.written else ():
            from tensorboardX import summary

            self._add(images, summary=summary.scalar(name, value))

    def image(self, images: int, name: str, sheet: Image.Image) -> None:
        if self.written:
            from tensorboardX import summary

            self._add(images, summary=summary.image(name, np.asarray(sheet), dataformats="HWC"))

    def text(self, images: int, name: str, text: str) -> None:
        if self.written:
            from tensorboardX import summary

            self._add(images, summary=summary.text(name, text))

    def _add(self, images: int, **what: Any) -> None:
        if not self.path.name:
            self._begin()
        append(self.path, record(step=images, **what))

    def _begin(self) -> None:
        """Create the file. In a resumed run, make TensorBoard hide events after the checkpoint."""
        from tensorboardX.proto.event_pb2 import SessionLog

        now = f"{time.time():.0f}"
        path = self.folder / f"events.out.tfevents.{now}.{socket.gethostname()}.{self.begins:012d}"
        opening = record(file_version="brain.Event:2")
        if self.begins:
            opening += record(step=self.begins + 1, session_log=SessionLog(status=SessionLog.START))
        append(path, opening)
        self.path = path


def is_whole(path: Path) -> bool:
    """Whether every event of a file is intact, according to the checksums of its length and content."""
    try:
        data, at = path.read_bytes(), 0
    except OSError:
        return False
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 8], "little")
        for start, stop in ((at, at + 8), (at + 12, end)):
            if data[stop : stop + 4] != struct.pack("<I", checksum(data[start:stop])):
                return False
        at = end + 4
    return at == len(data) > 0


@cache
def _table() -> list[int]:
    """Lookup table of CRC-32C (Castagnoli), bits reversed."""
    entries = list(range(256))
    for _ in range(8):
        entries = [entry >> 1 ^ (0x82F63B78 if entry & 1 else 0) for entry in entries]
    return entries


def checksum(data: bytes) -> int:
    """Masked CRC-32C of TensorBoard's events. tensorboardX has the same function, but importing it imports torch."""
    table, crc = _table(), 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def record(**event: Any) -> bytes:
    """An encoded event with its length and both checksums (TFRecord format)."""
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.record_writer import masked_crc32c

    data: bytes = Event(wall_time=time.time(), **event).SerializeToString()
    length = struct.pack("<Q", len(data))
    checks = (struct.pack("<I", masked_crc32c(part)) for part in (length, data))
    return length + next(checks) + data + next(checks)
