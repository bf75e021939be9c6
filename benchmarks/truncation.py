"""Precision against recall along the truncation of z: the same generator, less and less of its prior.

    python benchmarks/truncation.py RUN [RUN ...] [--images 10000] [--out benchmarks/results/truncation.json]

Evaluates each run (condgen evaluate --quick) at ten truncations and draws docs/images/truncation.png.
"""

import argparse
from pathlib import Path
from typing import Any

from condgen import measuring
from condgen.disk import write_bytes, write_json
from condgen.sampling import plots
from condgen.training.kernels import environment

TRUNCATIONS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
METRICS = ("precision", "recall", "density", "coverage", "fd", "label_accuracy")
ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/truncation.json")
    requested = parser.parse_args()
    found = {run.name: [measured(run, value, requested.images) for value in TRUNCATIONS] for run in requested.runs}
    write_json(requested.out, {"images": requested.images, "runs": found, "environment": environment("cpu")})
    write_bytes(ROOT / "docs/images/truncation.png", plots.trade_off(found))


def measured(run: Path, truncation: float, images: int) -> dict[str, Any]:
    """The metrics of one run at one truncation, each with its error."""
    found = measuring.evaluate_run(run, count=images, quick=True, truncation=truncation)
    numbers = found.numbers
    return {"truncation": truncation, **{name: numbers[name].to_json() for name in METRICS}}


if __name__ == "__main__":
    main()
