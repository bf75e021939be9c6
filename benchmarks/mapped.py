"""Images per second of a million images that are mapped from a file, against the same images in memory.

    python benchmarks/mapped.py [--count 1000000] [--side 32] [--out benchmarks/results/mapped.json]

Batches of 64 by the stream that training uses, and whole steps of swift; in turns (A B A B ...), the median ratio.
The file lies in the system's page cache, as it does after the first pass of a training.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from condgen.data import Split
from condgen.disk import write_json
from condgen.labels import Labels
from condgen.noise import reseed
from condgen.spec import Spec
from condgen.stream import Stream
from condgen.systems import preset
from condgen.training.kernels import environment

TURNS, BATCH, CLASSES = 9, 64, 10


def rate(call: Callable[[], object], seconds: float) -> float:
    """Images per second."""
    began, images = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        call()
        images += BATCH
    return images / (time.perf_counter() - began)


def compared(mapped: Callable[[], object], held: Callable[[], object], seconds: float) -> dict[str, object]:
    turns = [(rate(mapped, seconds), rate(held, seconds)) for _ in range(TURNS)]
    ratios = sorted(a / b for a, b in turns)
    return {
        "mapped": round(statistics.median(a for a, _ in turns)),
        "in memory": round(statistics.median(b for _, b in turns)),
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/mapped.json"))
    asked = parser.parse_args()
    labels, names = np.arange(asked.count) % CLASSES, Labels(tuple(map(str, range(CLASSES))))
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path, shape = Path(folder) / "images.npy", (asked.count, asked.side, asked.side, 3)
        file = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
        for start in range(0, asked.count, 10_000):
            file[start : start + 10_000] = rng.integers(0, 256, file[start : start + 10_000].shape, dtype=np.uint8)
        file.flush()
        arrays = {"mapped": np.load(path, mmap_mode="c").view(np.ndarray), "held": np.load(path)}
        streams = {name: Stream(Split(array, labels), names, BATCH, 0) for name, array in arrays.items()}
        for stream in streams.values():
            for _ in range(3 * asked.count // BATCH // 4):  # most pages of both are touched
                next(stream)
        found = {"stream": compared(streams["mapped"].__next__, streams["held"].__next__, 2.0)}
        print(found)
        steps = {}
        for name, stream in streams.items():
            reseed(0, "init", 0)
            system = preset("swift").build(Spec((3, asked.side, asked.side), names))
            steps[name] = lambda system=system, stream=stream: system.step(stream, stream.images)
            steps[name]()
        found["swift"] = compared(steps["mapped"], steps["held"], 4.0)
        print(found["swift"])
    about = {"images": asked.count, "side": asked.side, "batch": BATCH, "turns": TURNS}
    write_json(asked.out, about | found | {"torch": torch.__version__, "environment": environment("cpu")})


if __name__ == "__main__":
    main()
