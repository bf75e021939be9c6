"""Messages between the server and its model process: a small JSON header and raw bytes, each preceded by its length.

Nothing in a message is unpickled or executed. Arrays are sent as they are in memory.
"""

import asyncio
import json
import struct
from typing import Any, BinaryIO

LENGTHS = struct.Struct("<II")
Head = dict[str, Any]


def packed(head: Head, payload: bytes = b"") -> bytes:
    text = json.dumps(head).encode()
    return LENGTHS.pack(len(text), len(payload)) + text + payload


def read(stream: BinaryIO) -> tuple[Head, bytes] | None:
    """Read the next message. Returns None if the other process has closed the stream."""
    lengths = stream.read(LENGTHS.size)
    if len(lengths) < LENGTHS.size:
        return None
    text, payload = LENGTHS.unpack(lengths)
    return json.loads(stream.read(text)), stream.read(payload)


async def receive(stream: asyncio.StreamReader) -> tuple[Head, bytes]:
    """Read the next message. Raises asyncio.IncompleteReadError if the other process has closed the stream."""
    text, payload = LENGTHS.unpack(await stream.readexactly(LENGTHS.size))
    return json.loads(await stream.readexactly(text)), await stream.readexactly(payload)
