"""What 20,000 labels cost beside 10: parsing, one image, a zip of a thousand, what a page is told. Times and memory.

    python benchmarks/labels.py [--out benchmarks/results/labels.json]

Each line is measured in a process of its own, with a cvae whose weights are random: they cost what trained ones cost.
Time is the median of several calls after a first one; memory is what the process takes at its peak beyond what it took
when the generator was loaded.
"""

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from condgen.disk import write_json
from condgen.labels import Labels
from condgen.noise import reseed
from condgen.sampling import files
from condgen.sampling.request import SampleRequest
from condgen.sampling.sampler import Sampler
from condgen.serving import encode
from condgen.serving.fair_queue import Turns
from condgen.serving.limits import Limits
from condgen.serving.model_info import Served
from condgen.serving.schemas import Sample, with_options
from condgen.serving.worker import Artist
from condgen.spec import Spec
from condgen.systems import preset
from condgen.testing.toys import toy_card
from condgen.training.kernels import environment

COUNTS, CALLS = (10, 20_000), 5
HOSTILE = "-" * 1000
"""A request that once took half a second."""


def names(count: int) -> tuple[str, ...]:
    return tuple(f"Class number {i}" for i in range(count))


def sampler(count: int) -> Sampler:
    """A cvae of 28x28 grey images with so many classes; its weights are random."""
    reseed(0, "init", 0)
    spec = Spec((1, 28, 28), Labels(names(count)))
    system = preset("cvae").build(spec)
    return Sampler(system.generator, spec, system.prior, card=toy_card(spec, system.prior, "cvae"))


def served(generator: Sampler) -> Served:
    return Served.of("labels", {**Artist(generator).hello(), "manifold": False}, {})


def zipped(generator: Sampler) -> bytes:
    """A zip of 1,000 images by the server's own code, without its socket."""
    from condgen.serving.queue import Queue
    from condgen.serving.telemetry import Measures

    artist, of = Artist(generator), served(generator)

    async def draws(recipes: list[dict[str, Any]], y: Any, options: dict[str, Any]) -> bytes:
        return artist.generate(recipes, y.tobytes(), options)

    async def answer() -> bytes:
        request = with_options(Sample, of.options)(labels="0-9", count=100, format="zip")
        queue = Queue(draws, Turns(of.micro_batch, 100), (28, 28, 1), Measures())
        resolved = encode.resolve(of, request, 1024)
        async with queue.working():
            return encode.wrapped(
                of, request, resolved, await queue.generate(resolved.recipes, resolved.y, resolved.options)
            )

    return asyncio.run(answer())


def measured(what: str, count: int) -> Callable[[], object]:
    generator = sampler(count)
    known = generator.spec.labels
    if what == "parse a name":
        return lambda: known.parse(f"Class number {count - 1}")
    if what == "refuse 1,000 hyphens":
        return lambda: refused(known)
    if what == "one image":
        return lambda: generator.sample(count - 1)
    if what == "one image as a file":
        return lambda: files.write(generator, SampleRequest.of([count - 1], 1, 0), out=Path("one.png"), grid=False)
    if what == "a zip of 1,000 images":
        return lambda: zipped(generator)
    of = served(generator)
    return lambda: json.dumps(of.about(Limits()))


def refused(known: Labels) -> None:
    try:
        SampleRequest.resolve(known, HOSTILE, most=1024)
    except Exception:
        return
    raise AssertionError("it was understood")


WHAT = (
    "parse a name", "refuse 1,000 hyphens", "one image", "one image as a file", "a zip of 1,000 images", "model info",
)  # fmt: skip


def one(what: str, count: int) -> dict[str, float]:
    """Seconds of a first and of later calls, and MB at the peak beyond those of the loaded generator."""
    torch.set_num_threads(1)
    call = measured(what, count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(1 + CALLS):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"first": seconds[0], "seconds": statistics.median(seconds[1:]), "mb": (after - before) / 1024}


def table(found: dict[str, dict[str, dict[str, float]]]) -> str:
    """Rows of a Markdown table."""
    lines = ["| | 10 labels | 20,000 labels |", "|---|---|---|"]
    for what, columns in found.items():
        cells = [f"{shown(column['seconds'])}, {column['mb']:.0f} MB" for column in columns.values()]
        lines.append(f"| {what} | {' | '.join(cells)} |")
    return "\n".join(lines)


def shown(seconds: float) -> str:
    return f"{1e6 * seconds:.0f} µs" if seconds < 1e-3 else f"{1e3 * seconds:.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/labels.json"))
    parser.add_argument("--one", nargs=2, metavar=("WHAT", "COUNT"), help="measure one line, in this process")
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(one(asked.one[0], int(asked.one[1]))))
        return
    found: dict[str, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for what in WHAT:
            for count in COUNTS:
                words = [sys.executable, str(Path(__file__).resolve()), "--one", what, str(count)]
                done = subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True)
                found.setdefault(what, {})[str(count)] = json.loads(done.stdout)
                print(what, count, done.stdout.strip(), flush=True)
    print(table(found))
    write_json(asked.out, {"calls": CALLS, "found": found, "environment": environment("cpu")})


if __name__ == "__main__":
    main()
