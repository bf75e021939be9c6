"""The presets at equal computing time: how far each gets in the same number of CPU seconds.

    python benchmarks/ladder.py --data fashion-mnist --seconds 120 --out benchmarks/results/ladder.json

Each training has one thread and is as long as its first few seconds predict, since learning rates depend on the length;
CPU seconds do not change with other work on the machine as much as minutes do. Generated images are measured with the
feature classifier. Trainings that are in the file are not repeated.
"""

import argparse
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bare
import torch
from ablation import measured

from condgen import data
from condgen.data import Dataset
from condgen.disk import write_json
from condgen.judging import judge
from condgen.judging.reference import Reference
from condgen.noise import reseed
from condgen.sampling.sampler import Sampler
from condgen.systems import preset
from condgen.training.kernels import environment

PRESETS = ("cgan-concat", "cdcgan", "acgan", "sngan", "biggan", "r3gan", "stylegan2", "cvae", "flow", "swift")
TRIED = 5
"""CPU seconds from which the length of a training is predicted."""


def trained(name: str, images: Dataset, seed: int, length: int, seconds: float) -> tuple[Sampler, int]:
    """The averaged generator after `length` images or so many CPU seconds, and the number of training images."""
    reseed(seed, "init", 0)
    row = preset(name)
    config = row.config.with_overrides({"images": length})
    system = row.build(images.spec, config.chosen_for(images.spec)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    until = time.process_time() + seconds
    return bare.averaged(
        system, images, seed, config.ema_half_life, lambda seen: seen < length and time.process_time() < until
    )


def row(name: str, images: Dataset, reference: Reference, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """One training and its measurement."""
    _, pace = trained(name, images, seed, 10**9, TRIED)
    begin = time.process_time()
    sampler, seen = trained(name, images, seed, int(pace * options.seconds / TRIED), 2 * options.seconds)
    took = round(time.process_time() - begin, 1)
    return {"images": seen, "took": took, "numbers": measured(sampler, reference, options.count)}


def run(options: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    images = data.load(options.data)
    reference = Reference(images, judge.of(images, print))
    found = json.loads(options.out.read_text()) if options.out.exists() else {"about": {}, "results": []}
    about = {"date": datetime.now(UTC).date().isoformat()} | environment("cpu")
    for seed in options.seeds:
        for name in options.presets:
            what = {"data": options.data, "seconds": options.seconds, "measured": options.count, "seed": seed}
            what |= {"preset": name}
            if any(what.items() <= known.items() for known in found["results"]):
                continue
            found["results"].append(what | row(name, images, reference, seed, options))
            print(found["results"][-1], flush=True)
            write_json(options.out, found | {"about": about})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="fashion-mnist", help="any name of `condgen list data`")
    parser.add_argument("--presets", nargs="*", default=PRESETS)
    parser.add_argument("--seconds", type=float, default=120.0, help="CPU seconds of each training")
    parser.add_argument("--count", type=int, default=5000, help="generated images that are measured")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--out", type=Path, required=True)
    run(parser.parse_args())


if __name__ == "__main__":
    main()
