"""A real server under bad clients, a dying model and signals: counts, not times."""

import io
import json
import os
import random
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
import pytest

from condgen import api
from condgen.cli import main
from condgen.errors import CondgenError
from condgen.serving import server as serving
from serving.live import SAMPLE, Live, Load, live, post, rss_of, within


@pytest.fixture(scope="module")
def patient(tiny_run: Path) -> "object":
    """One server with the usual limits, for all tests that leave it as it was."""
    with live(tiny_run) as server:
        yield server


@pytest.fixture(scope="module")
def hurried(tiny_run: Path) -> "object":
    """One server that soon loses patience, for tests that try it."""
    limits = {"receipt_seconds": 2.0, "connections": 25, "stalled_seconds": 0.5, "idle_seconds": 1.0}
    with live(tiny_run, **limits, hang_seconds=1.0) as server:
        yield server


def test_served_images_are_those_of_the_command_line(patient: Live, tiny_run: Path, tmp_path: Path) -> None:
    main(["sample", str(tiny_run), "--labels", "1", "--seed", "5", "--out", str(tmp_path / "one.png")])
    assert patient.sample("1", seed=5) == (200, (tmp_path / "one.png").read_bytes())
    main(["sample", str(tiny_run), "--count", "40", "--grid", "--out", str(tmp_path / "grid.png")])
    assert patient.sample("all", count=40, format="grid") == (200, (tmp_path / "grid.png").read_bytes())
    generated = np.load(io.BytesIO(patient.sample("all", count=100, format="npy")[1]))
    assert np.array_equal(generated, api.load(tiny_run).sample("all", count=100))


def test_the_server_says_what_it_serves(patient: Live) -> None:
    assert patient.said.startswith("serving pets: cgan-concat, grey 4x4, labels 0 1; weights ")
    about = json.loads(patient.ask("GET", "/about")[1])
    assert (about["name"], about["kind"], about["micro_batch"]) == ("pets", "classes", 32)
    assert patient.ask("GET", "/readyz")[0] == 200


def test_head_gets_the_headers_of_get(patient: Live) -> None:
    """As probes and link checkers ask; the connection stays in step."""
    with patient.socket() as line, line.makefile("rb") as answers:
        for method in ("GET", "HEAD", "GET"):
            line.sendall(f"{method} /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            head = [answers.readline().strip().lower()]
            while head[-1]:
                head.append(answers.readline().strip().lower())
            assert head[0] == b"http/1.1 200 ok"
            assert b"content-length: 14" in head
            if method == "GET":
                assert answers.read(14) == b'{"ready":true}'
    assert patient.ask("HEAD", "/sample")[0] == 405


def test_a_body_too_large_is_refused_at_once_and_not_kept(patient: Live) -> None:
    before = patient.rss
    for chunked in (False, True):
        length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 200000000"
        lines = [b"POST /sample HTTP/1.1", b"Host: localhost", b"Content-Type: application/json", length, b"", b""]
        sent = 0
        with patient.socket() as connection, suppress(ConnectionError):
            connection.sendall(b"\r\n".join(lines))
            while sent < 200_000_000:
                piece = b"10000\r\n" + b" " * 65536 + b"\r\n" if chunked else b" " * 65536
                sent += connection.send(piece)
        assert sent < 20_000_000, "the server went on reading"
    answer = first_answer(patient, b"\r\n".join([*lines[:3], b"Content-Length: 200000000", b"", b""]))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert patient.rss - before < 16 * 2**20
    assert patient.sample()[0] == 200


def first_answer(server: Live, data: bytes) -> bytes:
    with server.socket() as connection:
        connection.sendall(data)
        return connection.recv(65536)


REFUSED = {
    "a body of two lengths": (post(SAMPLE, b"/sample", b"Transfer-Encoding: chunked"), 400),
    "a chunk with an extension": (
        post(b"", b"/sample", b"Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b"") + b"1;a\r\n{\r\n",
        400,
    ),
    "a probe with a folded header": (b"HEAD / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n", 400),
    "100 kB of headers at once": (post(SAMPLE, b"/sample", b"X: " + b"a" * 100_000), 431),
    "100 kB of address at once": (post(SAMPLE, b"/" + b"a" * 100_000), 431),
}


def test_what_is_no_clear_request_is_refused_and_the_line_closed(patient: Live) -> None:
    """With the headers of every answer; test_framing.py tries all kinds."""
    for name, (data, status) in REFUSED.items():
        with patient.socket() as connection, connection.makefile("rb") as answer:
            connection.sendall(data)
            said = answer.read()  # until the server has closed
        assert said.startswith(b"HTTP/1.1 %d " % status), name
        assert said.count(b"HTTP/1.1") == 1, name
        assert b"\r\ncross-origin-resource-policy: same-origin\r\n" in said, name
        assert said.endswith(b"\r\n\r\n" if data.startswith(b"HEAD") else b"}}"), name
    assert patient.sample()[0] == 200


def test_a_full_pipeline_is_answered_in_order(patient: Live) -> None:
    with patient.socket() as connection:
        connection.sendall(post() * 5 + post(b"{}", b"/nothing", b"Connection: close"))
        received = b""
        while piece := connection.recv(65536):
            received += piece
    assert received.count(b"HTTP/1.1 200") == 5
    assert received.count(b"HTTP/1.1 404") == 1


def test_a_broken_request_after_a_probe_is_refused_and_the_line_closed(patient: Live) -> None:
    """The refusal has a body, although the request before it was a HEAD request, whose response has none."""
    with patient.socket() as connection, connection.makefile("rb") as answer:
        connection.sendall(b"HEAD /livez HTTP/1.1\r\nHost: localhost\r\n\r\n" + post(b"", b"/sample", b"Expect : a"))
        said = answer.read()
    assert said.count(b"HTTP/1.1") == 2
    assert b"HTTP/1.1 400" in said
    assert said.endswith(b"}}")


SLOW = [
    b"G",
    b"POST /sample HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n{",
    b"",
]


def test_slow_clients_are_cut_and_others_served(hurried: Live) -> None:
    slow_clients(hurried, 60, 2.0)


@pytest.mark.slow
def test_300_slow_clients_are_cut_and_others_served(tiny_run: Path) -> None:
    with live(tiny_run) as server:
        slow_clients(server, 300, 10.0)


def slow_clients(server: Live, clients: int, deadline: float) -> None:
    """Clients that send a byte now and then, more of them than there is room for; an honest one asks beside them."""
    with ExitStack() as stack:
        began, served = time.monotonic(), 0
        slow = [stack.enter_context(server.socket()) for _ in range(clients)]
        for number, connection in enumerate(slow):
            connection.setblocking(False)
            with suppress(OSError):
                connection.send(SLOW[number % 3])
        while time.monotonic() - began < deadline - 0.5:
            assert server.sample(seed=served)[0] == 200
            served += 1
            drip(slow)
        assert served > 5
        assert within(deadline, lambda: drip(slow) == 0), f"{drip(slow)} of {clients} slow clients are still there"
    assert server.sample()[0] == 200
    assert within(5, lambda: server.metric("condgen_in_hand") == 1)


def drip(connections: list[socket.socket]) -> int:
    """A byte more from each; how many are still connected."""
    open_ = 0
    for connection in connections:
        try:
            if connection.recv(65536) == b"":
                continue
        except BlockingIOError:
            open_ += 1
            with suppress(OSError):
                connection.send(b" ")
        except OSError:
            continue
    return open_


def test_a_client_that_does_not_take_its_answer_is_cut(hurried: Live) -> None:
    body = json.dumps({"labels": "all", "count": 512, "format": "zip"}).encode()
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        reader.connect(("127.0.0.1", hurried.port))
        reader.sendall(post(body) * 40)  # some megabytes: more than the kernel keeps for a reader that sleeps
        assert within(20, lambda: hurried.metric("condgen_in_hand") > 1)
        assert within(20, lambda: hurried.metric("condgen_in_hand") == 1)
    assert hurried.sample()[0] == 200


@pytest.mark.slow
def test_memory_of_slow_readers_is_bounded_and_given_back(tmp_path: Path) -> None:
    """Each holds an answer of 12 MB; more than 40 MB of that are not kept, and nothing once they have gone."""
    images = np.random.default_rng(0).integers(0, 256, (40, 64, 64, 3), np.uint8)
    np.savez(tmp_path / "large.npz", images=images, labels=np.arange(40) % 2)
    api.train("cgan-concat", data=tmp_path / "large.npz", out=tmp_path / "run", images=64, batch=32, quiet=True)
    body = json.dumps({"labels": "0", "count": 1024, "format": "npy"}).encode()
    with live(tmp_path / "run", stalled_seconds=60, unsent=40 * 2**20) as server, ExitStack() as stack:
        assert server.sample(count=1024, format="npy")[0] == 200
        before, peak = server.rss, 0
        for _ in range(8):
            reader = stack.enter_context(socket.socket())
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            reader.connect(("127.0.0.1", server.port))
            reader.sendall(post(body))
            assert reader.recv(12) == b"HTTP/1.1 200"
            peak = max(peak, server.rss)
        assert peak - before < 80 * 2**20  # what is unsent, and one answer in the making
        stack.close()
        assert within(20, lambda: server.rss - before < 8 * 2**20), f"{before:,} bytes before, {server.rss:,} after"
        assert server.sample()[0] == 200


def test_a_client_that_hangs_up_leaves_nothing_behind(patient: Live) -> None:
    body = json.dumps({"labels": "all", "count": 500, "format": "npy"}).encode()
    for _ in range(20):
        with patient.socket() as connection:
            connection.sendall(post(body))
    assert within(20, lambda: patient.metric("condgen_waiting_requests") == 0)
    assert within(20, lambda: patient.metric("condgen_in_hand") == 1)


DEATHS = [signal.SIGKILL, signal.SIGSTOP, pytest.param(signal.SIGSEGV, marks=pytest.mark.slow)]


@pytest.mark.parametrize("number", DEATHS)
def test_a_model_that_dies_or_hangs_is_replaced(hurried: Live, number: signal.Signals) -> None:
    expected, first, restarts = hurried.sample(), hurried.model, hurried.metric("condgen_model_restarts")
    load = Load(hurried, 4)
    assert within(20, lambda: len(load.statuses) > 5)
    os.kill(first, number)
    assert within(30, lambda: 503 in load.statuses), "nobody was told"
    assert hurried.ask("GET", "/livez")[0] == 200
    assert within(60, lambda: hurried.ask("GET", "/readyz")[0] == 200)
    load.end()
    assert not load.lost
    assert set(load.statuses) <= {200, 503}
    assert hurried.model != first
    assert hurried.metric("condgen_model_restarts") == restarts + 1
    assert hurried.sample() == expected


def test_a_model_that_hangs_unasked_is_found_out(hurried: Live) -> None:
    os.kill(hurried.model, signal.SIGSTOP)
    assert within(30, lambda: hurried.ask("GET", "/readyz")[0] == 503)
    assert within(60, lambda: hurried.ask("GET", "/readyz")[0] == 200)


@pytest.mark.parametrize(
    ("number", "times"),
    [(signal.SIGTERM, 1), (signal.SIGINT, 1), pytest.param(signal.SIGTERM, 50, marks=pytest.mark.slow)],
)
def test_told_to_stop_it_answers_all_that_it_took(tiny_run: Path, number: signal.Signals, times: int) -> None:
    dice = random.Random(times)
    for _ in range(times):
        with live(tiny_run) as server:
            model, load = server.model, Load(server, 8, count=dice.choice([1, 200]), format="npy")
            assert within(20, lambda load=load: len(load.statuses) > 8)
            time.sleep(dice.random() * 0.2)
            told = time.monotonic()
            assert server.stop(number) == 0
            load.end()
            assert [error for sent, error in load.lost if sent < told] == []
            assert set(load.statuses) <= {200, 429, 503}
            assert within(10, lambda model=model: not Path(f"/proc/{model}").exists()), "the model outlived its server"


def test_while_it_stops_it_says_so(tiny_run: Path) -> None:
    with live(tiny_run) as server:
        model = server.model
        os.kill(model, signal.SIGSTOP)
        waiting = threading.Thread(target=server.sample)
        waiting.start()
        assert within(10, lambda: server.metric("condgen_waiting_requests") == 1)
        server.process.send_signal(signal.SIGTERM)
        assert within(10, lambda: server.ask("GET", "/readyz")[0] == 503)
        assert server.sample()[0] == 503
        assert server.ask("GET", "/livez")[0] == 200
        os.kill(model, signal.SIGCONT)
        waiting.join(30)
        assert server.process.wait(30) == 0


def test_a_killed_server_takes_its_model_along(tiny_run: Path) -> None:
    with live(tiny_run) as server:
        model = server.model
        server.process.kill()
        server.process.wait()
        assert within(10, lambda: not Path(f"/proc/{model}").exists())


def command(*words: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "condgen", "serve", *map(str, words)], capture_output=True, text=True, timeout=60
    )


def test_a_mistake_at_the_start_is_one_line(tiny_run: Path, patient: Live, tmp_path: Path) -> None:
    for words, told in (
        ([tiny_run, "--port", patient.port], "Address already in use"),
        ([tmp_path / "none", "--port", 0], "is not a run"),
    ):
        done = command(*words)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert told in done.stderr


@pytest.mark.parametrize(
    ("host", "port", "told"), [("192.0.2.1", 0, "cannot listen"), ("localhost", 99999, "found 99999")]
)
def test_an_address_that_is_none_is_refused(host: str, port: int, told: str) -> None:
    with pytest.raises(CondgenError, match=told):
        serving.listening(host, port)


def test_a_damaged_run_is_not_served(tiny_run: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(tiny_run, tmp_path / "bad")
    weights = next((tmp_path / "bad" / "generator").glob("*.safetensors"))
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    done = command(tmp_path / "bad", "--port", 0)
    assert done.returncode == 2
    assert "damaged" in done.stderr


def test_beyond_this_machine_a_token_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDGEN_CACHE", str(tmp_path))
    with serving.listening("127.0.0.1", 0) as near, serving.listening("0.0.0.0", 0) as far:
        assert serving.access_of(serving.ServerSettings("run"), near).token is None
        access = serving.access_of(serving.ServerSettings("run", host="0.0.0.0"), far)
        path = tmp_path / "serve" / f"{far.getsockname()[1]}.token"
        assert access.token == path.read_text().strip()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert access.any_address
        assert serving.access_of(serving.ServerSettings("run", host="0.0.0.0"), far).token == access.token
        assert serving.access_of(serving.ServerSettings("run", token_file=path), near).token == access.token


def test_a_token_that_others_can_read_is_none(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("x" * 32)
    path.chmod(0o644)
    with pytest.raises(CondgenError, match="can be read by other users"):
        serving.token_in(path)
    path.chmod(0o600)
    assert serving.token_in(path) == "x" * 32
    path.write_text("short")
    with pytest.raises(CondgenError, match="contains no token"):
        serving.token_in(path)


@pytest.mark.slow
def test_memory_files_and_threads_stay_flat(tiny_run: Path) -> None:
    """Two minutes of sound requests, errors, hang-ups and restarts; row 54 in small."""
    with live(tiny_run) as server:
        soak(server, 20)
        before = server.rss, opened(server), rss_of(server.model)
        os.kill(server.model, signal.SIGKILL)
        assert within(30, lambda: server.metric("condgen_model_restarts") == 1)
        assert within(60, lambda: server.ask("GET", "/readyz")[0] == 200)
        soak(server, 100)
        assert within(10, lambda: opened(server) <= before[1])
        assert server.rss - before[0] < 100 / 60 * 2**20
        assert rss_of(server.model) - before[2] < 8 * 2**20


def opened(server: Live) -> int:
    pid = server.process.pid
    return len(os.listdir(f"/proc/{pid}/fd")) + len(os.listdir(f"/proc/{pid}/task"))


def soak(server: Live, seconds: float) -> None:
    until, dice = time.monotonic() + seconds, random.Random(3)
    while time.monotonic() < until:
        for asked in (
            {"count": 300, "format": "zip"},
            {"format": "gif"},
            {"count": 1},
            {"count": 20, "format": "grid"},
        ):
            assert server.sample("0", seed=dice.randrange(10**6), **asked)[0] in (200, 422)
        with server.socket() as connection:
            connection.sendall(post()[: dice.randrange(1, 200)])
