"""Where a request ends is beyond doubt, or it is refused; and so are headers without end, however they arrive."""

import random
from collections.abc import Iterator, Sequence

import h11
import pytest

from condgen.serving.framing import CHUNKS, Framing
from serving.live import SAMPLE, post

LIMIT = 16 * 1024
LENGTH = b"Content-Length: %d" % len(SAMPLE)


def chunked(rest: bytes, *more: bytes) -> bytes:
    lines = post(b"", b"/sample", *more).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    return lines + rest


def chunk(data: bytes, extension: bytes = b"") -> bytes:
    return b"%x%s\r\n%s\r\n" % (len(data), extension, data)


END = b"0\r\n\r\n"
SOUND = {
    "length": post(),
    "chunk": chunked(chunk(SAMPLE) + END),
    "chunks": chunked(chunk(SAMPLE[:1]) + chunk(SAMPLE[1:]).replace(b"1f", b"1F") + END),
    "no body": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "HTTP/1.0": post().replace(b"HTTP/1.1", b"HTTP/1.0"),
    "as a browser sends it": post(SAMPLE, b"/sample", b"Origin: http://localhost:8000", b"Accept: */*", b"X:\ty \t"),
}
AMBIGUOUS = {
    "length and chunks": chunked(chunk(SAMPLE) + END, b"Content-Length: 5"),
    "length twice": post(SAMPLE, b"/sample", LENGTH),
    "two lengths": post(SAMPLE, b"/sample", b"Content-Length: 5"),
    "a list of lengths": post().replace(LENGTH, LENGTH + b", %d" % len(SAMPLE)),
    "a length with a sign": post().replace(b"Length: ", b"Length: +"),
    "a length that is none": post().replace(LENGTH, b"Content-Length: 0x20"),
    "another coding": chunked(chunk(SAMPLE) + END).replace(b"chunked", b"gzip, chunked"),
    "chunked twice": chunked(chunk(SAMPLE) + END, b"Transfer-Encoding: chunked"),
    "chunked, disguised": chunked(chunk(SAMPLE) + END).replace(b"chunked", b"\x0bchunked"),
    "chunks of HTTP/1.0": chunked(chunk(SAMPLE) + END).replace(b"HTTP/1.1", b"HTTP/1.0"),
    "another version": post().replace(b"HTTP/1.1", b"HTTP/2.0"),
    "a folded header": post(SAMPLE, b"/sample", b"X: a\r\n Content-Length: 5"),
    "a folded length": post().replace(LENGTH, b"Content-Length:\r\n %d" % len(SAMPLE)),
    "a space before the colon": post().replace(b"Length:", b"Length :"),
    "a lone newline": post().replace(b"localhost\r\n", b"localhost\n"),
    "newlines alone": post().replace(b"\r\n", b"\n"),
    "a lone return": post(SAMPLE, b"/sample", b"X: a\rContent-Length: 5"),
    "a zero byte": post(SAMPLE, b"/sample", b"X: a\0"),
    "an empty line first": b"\r\n" + post(),
    "an extension": chunked(chunk(SAMPLE, b";a=b") + END),
    "an extension with a newline": chunked(chunk(SAMPLE, b";a\nb") + END),
    "an extension of the last chunk": chunked(chunk(SAMPLE) + b"0;a\r\n\r\n"),
    "white space after a size": chunked(chunk(SAMPLE, b" ") + END),
    "a size without digits": chunked(b"\r\n" + SAMPLE + b"\r\n" + END),
    "a size with a sign": chunked(b"+" + chunk(SAMPLE) + END),
    "a size of Python's": chunked(b"0x" + chunk(SAMPLE) + END),
    "a size too long": chunked(b"0" * 16 + chunk(SAMPLE) + END),
    "a chunk longer than its size": chunked(chunk(SAMPLE)[:-2] + b"x\r\n" + END),
    "a chunk's end in two newlines": chunked(chunk(SAMPLE)[:-2] + b"\n\n" + END),
    "a trailer": chunked(chunk(SAMPLE) + b"0\r\nContent-Length: 5\r\n\r\n"),
    "an end in a lone newline": chunked(chunk(SAMPLE) + b"0\r\n\n"),
    "chunks without number": chunked(chunk(b" ") * (CHUNKS + 1) + END),
}


def pieces(data: bytes, way: str) -> Iterator[bytes]:
    """The same bytes, as a network may hand them on."""
    dice, start = random.Random(len(data)), 0
    while start < len(data):
        end = start + {"whole": len(data), "single": 1, "thousands": 1000, "mixed": dice.randrange(1, 300)}[way]
        yield data[start:end]
        start = end


def read(arrivals: Sequence[bytes] | Iterator[bytes], limit: int = LIMIT) -> tuple[int, bytes]:
    """What a connection makes of them: 200 for a request that is whole, 0 for half a one, or the refusal's status.

    Also the body that was read.
    """
    connection, body = Framing(limit), bytearray()
    for data in arrivals:
        connection.receive_data(data)
        while True:
            try:
                event = connection.next_event()
            except h11.RemoteProtocolError as error:
                return (431 if error.error_status_hint == 431 else 400), bytes(body)
            if isinstance(event, h11.Data):
                body += event.data
            if isinstance(event, h11.EndOfMessage):
                return 200, bytes(body)
            if event is h11.NEED_DATA:
                break
    return 0, bytes(body)


WAYS = ["whole", "single", "mixed"]


@pytest.mark.parametrize("way", WAYS)
def test_a_sound_request_is_read(way: str) -> None:
    for name, data in SOUND.items():
        assert read(pieces(data, way)) == (200, SAMPLE if data.startswith(b"POST") else b""), name


@pytest.mark.parametrize("way", WAYS)
def test_what_can_be_read_in_two_ways_is_refused(way: str) -> None:
    for name, data in AMBIGUOUS.items():
        assert read(pieces(data, way))[0] == 400, name


def padded(length: int, lines: int) -> bytes:
    """A sound request with so many bytes of headers, in so many lines more."""
    fill, bare = [b"X: " for _ in range(lines)], len(post()) - len(SAMPLE) + 5 * lines
    each, rest = divmod(length - bare, lines)
    return post(SAMPLE, b"/sample", *(line + b"a" * (each + (i < rest)) for i, line in enumerate(fill)))


@pytest.mark.parametrize("way", ["whole", "single", "thousands"])
@pytest.mark.parametrize("lines", [1, 500])
def test_headers_are_bounded_however_they_arrive(way: str, lines: int) -> None:
    for length, status in ((LIMIT, 200), (LIMIT + 1, 431), (100_000, 431)):
        data = padded(length, lines)
        assert data.index(SAMPLE) == length
        assert read(pieces(data, way))[0] == status, length


def test_headers_behind_another_request_are_bounded() -> None:
    connection = Framing(LIMIT)
    connection.receive_data(post() + padded(100_000, 1))
    assert isinstance(connection.next_event(), h11.Request)
    while connection.next_event() is not h11.PAUSED:
        pass
    assert len(connection.trailing_data[0]) < 2 * LIMIT, "it holds back what is not its turn"
    connection.send(h11.Response(status_code=200, headers=[(b"content-length", b"0")]))
    connection.send(h11.EndOfMessage())
    connection.start_next_cycle()
    with pytest.raises(h11.RemoteProtocolError) as refused:
        connection.next_event()
    assert refused.value.error_status_hint == 431


@pytest.mark.parametrize("way", ["whole", "thousands"])
def test_lines_inside_a_body_are_bounded(way: str) -> None:
    for rest in (b"1;" + b"x" * 100_000, b"0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", b"0" * 100_000):
        assert read(pieces(chunked(rest), way))[0] in (400, 431)
