"""Where the time of a step goes, by kinds of operation, for every row.

    python benchmarks/where.py --out benchmarks/results/profile.json

torch's profiler on one thread; *Python and the rest* is what is left of the wall time of the same steps.
"""

import argparse
import time
from collections import defaultdict
from pathlib import Path

import torch
from speed import ours
from torch.profiler import ProfilerActivity, profile

from condgen import data
from condgen.disk import write_json
from condgen.systems import SYSTEMS
from condgen.training.kernels import environment

KINDS = {
    "matrix products": ("convolution", "aten::mm", "aten::addmm", "aten::bmm"),
    "activations and norms": ("leaky_relu", "relu", "threshold", "clamp", "tanh", "sigmoid", "softplus", "_norm"),
    "noise": ("normal_", "bernoulli", "uniform_", "random", "randperm", "dropout"),
    "optimizer and average": ("adam", "Optimizer", "lerp", "zero_grad"),
    "batches": ("aten::index",),
}
"""By parts of the operations' names; the first kind that fits."""
SUMS, REST = "sums, copies and the like", "Python and the rest"
SECONDS = 2.0


def shares(name: str, digits: data.Dataset) -> dict[str, float]:
    """Parts of the wall time of some steps."""
    play = ours(name, digits)
    for _ in range(3):
        next(play)
    began = time.perf_counter()
    next(play)
    steps = max(3, round(SECONDS / (time.perf_counter() - began)))
    began = time.perf_counter()
    for _ in range(steps):
        next(play)
    wall = time.perf_counter() - began
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        for _ in range(steps):
            next(play)
    spent: defaultdict[str, float] = defaultdict(float)
    for operation in seen.key_averages():
        spent[kind(operation.key)] += operation.self_cpu_time_total / 1e6
    known = sum(spent.values())
    found = {what: spent[what] / max(known, wall) for what in (*KINDS, SUMS)}
    return {what: round(value, 3) for what, value in (found | {REST: max(0.0, 1 - known / wall)}).items()}


def kind(operation: str) -> str:
    return next((what for what, parts in KINDS.items() if any(part in operation for part in parts)), SUMS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="*", default=list(SYSTEMS))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    digits, found = data.load("mnist"), {}
    for name in options.rows:
        found[name] = shares(name, digits)
        print(name, found[name], flush=True)
    if options.out:
        write_json(options.out, {"about": environment("cpu"), "rows": found})


if __name__ == "__main__":
    main()
