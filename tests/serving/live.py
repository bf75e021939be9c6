"""A real server: `condgen serve` in a process of its own, with limits that a test can wait for; and raw sockets.

python tests/serving/live.py RUN PORT LIMITS       is that process
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SAMPLE = b'{"labels": "0", "format": "png"}'


@dataclass
class Live:
    """A running server."""

    process: subprocess.Popen[str]
    port: int
    said: str

    @property
    def rss(self) -> int:
        """Bytes of memory of the HTTP process."""
        return rss_of(self.process.pid)

    @property
    def model(self) -> int:
        """The process id of the model."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(found[0])

    def ask(self, method: str, path: str, body: Any = None, timeout: float = 30.0) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
            connection.request(method, path, data, {"Content-Type": "application/json"} if data is not None else {})
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()

    def sample(self, labels: str = "0", **asked: Any) -> tuple[int, bytes]:
        return self.ask("POST", "/sample", {"labels": labels, **asked})

    def metric(self, name: str) -> float:
        text = self.ask("GET", "/metrics")[1].decode()
        return float(next(line.split()[1] for line in text.splitlines() if line.startswith(f"{name} ")))

    def socket(self, timeout: float = 30.0) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 40.0) -> int:
        self.process.send_signal(number)
        return self.process.wait(seconds)


def rss_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def live(run: Path, **limits: float) -> Iterator[Live]:
    """A server of `run` at a free port, ended with the block."""
    command = [sys.executable, __file__, str(run), json.dumps(limits)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.readline()
    where = process.stdout.readline()
    assert where.startswith("at http://"), f"no server: {said}{where}"
    try:
        yield Live(process, int(where.rstrip("/\n").rsplit(":", 1)[1]), said)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
        process.stdout.close()


def exchange(server: Live, data: bytes, seconds: float = 5.0) -> bytes:
    """What comes back for raw bytes, until the server closes or says no more; the sending side is then closed."""
    with server.socket(seconds) as connection:
        received = b""
        with suppress(ConnectionError, TimeoutError):
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            while piece := connection.recv(65536):
                received += piece
        return received


def post(body: bytes = SAMPLE, path: bytes = b"/sample", *more: bytes) -> bytes:
    """A sound request, as bytes."""
    lines = [
        b"POST " + path + b" HTTP/1.1", b"Host: localhost", b"Content-Type: application/json",
        b"Content-Length: " + str(len(body)).encode(), *more, b"", body,
    ]  # fmt: skip
    return b"\r\n".join(lines)


def within(seconds: float, condition: Any) -> bool:
    """Whether something becomes true in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(OSError):
            if condition():
                return True
        time.sleep(0.05)
    return False


class Load:
    """Clients that ask without a pause, in threads, and what they were answered."""

    def __init__(self, server: Live, clients: int, **asked: Any) -> None:
        self.statuses: list[int] = []
        self.lost: list[tuple[float, str]] = []
        """When a request was sent whose answer never came, and why."""
        self._go, self._server, self._asked = True, server, asked
        self._threads = [threading.Thread(target=self._client, args=(i,)) for i in range(clients)]
        for thread in self._threads:
            thread.start()

    def _client(self, number: int) -> None:
        seed = number * 1000
        while self._go:
            seed += 1
            connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=60)
            try:
                connection.connect()
            except OSError:
                return  # nobody listens any more
            sent = 0.0
            try:
                body = json.dumps({"labels": "0", "seed": seed, **self._asked}).encode()
                connection.request("POST", "/sample", body, {"Content-Type": "application/json"})
                sent = time.monotonic()
                reply = connection.getresponse()
                reply.read()
                self.statuses.append(reply.status)
            except (OSError, http.client.HTTPException) as error:
                if sent:
                    self.lost.append((sent, repr(error)))
            finally:
                connection.close()

    def end(self) -> None:
        self._go = False
        for thread in self._threads:
            thread.join(60)


if __name__ == "__main__":
    from condgen.serving import server
    from condgen.serving.limits import Limits

    server.serve(server.ServerSettings(sys.argv[1], port=0, limits=Limits(**json.loads(sys.argv[2]))))
