"""The source documents' trainings at their own lengths, three seeds each, beside the figures that they print.

    python benchmarks/documents.py --out benchmarks/results/documents.json

Each row is trained on MNIST by `condgen.train` with its defaults. `last` is the last line of the log, a mean over the
last 200th of the training. The pinned judge of MNIST says how many of 5,000 show the label that was asked for; of
rows without a label it says how the generated digits are spread over the ten classes. Runs that are there go on, or are
only judged again.
"""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

import condgen
from condgen import data
from condgen.disk import write_json
from condgen.judging import judge
from condgen.systems import preset
from condgen.training.kernels import environment

ROWS = ("gan", "vae", "cgan-concat", "cgan-multiply")
PER_LABEL = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", nargs="*", default=ROWS)
    parser.add_argument("--runs", type=Path, default=Path("runs/documents"))
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    found, results = judge.of(data.load("mnist")), []
    for seed in range(options.seeds):
        for name in options.rows:
            results.append(trained(name, seed, options.runs / f"{name}-{seed}", found))
            print(results[-1], flush=True)
            about = {"date": datetime.now(UTC).date().isoformat()} | environment("cpu")
            write_json(options.out, {"about": about, "results": results})


def trained(name: str, seed: int, folder: Path, found: judge.Judge) -> dict[str, Any]:
    run = condgen.train(name, seed=seed, out=folder, quiet=True)
    result: dict[str, Any] = {
        "row": name,
        "seed": seed,
        "images": run.images,
        "last": {key: round(value, 4) for key, value in run.log[-1].items() if key != "images"},
    }
    if not preset(name).build_on_meta().takes_label:
        seen = seen_in(folder, 1, 10 * PER_LABEL, seed, found)
        return result | {"classes_drawn": torch.bincount(seen, minlength=10).tolist()}
    seen, asked = seen_in(folder, 10, PER_LABEL, seed, found), torch.arange(10).repeat_interleave(PER_LABEL)
    return result | {"label_accuracy": round((seen == asked).float().mean().item(), 4)}


def seen_in(folder: Path, labels: int, count: int, seed: int, found: judge.Judge) -> torch.Tensor:
    """What the judge sees in images generated of the first few labels, one class number each."""
    sampler = condgen.load(folder)
    generated = sampler.sample(sampler.spec.labels.each[:labels], count=count, seed=seed)
    return found.predict(generated[..., None]).labels


if __name__ == "__main__":
    main()
