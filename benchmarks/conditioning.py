"""How labels get in: one backbone, the conditioning being the only difference, at equal computing time.

    nice -n 10 python benchmarks/conditioning.py --data mnist --seconds 60 --out benchmarks/results/conditioning.json
    python benchmarks/conditioning.py --out benchmarks/results/conditioning.json --table

Each training has the same number of CPU seconds on one thread, so that other work on the machine does not change the
result; generated images are measured with the feature classifier. First every way into the discriminator, with
concatenation in the generator; then every way into the generator, with projection in the discriminator. Trainings that
are already in the file are not repeated.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import bare
import torch
from ablation import measured
from backbone import D_WAYS, G_WAYS, Config, Wired

from condgen import data
from condgen.data import Dataset
from condgen.judging import judge
from condgen.judging.reference import Reference
from condgen.noise import reseed
from condgen.sampling.sampler import Sampler
from condgen.tables import as_table

WAYS = [("concatenation", d) for d in D_WAYS] + [(g, "projection") for g in G_WAYS if g != "concatenation"]
"""Ways into the generator and the discriminator."""


def trained(config: Config, images: Dataset, seed: int, seconds: float) -> tuple[Sampler, int]:
    """The averaged generator after so many CPU seconds, and the number of training images."""
    reseed(seed, "init", 0)
    system = Wired(images.spec, config).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    until = time.process_time() + seconds
    return bare.averaged(system, images, seed, config.ema_half_life, lambda _: time.process_time() < until)


def table(results: list[dict[str, Any]]) -> str:
    """One line per training, in the order of the file."""
    return as_table([{key: entry[key] for key in entry if key != "numbers"} | entry["numbers"] for entry in results])


def run(options: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    images = data.load(options.data)
    reference = Reference(images, judge.of(images, print))
    shared = {"data": options.data, "seconds": options.seconds, "measured": options.count}

    def result(trial: dict[str, Any]) -> dict[str, Any]:
        sampler, seen = trained(Config(g=trial["g"], d=trial["d"]), images, trial["seed"], options.seconds)
        return {"images": seen, "numbers": measured(sampler, reference, options.count)}

    bare.continued(options.out, (shared | {"seed": n, "g": g, "d": d} for n in options.seeds for g, d in WAYS), result)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="mnist", help="any name of `condgen list data`")
    parser.add_argument("--seconds", type=float, default=60.0, help="CPU seconds of each training")
    parser.add_argument("--count", type=int, default=10_000, help="generated images that are measured")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--table", action="store_true", help="only print the table of the file")
    options = parser.parse_args()
    if not options.table:
        run(options)
    print(table(json.loads(options.out.read_text())["results"]))


if __name__ == "__main__":
    main()
