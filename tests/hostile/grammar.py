"""A grammar of HTTP requests that are mostly right, with a mistake here and there, and of how their bytes arrive."""

import json
import random
from collections.abc import Callable

Rule = Callable[[random.Random], bytes]

WORDS = [
    b"",
    b"a",
    b"0",
    b"-1",
    b"\xff\xfe",
    b"%00",
    b"<script>",
    b"../..",
    b"a" * 300,
    b"\x1b[31m",
    b"\x00",
    b"\t",
    b"\r",
]
NUMBERS = [
    b"0",
    b"1",
    b"32",
    b"65536",
    b"65537",
    b"-1",
    b"+5",
    b"0x20",
    b"1e3",
    b"9" * 12,
    b"9" * 40,
    b"",
    b"5, 5",
    b" 7",
]
METHODS = [
    b"GET",
    b"HEAD",
    b"POST",
    b"PUT",
    b"OPTIONS",
    b"TRACE",
    b"CONNECT",
    b"BREW",
    b"get",
    b"G T",
    b"",
    b"\xc3\x96",
]
PATHS = b"/ /sample /points /about /metrics /livez /page/page.js /openapi.json".split()
ODD = [b"/page/../x", b"//", b"*", b"http://evil.example/", b"/?token=a", b"/%zz", b"sample", b"/" + b"a" * 20_000]
VERSIONS = [b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/0.9", b"http/1.1", b"", b"HTTP/1.1 x"]
NAMES = [
    *b"Host Content-Length Transfer-Encoding Content-Type Content-Encoding Connection Expect Origin Cookie".split(),
    *b"Authorization Upgrade Range X".split(), b"", b"X Y", b"X\x00", b":", b"Host ",
]  # fmt: skip
VALUES = [
    *WORDS, *NUMBERS, b"chunked", b"gzip, chunked", b"identity", b"close", b"keep-alive, upgrade", b"websocket",
    b"100-continue", b"application/json", b"localhost", b"evil.example", b"null", b"x" * 20_000,
]  # fmt: skip
ENDS = [b"\n", b"\r", b"\r\n ", b"\r\n\t", b"", b"\r\n\r\n", b"\x0b\r\n"]
BODIES = [
    {"labels": "0"}, {"labels": "all", "count": 40, "format": "grid"}, {"labels": "0-1", "count": 64, "format": "npy"},
    {"labels": "9"}, {"labels": "-" * 1000}, {"labels": "0," * 400}, {"count": 10**9}, {"seed": 2**63}, {"seed": True},
    {"points": [{"y": [0, 1], "z": {"seed": 0, "index": 0}}]}, {"points": [{"y": [0.5] * 4096, "z": {"at": [0]}}]},
    {"points": [{"y": [1, 0], "z": {"from": {}, "to": {"seed": 1}, "part": 0.5}}] * 256}, {}, [], None, "\ud800", 1e308,
]  # fmt: skip


def mostly(dice: random.Random, usual: bytes, others: list[bytes], chance: float = 0.06) -> bytes:
    return dice.choice(others) if dice.random() < chance else usual


def body(dice: random.Random) -> bytes:
    data = json.dumps(dice.choice(BODIES)).encode()
    if dice.random() < 0.2:
        place = dice.randrange(len(data) + 1)
        data = data[:place] + dice.choice(WORDS) + data[place + dice.randrange(4) :]
    return data if dice.random() < 0.97 else b" " * dice.choice([65_536, 65_537, 300_000])


def chunks(dice: random.Random, data: bytes) -> bytes:
    """The data in chunks, with a wrong size, an extension or a wrong end now and then."""
    found, start = b"", 0
    while start < len(data):
        piece = data[start : start + dice.randrange(1, 1 + max(1, len(data) // 3))]
        size = mostly(
            dice, b"%x" % len(piece), [*NUMBERS, b"%x;a=b" % len(piece), b"0" * 30, b";" + b"x" * 20_000], 0.03
        )
        found += size + mostly(dice, b"\r\n", ENDS, 0.02) + piece + mostly(dice, b"\r\n", ENDS, 0.02)
        start += len(piece)
    return found + mostly(dice, b"0\r\n\r\n", [b"0\r\nX: y\r\n\r\n", b"0\r\n\n", b"", b"0;a\r\n\r\n", b"-0\r\n\r\n"])


def request(dice: random.Random) -> bytes:
    """One request: a line, headers and a body, each mostly as it should be."""
    data = body(dice) if dice.random() < 0.8 else b""
    chunked = bool(data) and dice.random() < 0.3
    headers = [(b"Host", mostly(dice, b"localhost", VALUES))]
    if data:
        headers.append((b"Content-Type", mostly(dice, b"application/json", VALUES)))
        headers.append((b"Transfer-Encoding", b"chunked") if chunked else (b"Content-Length", b"%d" % len(data)))
    if dice.random() < 0.05:
        headers = [each for each in headers if dice.random() < 0.5]
    for _ in range(dice.choice([0, 0, 0, 1, 1, 2, 3])):
        headers.insert(dice.randrange(len(headers) + 1), (dice.choice(NAMES), dice.choice(VALUES)))
    if dice.random() < 0.02:
        headers += [(b"X%d" % number, b"y" * 90) for number in range(1000)]
    path = dice.choice([b"/sample", b"/points"]) if data else dice.choice(PATHS)
    line = [
        mostly(dice, b"POST" if data else b"GET", METHODS),
        mostly(dice, path, [*PATHS, *ODD]),
        mostly(dice, b"HTTP/1.1", VERSIONS),
    ]
    head = mostly(dice, b" ", WORDS, 0.01).join(line) + mostly(dice, b"\r\n", ENDS, 0.02)
    for name, value in headers:
        head += (
            name + mostly(dice, b": ", [b":", b" : ", b"", b":\t"], 0.02) + value + mostly(dice, b"\r\n", ENDS, 0.01)
        )
    return head + mostly(dice, b"\r\n", ENDS, 0.02) + (chunks(dice, data) if chunked else data)


def arrivals(dice: random.Random) -> list[bytes]:
    """One connection: a request or several, cut off perhaps, in the pieces that arrive."""
    data = b"".join(request(dice) for _ in range(dice.choice([1, 1, 1, 2, 5])))
    if dice.random() < 0.1:
        data = data[: dice.randrange(len(data) + 1)]
    cuts = sorted(dice.randrange(len(data) + 1) for _ in range(dice.choice([0, 0, 1, 3])))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
