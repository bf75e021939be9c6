"""`condgen serve` beside a plain FastAPI handler that calls the same network; and under too much to do.

    python benchmarks/serve.py [RUN] [--out benchmarks/results/serving.json]

Without RUN, two small networks are trained for a moment: their speed does not depend on what they have learnt. Both
servers run at once, each in processes of its own, and are asked in turns (A B A B ...), so that a shared machine's
drift cancels in the ratios. The overload is an open loop: ten times the requests that the model can draw, whoever
answers or not, against a network that is slow enough for HTTP not to be what is measured; three times, since a
hundredth of the answers is what sees a shared machine stand still for a moment. Under five minutes.
"""

import argparse
import asyncio
import gc
import statistics
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from serve_client import HALF, MANY, ONE, Client, children, closed, memory, processor, quantile, running

from condgen import api
from condgen.disk import write_json
from condgen.training.kernels import environment

TURNS, TURN_SECONDS = 5, 1.0
OVERLOAD, OVERLOAD_SECONDS, OVERLOADS = 10, 20.0, 3
PLAIN = Path(__file__).with_name("serve_plain.py")


@dataclass
class Side:
    """One of two servers that are compared."""

    name: str
    port: int
    pids: list[int]
    rates: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    cpu: float = 0.0

    async def turn(self, request: dict[str, Any], clients: int) -> None:
        began, cpu = time.perf_counter(), processor(self.pids)
        seconds = await closed(self.port, request, clients, TURN_SECONDS)
        self.rates.append(len(seconds) / (time.perf_counter() - began))
        self.cpu += processor(self.pids) - cpu
        self.seconds += seconds

    def numbers(self, request: dict[str, Any]) -> dict[str, float]:
        return {
            "requests_per_second": round(statistics.median(self.rates), 1),
            "pictures_per_second": round(statistics.median(self.rates) * request["count"]),
            "p50_ms": round(quantile(self.seconds, 0.5) * 1e3, 2),
            "p99_ms": round(quantile(self.seconds, 0.99) * 1e3, 2),
            "cpu_ms_per_request": round(self.cpu / len(self.seconds) * 1e3, 2),
        }


async def beside(ours: int, theirs: int, request: dict[str, Any], clients: int) -> dict[str, Any]:
    """Requests per second, latency and cost of both servers, in turns. ours, theirs: process ids."""
    sides = [Side("condgen", 8201, [ours, *children(ours)]), Side("plain", 8202, [theirs])]
    for side in sides:
        await closed(side.port, request, clients, 0.5)
    for _ in range(TURNS):
        for side in sides:
            await side.turn(request, clients)
    ratio = round(statistics.median(a / b for a, b in zip(*(side.rates for side in sides), strict=True)), 2)
    numbers = {side.name: side.numbers(request) for side in sides}
    return {"clients": clients, "images": request["count"], **numbers, "times_the_requests_of_plain": ratio}


async def overload(port: int, pids: list[int]) -> dict[str, Any]:
    """Ten times too much, open loop; then how soon all is as before."""
    idle = quantile(await closed(port, HALF, 1, 5.0), 0.5)
    capacity = len(await closed(port, HALF, 4, 4.0)) / 4.0
    rss, peak = memory(pids), 0
    statuses, taken = Counter[str](), {"200": list[float](), "429": list[float]()}

    async def one(seed: int) -> None:
        began = time.perf_counter()
        try:
            async with asyncio.timeout(60), Client(port) as client:
                status = str((await client.ask({**HALF, "seed": seed}))[0])
        except TimeoutError:
            status = "time-out"
        except (OSError, asyncio.IncompleteReadError):
            status = "lost"
        statuses[status] += 1
        taken.get(status, []).append(time.perf_counter() - began)

    tasks: list[asyncio.Task[None]] = []
    began = time.perf_counter()
    while (now := time.perf_counter() - began) < OVERLOAD_SECONDS:
        while len(tasks) < now * capacity * OVERLOAD:
            tasks.append(asyncio.create_task(one(len(tasks))))
        peak = max(peak, memory(pids))
        await asyncio.sleep(0.005)
    ended = time.perf_counter()
    async with Client(port) as client:
        while (await client.ask(ONE))[0] != 200 or (await client.ask(HALF))[1] > 2 * idle:
            await asyncio.sleep(0.01)
    recovered = time.perf_counter() - ended
    await asyncio.gather(*tasks)
    after = quantile(await closed(port, HALF, 1, 3.0), 0.5)
    return {
        "offered_per_second": round(capacity * OVERLOAD, 1),
        "capacity_per_second": round(capacity, 1),
        "seconds": OVERLOAD_SECONDS,
        "answers": dict(statuses),
        "idle_p50_ms": round(idle * 1e3, 1),
        "accepted_p99_ms": round(quantile(taken["200"], 0.99) * 1e3, 1),
        "accepted_p99_over_idle": round(quantile(taken["200"], 0.99) / idle, 2),
        "refused_p99_ms": round(quantile(taken["429"], 0.99) * 1e3, 1),
        "memory_grew_mb": round((peak - rss) / 2**20, 1),
        "again_at_full_speed_s": round(recovered, 2),
        "p50_after_over_before": round(after / idle, 2),
    }


async def fairness(port: int) -> dict[str, Any]:
    """One image at a time, while others ask for 64 and 64 again."""
    idle = await closed(port, ONE, 1, 4.0)
    flood = asyncio.create_task(closed(port, MANY, 3, 8.0))
    await asyncio.sleep(0.5)
    beside = await closed(port, ONE, 1, 7.0)
    await flood
    return {
        "idle_p50_ms": round(quantile(idle, 0.5) * 1e3, 1),
        "idle_p99_ms": round(quantile(idle, 0.99) * 1e3, 1),
        "p99_ms": round(quantile(beside, 0.99) * 1e3, 1),
        "p99_over_idle_p99": round(quantile(beside, 0.99) / quantile(idle, 0.99), 2),
        "p99_over_idle_p50": round(quantile(beside, 0.99) / quantile(idle, 0.5), 2),
        "large_requests_meanwhile": len(flood.result()),
    }


async def slow_clients(port: int) -> dict[str, Any]:
    """300 connections that send a byte a second; one honest client beside them."""
    idle = await closed(port, ONE, 1, 4.0)
    began = time.perf_counter()
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(300)]
    cut: dict[int, float] = {}

    async def dawdle(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reading = asyncio.ensure_future(reader.read())
        for byte in b"POST /sample HTTP/1.1\r\nHost: localhost\r\n":
            with suppress(OSError):
                writer.write(bytes([byte]))
            await asyncio.wait({reading}, timeout=1.0)
            if reading.done():
                break
        with suppress(OSError):
            await reading
        cut[number] = time.perf_counter() - began
        writer.close()

    dawdlers = [asyncio.create_task(dawdle(i, *each)) for i, each in enumerate(held)]
    beside = await closed(port, ONE, 1, 9.0)
    await asyncio.gather(*dawdlers)
    return {
        "clients": len(held),
        "all_cut_after_s": round(max(cut.values()), 1),
        "p99_over_idle_p99": round(quantile(beside, 0.99) / quantile(idle, 0.99), 2),
        "served_meanwhile": len(beside),
    }


def small_runs(folder: Path) -> tuple[str, str]:
    """A fast network for digits, and a slow one for colour images of 64 x 64, trained for a moment."""
    rng = np.random.default_rng(0)
    np.savez(folder / "faces.npz", images=rng.integers(0, 256, (128, 64, 64, 3), np.uint8), labels=np.arange(128) % 2)
    few = {"quiet": True, "evaluate_every": 0}
    api.train("swift", out=folder / "digits", images=2_000, **few)
    api.train("cdcgan", data=folder / "faces.npz", out=folder / "faces", images=128, **few)
    return str(folder / "digits"), str(folder / "faces")


def measured(digits: str, faces: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    serve = ("-P", "-m", "condgen", "serve")
    with (
        running(8201, *serve, digits, "--port", "8201") as pid,
        running(8202, str(PLAIN), digits, "8202") as theirs,
    ):
        found["memory_mb"] = {
            "http": round(memory([pid]) / 2**20),
            "model": round(memory(children(pid)) / 2**20),
            "plain": round(memory([theirs]) / 2**20),
        }
        for name, request, clients in (
            ("one image, one client", ONE, 1), ("one image, 32 clients", ONE, 32),
            ("64 images, one client", MANY, 1), ("64 images, 3 clients", MANY, 3),
        ):  # fmt: skip
            found[name] = asyncio.run(beside(pid, theirs, request, clients))
            print(name, found[name], flush=True)
        found["slow clients"] = asyncio.run(slow_clients(8201))
        found["fairness, fast network"] = asyncio.run(fairness(8201))
    with running(8203, *serve, faces, "--port", "8203") as pid:
        found["fairness, slow network"] = asyncio.run(fairness(8203))
        found["overload"] = [asyncio.run(overload(8203, [pid])) for _ in range(OVERLOADS)]
    for name in ("memory_mb", "slow clients", "fairness, fast network", "fairness, slow network", "overload"):
        print(name, found[name], flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", help="of small grey images; by default a network trained for a moment")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/serving.json"))
    words = parser.parse_args()
    began = time.monotonic()
    gc.freeze()  # the pauses of who asks are not the server's
    with tempfile.TemporaryDirectory() as folder:
        digits, faces = small_runs(Path(folder))
        found = measured(words.run or digits, faces)
    seconds = round(time.monotonic() - began)
    write_json(words.out, {"environment": environment("cpu"), "seconds": seconds, **found})


if __name__ == "__main__":
    main()
