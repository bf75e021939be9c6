"""Own images, default options alone: every data set, system and seed at equal time, with its figures and a sheet.

    python benchmarks/own_images.py WORK [--faces FOLDER] [--only faces-32 emoji-32] [--systems swift cgan-concat]
        [--seeds 0 1 2] [--minutes M] [--threads N] [--out benchmarks/results/own_images.json]

WORK takes the data sets (`own_data.py`), the runs with a record each, and the sheets. Runs with a record are not run
again; stopped ones go on. Several processes may share WORK; each leaves the records of all in --out.
"""

import argparse
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import own_data
import own_figures
import own_sheets
import torch

from condgen import api, measuring
from condgen.disk import write_json
from condgen.training.kernels import environment

FACES = "Blond_Hair,Eyeglasses,Smiling,No_Beard,Pale_Skin"
"""Hair, eyes, mouth, chin and skin: independent of each other, each in 19 to 87 % of the images."""
FEW = 1000
"""With fewer test images than this, pixel figures use all real images."""
METRICS = (
    "precision", "recall", "density", "coverage", "label_accuracy", "fd", "fd_intra", "kid", "copying", "exact_copies",
    "missing_classes", "sharpness",
)  # fmt: skip


@dataclass(frozen=True)
class OwnSet:
    """A data set as a user names it: what `own_data` builds, the options of `condgen train`, the minutes by default."""

    source: str
    options: tuple[str, ...] = ()
    minutes: float = 10.0
    count: int = 5000
    """Images that `condgen evaluate` generates."""


SETS = {
    "faces-32": OwnSet("faces", ("--size", "32", "--attributes", FACES)),
    "faces-64": OwnSet("faces", ("--size", "64", "--attributes", FACES), 30.0),
    "emoji-32": OwnSet("emoji", ("--size", "32")),
    "emoji-64": OwnSet("emoji", ("--size", "64"), 30.0),
    "tones-32": OwnSet("tones", ("--size", "32")),
    "tones-64": OwnSet("tones", ("--size", "64"), 30.0),
    "letters-grey": OwnSet("letters-grey"),
    "letters-colour": OwnSet("letters-colour"),
    "tail": OwnSet("tail", count=10_000),
    "small-faces": OwnSet("small-faces"),
    "small-clothes": OwnSet("small-clothes"),
    "digits": OwnSet("mnist", count=10_000),
}
SYSTEMS = ("swift", "cgan-concat", "cdcgan", "cwgan-gp", "stylegan2")


@dataclass(frozen=True)
class Trial:
    """One training: a system on a data set with a seed, for some minutes or, in a test, images."""

    data: str
    system: str
    seed: int
    length: tuple[str, str]
    """--minutes or --images, and its value."""
    threads: int

    @property
    def name(self) -> str:
        """Name of the run's folder and of the files beside it."""
        return f"{slug(self.system)}-{self.seed}-{self.length[1]}{self.length[0].strip('-')}"


def slug(system: str) -> str:
    """The name of a preset or peer; of a module:Class, the class in lower case."""
    return re.split(r"[:.]", system)[-1].lower()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--faces", type=Path, help="faces in CelebA's layout; without it, sets of faces are skipped")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(SETS), help="sets, with commas")
    parser.add_argument("--systems", nargs="*", default=SYSTEMS)
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, help="default: 10, and 30 for images of 64 pixels")
    parser.add_argument("--images", type=int, help="a length in images instead, for a short trial")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sheets", type=Path, help="folder of the sheets; default: WORK/sheets")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/own_images.json"))
    asked = parser.parse_args()
    if unknown := [name for name in asked.only if name not in SETS]:
        parser.error(f"unknown data sets {', '.join(unknown)}; known: {', '.join(SETS)}")
    torch.set_num_threads(asked.threads)
    write_json(asked.out, collected(asked.work))
    for name in asked.only:
        try:
            folder = where(SETS[name], own_data.Sources(asked.work, asked.faces))
        except own_data.Absent as why:
            print(f"{name} is skipped: {why}.", flush=True)
            continue
        length = (
            ("--images", str(asked.images))
            if asked.images
            else ("--minutes", f"{asked.minutes or SETS[name].minutes:g}")
        )
        for seed in asked.seeds:
            for system in asked.systems:
                run(Trial(name, system, seed, length, asked.threads), folder, asked.work, asked.sheets)
                write_json(asked.out, collected(asked.work))


def where(one: OwnSet, sources: own_data.Sources) -> str:
    """What `--data` names. Raises `Absent`."""
    if one.source == "mnist":
        return one.source
    return str(own_data.celeba(sources) if one.source == "faces" else own_data.build(one.source, sources))


def run(trial: Trial, folder: str, work: Path, sheets: Path | None) -> None:
    """Train, measure and draw, unless there is a record of it."""
    place = work / "runs" / trial.data
    record, out = place / f"{trial.name}.json", place / trial.name
    if record.exists():
        return
    print(f"{datetime.now():%H:%M} {trial.data} {trial.name}", flush=True)
    spent = trained(trial, folder, out)
    condgen(trial, out, "evaluate", str(out), "--quick", "--count", str(SETS[trial.data].count))
    sheet = (sheets or work / "sheets") / trial.data / f"{trial.name}.png"
    write_json(record, measured(trial, out, sheet) | spent)
    print(json.dumps(json.loads(record.read_text())["figures"]), flush=True)


def trained(trial: Trial, folder: str, out: Path) -> dict[str, float]:
    """Train, or go on. Returns wall and CPU seconds of the command, over all its attempts."""
    clock = out.with_name(f"{out.name}.seconds.json")
    spent = json.loads(clock.read_text()) if clock.exists() else {"seconds": 0.0, "cpu_seconds": 0.0}
    began, before = time.monotonic(), _children()
    try:
        condgen(
            trial, out, "train", trial.system, "--data", folder, *SETS[trial.data].options,
            *trial.length, "--seed", str(trial.seed), "--out", str(out),
        )  # fmt: skip
    finally:
        spent["seconds"] = round(spent["seconds"] + time.monotonic() - began, 1)
        spent["cpu_seconds"] = round(spent["cpu_seconds"] + _children() - before, 1)
        write_json(clock, spent)
    return spent


def condgen(trial: Trial, out: Path, *words: str) -> None:
    """Run a command of condgen with the trial's number of threads; its output is added to a file beside the run."""
    out.parent.mkdir(parents=True, exist_ok=True)
    variables = os.environ | {name: str(trial.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    variables["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    with out.with_name(f"{out.name}.txt").open("a") as told:
        process = subprocess.Popen([sys.executable, "-m", "condgen", *words], stdout=told, stderr=told, env=variables)
        try:
            code = process.wait()
        finally:
            process.terminate()  # a training then saves its state
            process.wait()
    if code:
        raise SystemExit(f"condgen {words[0]} ended with {code}; see {told.name}")


def _children() -> float:
    """CPU seconds of all processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measured(trial: Trial, out: Path, sheet: Path) -> dict[str, Any]:
    """The record of a trained and evaluated run. Draws its sheet."""
    found = measuring.kept(out)
    assert found
    sampler, dataset = api.load(out), api.data_of(out)
    real = own_sheets.real_images(dataset, FEW, own_figures.MOST)
    images = own_sheets.images_like(sampler, real.labels)
    own_sheets.save(sheet, sampler, dataset)
    test = (dataset.test or dataset.train).images
    figures = own_figures.figures(images, real.images)
    figures["memorised"] = own_figures.memorised(images, dataset.train.images, test)
    metrics = {name: result.to_json() for name, result in found.metrics.items() if name in METRICS}
    return {
        "data": trial.data,
        "system": slug(trial.system),
        "seed": trial.seed,
        "length": " ".join(trial.length),
        "images": sampler.card.images,
        "threads": trial.threads,
        "shape": list(dataset.spec.shape),
        "labels": [len(dataset.labels), dataset.labels.kind],
        "real_images": {"train": len(dataset.train), "test": len(test), "compared": len(real)},
        "figures": figures,
        "metrics": metrics,
        "date": datetime.now(UTC).date().isoformat(),
        "environment": environment("cpu"),
    }


def collected(work: Path) -> dict[str, Any]:
    """All records of the runs in WORK, in the order of the tables."""
    found = [json.loads(path.read_text()) for path in (work / "runs").glob("*/*.json") if ".seconds" not in path.name]
    sets = list(SETS)
    systems = {name: place for place, name in enumerate(map(slug, SYSTEMS))}

    def place(one: dict[str, Any]) -> tuple[Any, ...]:
        return sets.index(one["data"]), systems.get(one["system"], len(systems)), one["length"], one["seed"]

    return {"sets": sets, "results": sorted(found, key=place)}


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a training is then told to save its state
    main()
