"""Strict HTTP/1.1 framing on top of h11: requests that two parsers could interpret differently are refused.

A proxy in front of the server and the server itself must agree on where each request ends. h11 is too lenient for that:
it joins folded header lines, accepts a bare newline as the end of a line, lets Transfer-Encoding override
Content-Length, skips chunk extensions, and applies its size limit only to incomplete messages.
"""

import re

import h11

PIECE = 4096
"""Maximum number of bytes passed to h11 at a time, which bounds its buffer."""
CHUNKS = 1024
"""Maximum number of chunks in a body; each one costs as much as a small request."""
CHUNK = re.compile(rb"\r?\n?(?:[0-9A-Fa-f]{1,16}\r\n(?:\r\n)?)?")
"""Allowed bytes around a chunk's data: end of the previous chunk, size in hexadecimal, end of the body."""
Event = h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]


class Framing(h11.Connection):
    """The server's side of one connection, with at most `limit` bytes of headers.

    Raises h11.RemoteProtocolError if a request is ambiguous or too long; its `error_status_hint` is 400 or 431.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(h11.SERVER, limit)
        self.limit, self.method = limit, b""
        self._waiting, self._ended = bytearray(), False
        self._chunked, self._chunks = False, 0

    def start_next_cycle(self) -> None:
        super().start_next_cycle()
        self.method = b""  # a refusal of the next request must not be mistaken for the response to this one

    def receive_data(self, data: bytes) -> None:
        self._waiting += data
        self._ended = self._ended or not data

    def next_event(self) -> Event:
        while True:
            event = self._checked()
            if event is not h11.NEED_DATA or not (self._waiting or self._ended):
                return event
            super().receive_data(bytes(self._waiting[:PIECE]))
            self._ended = self._ended and bool(self._waiting)
            del self._waiting[:PIECE]

    def _checked(self) -> Event:
        before, state = self.trailing_data[0], self.their_state
        event = super().next_event()
        taken = before[: len(before) - len(self.trailing_data[0])]
        if isinstance(event, h11.Request):
            self._check_head(taken, event)
        elif state is h11.SEND_BODY and self._chunked:
            self._check_chunk(taken, event)
        return event

    def _check_head(self, head: bytes, request: h11.Request) -> None:
        self.method = request.method
        if len(head) > self.limit:
            raise h11.RemoteProtocolError("too many bytes of headers", error_status_hint=431)
        if not request.http_version.startswith(b"1."):
            raise h11.RemoteProtocolError("another HTTP than 1")
        lines = head.split(b"\r\n")
        if any(b"\r" in line or b"\n" in line or line[:1] in (b" ", b"\t") for line in lines):
            raise h11.RemoteProtocolError("a folded line, or one that does not end as it should")
        fields = [
            (name.lower(), value.strip(b" \t")) for name, _, value in (line.partition(b":") for line in lines[1:])
        ]
        lengths = [value for name, value in fields if name == b"content-length"]
        self._chunked, self._chunks = b"transfer-encoding" in dict(fields), 0
        if len(lengths) + self._chunked > 1 or not all(value.isdigit() for value in lengths):
            raise h11.RemoteProtocolError("more than one length of the body")
        if self._chunked and request.http_version == b"1.0":
            raise h11.RemoteProtocolError("chunks, of which HTTP/1.0 knows nothing")

    def _check_chunk(self, taken: bytes, event: Event) -> None:
        frame = taken[: len(taken) - len(event.data)] if isinstance(event, h11.Data) else taken
        self._chunks += isinstance(event, h11.Data)
        ends = not isinstance(event, h11.EndOfMessage) or frame.endswith(b"\r\n")
        if not (ends and CHUNK.fullmatch(frame)) or self._chunks > CHUNKS:
            raise h11.RemoteProtocolError("a chunk with an extension, a trailer, or too many chunks")
