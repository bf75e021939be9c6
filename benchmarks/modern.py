"""Systems side by side at equal computing time: images trained on, figures and sampling cost, for each guidance.

    python benchmarks/modern.py WORK [--data mnist fashion-mnist] [--systems flow swift cvae] [--seconds 150]
        [--seeds 0] [--count 10000] [--set loss=squared] [--guided] [--out benchmarks/results/modern.json]
    python benchmarks/modern.py --costs [--data mnist] [--systems flow swift peer_unet:DDPM]

One thread. `--seconds` are CPU seconds of training steps (`time.process_time`), so that other programs on the machine
matter little: the speed of each system is measured first, and its training gets the number of images that fits. WORK
takes the runs, with a record each, which are added to --out. Runs with a record are not run again; a stopped one goes
on. Runs are measured with the default sampling options, with `--guided` also with several scales of guidance. `--costs`
trains nothing: it measures images per CPU second of training and CPU seconds per 10,000 images, of new networks.
`peer_unet:DDPM` is a diffusion model in the usual form of courses.
"""

import argparse
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from condgen import api, measuring
from condgen.data import load
from condgen.disk import write_json
from condgen.noise import reseed
from condgen.sampling.sampler import Sampler
from condgen.stream import Stream
from condgen.systems import preset
from condgen.training.kernels import environment

GUIDED: tuple[dict[str, Any], ...] = (
    {"guidance": 1.5, "guidance_interval": 0.5}, {"guidance": 1.5, "guidance_interval": 1.0},
    {"guidance": 2.0, "guidance_interval": 0.5}, {"guidance": 1.0}, {"guidance": 3.0, "guidance_interval": 0.5},
)  # fmt: skip
METRICS = ("fd", "label_accuracy", "precision", "recall", "density", "coverage")


def speed(system: str, data: str, settings: dict[str, Any], seconds: float = 6.0) -> float:
    """Training images per CPU second."""
    dataset, found = load(data), preset(system)
    config = found.config.with_overrides(settings)
    reseed(0, "init", 0)
    net, stream = found.build(dataset.spec, config), Stream(dataset.train, dataset.labels, config.batch, 0)
    for _ in range(5):
        net.step(stream, stream.images)
    began, images = time.process_time(), stream.images
    while time.process_time() - began < seconds:
        net.step(stream, stream.images)
    return (stream.images - images) / (time.process_time() - began)


def cost(system: str, data: str) -> dict[str, Any]:
    """Training images per CPU second, and CPU seconds to generate 10,000 images, with the default sampling options."""
    dataset = load(data)
    net = preset(system).build(dataset.spec)
    options = {"options": net.sampling_options, "takes_mixes": net.takes_mixes}
    sampler = Sampler(net.generator, net.generator_spec, net.prior, **options).warmed_up()
    count, began = 32 if net.passes > 20 else 320, time.process_time()
    list(sampler.batches([number % len(net.generator_spec.labels) for number in range(count)], 0))
    generating = (time.process_time() - began) / count * 10_000
    parameters = sum(player.size for player in net.players.values())
    return {
        "data": data, "system": system, "parameters": parameters, "passes": net.passes,
        "images_per_second": round(speed(system, data, {})), "seconds_per_10000": round(generating, 2),
    }  # fmt: skip


def trained(work: Path, data: str, system: str, seed: int, seconds: float, settings: dict[str, Any]) -> dict[str, Any]:
    """Train a run, or go on with one that was stopped. Returns its record without the figures."""
    named = "".join(f"-{name}-{value}" for name, value in settings.items())
    named += "" if "images" in settings else f"-{seconds:g}s"
    out, begun = work / f"{system}-{data}-{seed}{named}", time.process_time()
    plan = out.with_suffix(".plan.json")
    if not plan.exists():
        images = settings.get("images") or round(speed(system, data, settings) * seconds / 64) * 64
        write_json(plan, {"images": images})
    images = json.loads(plan.read_text())["images"]
    given = {"evaluate_every": 0, "grid_every": 10**9, "quiet": True} | settings | {"images": images}
    api.train(system, data=data, out=out, seed=seed, **given)
    return {
        "data": data, "system": system, "seed": seed, "settings": settings,
        "seconds": None if "images" in settings else seconds, "images": images,
        "cpu_seconds": round(time.process_time() - begun), "folder": str(out),
    }  # fmt: skip


def measured(record: dict[str, Any], options: dict[str, Any], count: int) -> dict[str, Any]:
    """The figures of a run under sampling options, and CPU seconds for 10,000 images."""
    sampler = api.load(record["folder"], **options).warmed_up()
    began = time.process_time()
    sampler.sample("all", count=32, seed=1)
    cost = (time.process_time() - began) / 320 * 10_000
    found = measuring.evaluate(record["folder"], count=count, quick=True, **options)
    return {
        "options": options, "count": count, "seconds_per_10000": round(cost, 2),
        **{name: found.numbers[name].to_json() for name in METRICS if name in found.numbers},
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path, nargs="?", default=Path("modern"))
    parser.add_argument("--costs", action="store_true")
    parser.add_argument("--data", nargs="+", default=["mnist", "fashion-mnist"])
    parser.add_argument("--systems", nargs="+", default=["flow", "swift", "cvae"])
    parser.add_argument("--seconds", type=float, default=150.0)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--guided", action="store_true", help="also measure several scales of guidance")
    parser.add_argument("--set", nargs="*", default=[], help="settings of the systems, such as loss=squared")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/modern.json"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    os.environ["CONDGEN_SYSTEMS"] = ",".join(system for system in given.systems if ":" in system)
    if given.costs:
        costs = [cost(system, data) for data in given.data for system in given.systems]
        write_json(Path("benchmarks/results/modern_costs.json"), {"environment": environment("cpu"), "costs": costs})
        return
    settings = {name: _value(text) for name, _, text in (each.partition("=") for each in given.set)}
    given.work.mkdir(parents=True, exist_ok=True)
    for data in given.data:
        for system in given.systems:
            for seed in given.seeds:
                record = trained(given.work, data, system, seed, given.seconds, settings)
                figures(record, GUIDED if given.guided else (), given.count)
                collect(given.work, given.out)


def figures(record: dict[str, Any], guided: Sequence[dict[str, Any]], count: int) -> None:
    """Measure a run with its default options and those of `guided`; a record is left after each."""
    path = Path(record["folder"]).with_suffix(".record.json")
    kept = json.loads(path.read_text()) if path.exists() else record | {"load": os.getloadavg()[0], "figures": []}
    done = [found["options"] for found in kept["figures"]]
    for options in ({}, *guided):
        if options not in done:
            kept["figures"].append(measured(record, options, count))
            write_json(path, kept)


def collect(work: Path, out: Path) -> None:
    """Add the records of all runs in `work` to one file."""
    known = {run["folder"]: run for run in json.loads(out.read_text())["runs"]} if out.exists() else {}
    for path in sorted(work.glob("*.record.json")):
        record = json.loads(path.read_text())
        name = Path(record["folder"]).name
        known[name] = record | {"folder": name}
    write_json(out, {"environment": environment("cpu"), "runs": list(known.values())})


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


if __name__ == "__main__":
    main()
