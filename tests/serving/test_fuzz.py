"""Whatever is sent, nobody waits for ever and nothing is answered with 500 or more."""

import asyncio
import json
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from serving.live import SAMPLE, exchange, live, post
from serving.stand import Stand, with_stand

SOUND: dict[str, Any] = {
    "/sample": {"labels": "8", "count": 1, "seed": 0, "format": "png"},
    "/points": {
        "points": [
            {"y": [0, 1] + [0.5] * 8, "z": {"seed": 0, "index": 0}},
            {"y": [0] * 10, "z": {"from": {"seed": 1, "index": 2}, "to": {"seed": 1, "index": 3}, "part": 0.5}},
            {"y": [0] * 10, "z": {"near": {"seed": 1, "index": 2}, "seed": 1, "index": 3, "distance": 0.1}},
            {"y": [0] * 10, "z": {"at": [0.0] * 6}},
        ]
    },
}
WORDS = [
    "null", "true", "NaN", "Infinity", "-Infinity", "1e400", "-0", "1E5", "0.5", "-1", "9" * 19, "9" * 400, "9" * 5000,
    '""', '"\\ud800"', '"\\u0000"', '"\\udc00\\ud800"', '"\xff"', '"<script>"', '"all"', '"0-9"', '"-"', '"9-0"', '"+"',
    "[]", "{}", "[[[[]]]]", "[" * 2000, '{"a":' * 2000, "[1,", '{"labels": "8", "labels": 8}', '"' + "8," * 400 + '"',
    '{"seed": 0, "index": 0}', '{"at": [1e308, -1e308, 1e-320, 0, 0, 0]}', '"png"', '"npy"', '"zip"', '"grid"', "1024",
]  # fmt: skip
PATHS = [
    "/",
    "/sample",
    "/points",
    "/about",
    "/page/",
    "/page/../x",
    "//",
    "/sample/",
    "/metrics",
    "/%00",
    "*",
    "/\xff",
]
METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "X"]
HEADERS = [
    "content-type",
    "content-length",
    "content-encoding",
    "origin",
    "cookie",
    "authorization",
    "expect",
    "x",
    "host",
]
VALUES = [
    "",
    "application/json",
    "text/plain; charset=utf-16",
    "gzip",
    "1",
    "-1",
    "9" * 30,
    "\xff\xfe",
    ";;=,",
    "a" * 5000,
]


def paths_in(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every part of a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [before] + [path for key, part in inner for path in paths_in(part, (*before, key))]


def mutant(dice: random.Random, sound: Any) -> bytes:
    """A sound body with up to three parts replaced by something hostile, or its bytes damaged."""
    value, holes = json.loads(json.dumps(sound)), []
    for number in range(dice.choice([0, 1, 1, 2, 3])):
        way = dice.choice(paths_in(value))
        mark = f"@{number}@"
        holes.append(mark)
        if not way:
            value = mark
            continue
        part = value
        for key in way[:-1]:
            part = part[key]
        if isinstance(part, dict) and dice.random() < 0.3:
            part[dice.choice(["x", "__class__", "", "\u2028", "seed", "at", "from"])] = mark
        else:
            part[way[-1]] = mark
    text = json.dumps(value)
    for mark in holes:
        text = text.replace(f'"{mark}"', dice.choice(WORDS))
    data = bytearray(
        text.encode("utf-8", "surrogatepass") if dice.random() < 0.8 else text.encode("latin-1", "replace")
    )
    if dice.random() < 0.3:
        for _ in range(dice.randrange(1, 8)):
            place = dice.randrange(len(data) + 1)
            data[place : place + dice.randrange(3)] = bytes(dice.randrange(256) for _ in range(dice.randrange(3)))
    return bytes(data)


@pytest.mark.parametrize("requests", [500, pytest.param(10_000, marks=pytest.mark.slow)])
def test_mutated_requests_are_answered_below_500(requests: int) -> None:
    async def fuzz(stand: Stand) -> None:
        dice, seen = random.Random(8), Counter[int]()
        for number in range(requests):
            path = dice.choice(list(SOUND))
            headers = {"content-type": "application/json"} if dice.random() < 0.9 else {}
            body, method = mutant(dice, SOUND[path]), "POST"
            if dice.random() < 0.1:
                path, method = dice.choice(PATHS), dice.choice(METHODS)
            if dice.random() < 0.1:
                headers[dice.choice(HEADERS)] = dice.choice(VALUES)
            reply = await asyncio.wait_for(stand.ask(method, path, body, headers), 10)
            assert 200 <= reply.status < 500, (number, method, path, headers, body[:300])
            if reply.status >= 400:
                assert set(reply.json["error"]) == {"code", "message"}
                assert b"<script" not in reply.body
            seen[reply.status] += 1
        assert seen[200] > requests // 50, f"hardly anything was sound: {seen}"
        assert {400, 415, 422} <= set(seen), seen
        assert not stand.guard.queue.turns.jobs

    with_stand(fuzz)


def as_bytes(body: Any) -> bytes:
    """As a client would send it."""
    import schemathesis

    if isinstance(body, bytes | schemathesis.core.NotSet):
        return body if isinstance(body, bytes) else b""
    return json.dumps(body).encode()


@pytest.mark.filterwarnings("ignore")  # of schemathesis and what it imports
@pytest.mark.parametrize("requests", [100, pytest.param(2_000, marks=pytest.mark.slow)])
def test_requests_made_from_the_document_are_answered_as_it_says(requests: int) -> None:
    import hypothesis
    import schemathesis

    async def fuzz(stand: Stand) -> None:
        document = (await stand.ask("GET", "/openapi.json")).json
        schema = schemathesis.openapi.from_dict(document)
        operations = [each.ok() for each in schema.get_all_operations()]  # type: ignore[union-attr]
        seen = Counter[int]()
        cases: list[Any] = []
        for operation in operations:
            drawing = operation.method.upper() == "POST"
            share = requests * 9 // 20 if drawing else -(-requests // 10 // (len(operations) - 2))

            for mode in schemathesis.GenerationMode if drawing else [schemathesis.GenerationMode.POSITIVE]:

                @hypothesis.settings(
                    max_examples=max(1, share // (2 if drawing else 1)), database=None, deadline=None,
                    phases=[hypothesis.Phase.generate], suppress_health_check=list(hypothesis.HealthCheck),
                    derandomize=True,
                )  # fmt: skip
                @hypothesis.given(operation.as_strategy(generation_mode=mode))
                def collect(case: Any) -> None:
                    cases.append(case)

                collect()
        for case in cases:
            told = document["paths"][case.operation.path][case.operation.method.lower()]["responses"]
            body = as_bytes(case.body)
            path = case.formatted_path
            reply = await asyncio.wait_for(stand.ask(case.method, path, body, {"content-type": "application/json"}), 30)
            assert reply.status < 500, (case.method, path, body)
            undocumented = reply.status in (404, 405) and case.method == "GET"
            assert str(reply.status) in told or undocumented, (reply.status, case.method, path)
            seen[reply.status] += 1
        assert sum(seen.values()) >= requests * 0.8, seen
        assert seen[200], seen
        assert seen[422], seen

    with_stand(fuzz)


FRAMES = {
    b"HTTP/1.1": [b"HTTP/9.9", b"HTTP/", b"", b"http/1.1", b"HTTP/1.1 x"],
    b"POST ": [b"", b"POST\t", b"P\0ST ", b"POST  ", b"\r\n" * 50 + b"POST "],
    b"/sample": [b"/" * 9000, b"\xff", b"http://evil/sample", b"sample", b"/%zz"],
    b"Host: localhost": [b"Host localhost", b": x", b"Host: a\r\nHost: b", b"H\0: x", b""],
    str(len(SAMPLE)).encode(): [b"-1", b"1e3", b"0x10", b"", b"9" * 40, b"5", b"99", b"3, 3"],
    b"\r\n": [b"\n", b"\r", b"\r\n ", b"\0"],
}
"""Parts of a sound request, and what is put in their place."""
MORE = [
    b"X: " + b"a" * 100, b"X: " + b"a" * 20_000, b"X: " + b"a" * 100_000, b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked", b"Content-Length: 5", b"Expect: 100-continue", b"Expect: 200-ok",
    b"Connection: Upgrade\r\nUpgrade: websocket", b"\r\n".join(b"X%d: y" % i for i in range(5000)),
]  # fmt: skip
"""Headers that a sound request has not."""
CHUNKS = [b"zz\r\n", b"f" * 17 + b"\r\n", b"-5\r\nabc\r\n", b"5;" + b"x" * 20_000, b"1\r\nab\r\n", b"5\r\nab"]
OTHERS = [
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(50),
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    *(post(b"", b"/sample", b"Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b"") + c for c in CHUNKS),
]


def malformed(dice: random.Random) -> bytes:
    """An HTTP request that is wrong in its frame: its line, its headers, its lengths, its chunks, its end."""
    kind = dice.randrange(6)
    if kind == 0:
        part = dice.choice(list(FRAMES))
        return post().replace(part, dice.choice(FRAMES[part]))
    if kind == 1:
        return post(SAMPLE, b"/sample", dice.choice(MORE))
    if kind == 2:
        return post()[: dice.randrange(1, len(post()))]
    if kind == 3:
        return dice.randbytes(dice.randrange(1, 400))
    return dice.choice(OTHERS) if kind == 4 else post() * dice.randrange(2, 6)


@pytest.mark.parametrize("requests", [50, pytest.param(1_000, marks=pytest.mark.slow)])
def test_malformed_http_is_refused_or_closed(tiny_run: Path, requests: int) -> None:
    dice, statuses = random.Random(41), Counter[int]()
    with live(tiny_run, receipt_seconds=0.5, idle_seconds=1.0) as server:
        for number in range(requests):
            data, began = malformed(dice), time.monotonic()
            answer = exchange(server, data, 20.0)
            assert time.monotonic() - began < 15, (number, data[:200])
            for line in answer.split(b"HTTP/1.1 ")[1:]:
                status = int(line[:3])
                statuses[status] += 1
                assert status < 500, (number, data[:200], answer[:200])
        assert statuses[400], statuses
        assert server.sample("0")[0] == 200
