"""The presets at equal computing time: how far each gets in the same number of CPU seconds.

    python benchmarks/ladder.py --data fashion-mnist --seconds 120 --out benchmarks/results/ladder.json

Each training has one thread and is as long as its first few seconds predict, since learning rates depend on the length;
CPU seconds do not change with other work on the machine as much as minutes do. Generated images are measured with the
feature classifier. Trainings that are in the file are not repeated.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import bare
import torch
from ablation import measured
from modern import speed

from condgen import data
from condgen.data import Dataset
from condgen.judging import judge
from condgen.judging.reference import Reference
from condgen.noise import reseed
from condgen.sampling.sampler import Sampler
from condgen.systems import preset

PRESETS = ("cgan-concat", "cdcgan", "acgan", "sngan", "biggan", "r3gan", "stylegan2", "cvae", "flow", "swift")


def trained(name: str, images: Dataset, seed: int, length: int) -> tuple[Sampler, int]:
    """The averaged generator after `length` images, and the number of training images."""
    reseed(seed, "init", 0)
    found = preset(name)
    config = found.config.with_overrides({"images": length})
    system = found.build(images.spec, config).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return bare.averaged(system, images, seed, config.ema_half_life, lambda seen: seen < length)


def run(options: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    images = data.load(options.data)
    reference = Reference(images, judge.of(images, print))
    shared = {"data": options.data, "seconds": options.seconds, "measured": options.count}

    def result(trial: dict[str, Any]) -> dict[str, Any]:
        length = round(speed(trial["preset"], options.data, {}) * options.seconds)
        begin = time.process_time()
        sampler, seen = trained(trial["preset"], images, trial["seed"], length)
        took = round(time.process_time() - begin, 1)
        return {"images": seen, "took": took, "numbers": measured(sampler, reference, options.count)}

    trials = (shared | {"seed": seed, "preset": name} for seed in options.seeds for name in options.presets)
    bare.continued(options.out, trials, result)


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
