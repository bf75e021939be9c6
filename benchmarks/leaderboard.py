"""Every row on MNIST and Fashion-MNIST, trained for about a minute on two cores, measured as condgen-eval/1 says.

    python benchmarks/leaderboard.py --runs runs/leaderboard --out benchmarks/results/leaderboard.json

Lengths are counted in images, so the result does not depend on how busy the machine was. Runs that are there go on, or
are only measured; what is in the file and not asked for now stays. With --known only runs that are there are measured.
"""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import condgen
from condgen import api, measuring
from condgen.disk import write_json
from condgen.systems import SYSTEMS
from condgen.training.kernels import environment

IMAGES = {
    "gan": 768_000,
    "gan-plain": 1_500_000,
    "cgan-concat": 240_000,
    "cgan-multiply": 240_000,
    "cgan-maxout": 320_000,
    "swift": 240_000,
    "dcgan": 64_000,
    "cdcgan": 64_000,
    "cwgan-gp": 200_000,
    "vae": 1_800_000,
    "vae-2d": 1_800_000,
    "cvae": 1_800_000,
}
"""About a minute each; cwgan-gp has learnt nothing by then and gets five."""
SEEDS = {"cwgan-gp": 1}
"""Where it is not three."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="*", default=["mnist", "fashion-mnist"])
    parser.add_argument("--rows", nargs="*", default=list(SYSTEMS))
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--known", action="store_true")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    results = json.loads(options.out.read_text())["results"] if options.out.exists() else []
    for data in options.data:
        for name in options.rows:
            for seed in range(SEEDS.get(name, 3)):
                folder = options.runs / data / f"{name}-{seed}"
                if options.known and not finished(folder, name):
                    continue
                results = [r for r in results if (r["data"], r["row"], r["seed"]) != (data, name, seed)]
                results.append(measured(name, data, seed, folder))
                print(data, name, seed, results[-1]["numbers"]["fd"]["value"], flush=True)
                about = {"date": datetime.now(UTC).date().isoformat()} | environment("cpu")
                write_json(options.out, {"about": about, "results": ordered(results)})


def finished(folder: Path, name: str) -> bool:
    try:
        return api.card(folder).images >= IMAGES[name]
    except condgen.CondgenError:
        return False


def measured(name: str, data: str, seed: int, folder: Path) -> dict[str, Any]:
    """One run, trained and measured if that has not been done."""
    if not finished(folder, name):
        api.train(name, data=data, images=IMAGES[name], seed=seed, out=folder, quiet=True)
    found = measuring.kept(folder) or measuring.evaluate_run(folder)
    images = found.about.generator and found.about.generator.images
    judge = {"name": found.about.judge.name, "sha256": found.about.judge.sha256}
    numbers = {key: {"value": number.value, "error": number.error} for key, number in found.numbers.items()}
    real = {key: result.real.value for key, result in found.metrics.items() if result.real}
    about = {"protocol": found.about.protocol, "judge": judge}
    return {"data": data, "row": name, "seed": seed, "images": images, "numbers": numbers, "real": real} | about


def ordered(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = list(SYSTEMS)
    return sorted(results, key=lambda r: (r["data"] != "mnist", rows.index(r["row"]), r["seed"]))


if __name__ == "__main__":
    main()
