"""The client of `serve.py`: a server in a process of its own, requests, and what they cost."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

ONE = {"labels": "0", "count": 1, "format": "png"}
MANY = {"labels": "0", "count": 64, "format": "npy"}
HALF = {"labels": "0", "count": 16, "format": "npy"}
"""Of a micro-batch: two such requests are one forward pass."""


class Client:
    """One keep-alive connection that asks for images."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def __aenter__(self) -> "Client":
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()

    async def ask(self, request: dict[str, Any]) -> tuple[int, float]:
        """Status, and seconds until the whole answer was there."""
        body, began = json.dumps(request).encode(), time.perf_counter()
        head = (
            f"POST /sample HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        )
        self.writer.write(head.encode() + b"\r\n\r\n" + body)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        length = next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await self.reader.readexactly(int(length.split(b":")[1]))
        return int(answer.split(b" ", 2)[1]), time.perf_counter() - began


async def closed(port: int, request: dict[str, Any], clients: int, seconds: float) -> list[float]:
    """Seconds of every answer to clients that ask again as soon as they are answered."""
    taken: list[float] = []

    async def one(number: int) -> None:
        until, seed = time.perf_counter() + seconds, number * 100_000
        async with Client(port) as client:
            while time.perf_counter() < until:
                seed += 1
                status, second = await client.ask({**request, "seed": seed})
                if status == 200:
                    taken.append(second)
                else:
                    await asyncio.sleep(0.05)

    await asyncio.gather(*map(one, range(clients)))
    return taken


def quantile(values: list[float], part: float) -> float:
    return float(np.quantile(values, part)) if values else float("nan")


def processor(pids: list[int]) -> float:
    """Seconds of CPU that processes have used."""
    stats = [Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split() for pid in pids]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")


def memory(pids: list[int]) -> int:
    """Bytes of resident memory."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE")


def children(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


@contextmanager
def running(port: int, *command: str) -> Iterator[int]:
    """A server in a process of its own; its process id, once it answers."""
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL)
    try:
        asyncio.run(asyncio.wait_for(answering(port), 120))
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


async def answering(port: int) -> None:
    while True:
        with suppress(OSError, asyncio.IncompleteReadError):
            async with Client(port) as client:
                if (await client.ask(ONE))[0] == 200:
                    return
        await asyncio.sleep(0.1)
