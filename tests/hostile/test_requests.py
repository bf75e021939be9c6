"""Requests from a grammar, against a real server over sockets: none is answered with 500 or more, and none hangs.

CONDGEN_HOSTILE=SEED CONDGEN_HOSTILE_REQUESTS=5000 pytest tests/hostile/test_requests.py -m slow -s
"""

import os
import random
import re
import socket
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from hostile.grammar import arrivals
from serving.live import Live, live, within

SEED = os.environ.get("CONDGEN_HOSTILE") or str(random.SystemRandom().randrange(10**9))
"""Another one each time, unless it is given; it is printed."""
CONNECTIONS = int(os.environ.get("CONDGEN_HOSTILE_REQUESTS", "1500"))
LIMITS = {"receipt_seconds": 1.0, "idle_seconds": 1.0, "stalled_seconds": 2.0, "request_seconds": 10.0}
PATIENCE = 60.0
"""Seconds after which a connection counts as hanging: far more than all of those limits, since machines are slow."""
BUSY = {429, 503}
"""What a server may say that has too much to do, or whose model is being started again."""


def answers(server: Live, pieces: list[bytes]) -> bytes:
    """All that comes back until the server closes, which it has to do."""
    received = b""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(ConnectionError):
            for piece in pieces:
                line.sendall(piece)
                time.sleep(0.001)
        with suppress(ConnectionError):
            while piece := line.recv(65536):  # raises TimeoutError where nothing comes and nothing is closed
                received += piece
    return received


@pytest.mark.slow
def test_no_request_of_the_grammar_breaks_the_server(tiny_run: Path) -> None:
    statuses, began = Counter[int](), time.monotonic()
    sys.stdout.write(f"CONDGEN_HOSTILE={SEED}\n")
    with live(tiny_run, **LIMITS) as server:
        assert server.sample()[0] == 200
        expected, memory, model = server.sample(seed=7), server.rss, server.model
        for number in range(CONNECTIONS):
            pieces, told = arrivals(random.Random(f"{SEED} {number}")), (SEED, number)
            try:
                said = answers(server, pieces)
            except TimeoutError:
                raise AssertionError(f"connection {told} hangs: {pieces!r}"[:2000]) from None
            found = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", said)]
            statuses.update(found)
            assert all(status < 500 or status in BUSY for status in found), (told, found)
            assert b"<script" not in b"".join(re.findall(rb'{"error".*?}}', said)), told
            assert said.lower().count(b"cross-origin-resource-policy: same-origin") >= len(
                [s for s in found if s >= 200]
            )
        assert server.model == model, "the model was started again"
        assert within(PATIENCE, lambda: server.metric("condgen_in_hand") == 1)
        assert server.metric("condgen_waiting_requests") == 0
        assert server.rss - memory < 32 * 2**20
        assert server.sample(seed=7) == expected
    sys.stdout.write(f"{CONNECTIONS} connections in {time.monotonic() - began:.0f} s: {sorted(statuses.items())}\n")
    assert {200, 400, 404, 405, 413, 415, 421, 422, 431} <= {*statuses}, "the grammar no longer reaches all of them"
