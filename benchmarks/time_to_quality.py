"""Seconds from the start of a process to a quality, for some rows and for two of them in a tutorial's loop.

    python benchmarks/time_to_quality.py --out benchmarks/results/time_to_quality.json

Every competitor has a process of its own, one after the other, modules being compiled before the first; its clock
stands while its images are measured (5,000 digits by the pinned judge). Ours are trained by the package's own
trainer, with its logs, class grids and checkpoints; the tutorial's loop (textbook.py) keeps nothing.
"""

import argparse
import copy
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FD, ACCURACY = 13.0, 0.79
"""The quality that a standard conditional GAN reaches in two minutes on two cores; both values are required."""
IMAGES = 5000
FIRST, FACTOR = 4.0, 1.15
"""Seconds at the first look, and the ratio of one look's to the one's before."""
RACE = (
    ("swift", "ours", (0, 1, 2), 60),
    ("cgan-concat", "ours", (0,), 150),
    ("cgan-multiply", "ours", (0,), 90),
    ("cvae", "ours", (0,), 60),
    ("cwgan-gp", "ours", (0,), 60),
    ("swift", "textbook", (0,), 90),
    ("cgan-concat", "textbook", (0,), 600),
)
"""Row, loop, seeds, and seconds at most; a tutorial's loop stops where it wins."""
ROOT = Path(__file__).parents[1]


class Clock:
    """Wall and processor seconds since the process was started, but for those in which it was stopped."""

    def __init__(self, started: float) -> None:
        self.started, self.cpu_started = started, 0.0

    def now(self) -> tuple[float, float]:
        return time.time() - self.started, time.process_time() - self.cpu_started

    @contextmanager
    def stopped(self) -> Iterator[None]:
        wall, cpu = time.time(), time.process_time()
        yield
        self.started += time.time() - wall
        self.cpu_started += time.process_time() - cpu


class Looks:
    """The curve of one competitor: a measurement whenever the next moment has come."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock, self.seconds, self.next = clock, seconds, FIRST
        self.curve: list[dict[str, float]] = []
        self._reference: Any = None

    def due(self) -> bool:
        return self.clock.now()[0] >= self.next

    def look(self, net: Any, spec: Any, prior: Any, images: int) -> None:
        wall, cpu = self.clock.now()
        with self.clock.stopped():
            fd, accuracy = self._measure(copy.deepcopy(net), spec, prior)
        line = {"wall": wall, "cpu": cpu, "images": images, "fd": fd, "label_accuracy": accuracy}
        self.curve.append({name: round(float(value), 4) for name, value in line.items()})
        while self.next <= wall:
            self.next *= FACTOR

    @property
    def won(self) -> bool:
        return reached(self.curve) is not None

    def _measure(self, net: Any, spec: Any, prior: Any) -> tuple[float, float]:
        from condgen.judging.by_label import label_metrics
        from condgen.judging.generated_set import GeneratedSet, generate
        from condgen.metrics import frechet
        from condgen.sampling.sampler import Sampler

        generated = GeneratedSet(generate(Sampler(net, spec, prior), self.reference, IMAGES, 0), self.reference)
        return frechet.fd(self.reference.moments, generated.predictions.features).value, dict(label_metrics(generated))[
            "label_accuracy"
        ].value

    @property
    def reference(self) -> Any:
        if self._reference is None:
            from condgen import data
            from condgen.judging import judge
            from condgen.judging.reference import Reference

            digits = data.load("mnist")
            self._reference = Reference(digits, judge.of(digits, print))
        return self._reference


def ours(name: str, seed: int, seconds: float, looks: Looks) -> None:
    """As `condgen train NAME --minutes ...` does, with looks between its steps instead of evaluations."""
    from condgen.noise import preserve_rng
    from condgen.progress import Progress
    from condgen.training.job import TrainingJob
    from condgen.training.request import Schedule, TrainingRequest
    from condgen.training.run import Run
    from condgen.training.session import images_in
    from condgen.training.state import Training
    from condgen.training.trainer import Plan, train

    began = time.monotonic() - looks.clock.now()[0]
    job = TrainingJob.prepare(TrainingRequest(name, seed=seed, device="cpu", began=began))
    job = job.lasting(images_in(job, seconds, None))

    def stop() -> bool:
        if looks.due():
            looks.look(training.sampler.net, job.dataset.spec, training.sampler.prior, training.images)
        return False

    with (
        tempfile.TemporaryDirectory() as folder,
        Run.open(Path(folder), job.identity) as run,
        preserve_rng(job.device),
    ):
        training = Training(run, job.system(), job.stream(), job.dataset, job.config.ema_half_life)
        plan = Plan.of(job.config.images, Schedule(evaluate_every=0))
        train(training, plan, Progress(quiet=True), stop)
        looks.look(training.sampler.net, job.dataset.spec, training.sampler.prior, training.images)


def textbook(name: str, seed: int, seconds: float, looks: Looks) -> None:
    import torch
    from textbook import Textbook

    from condgen import data

    torch.manual_seed(seed)
    digits = data.load("mnist")
    training = Textbook(name, digits)
    for images in training.play():
        if looks.due():
            looks.look(training.system.generator, digits.spec, training.system.prior, images)
        if looks.won or looks.clock.now()[0] > seconds:
            break


def run(name: str, loop: str, seed: int, seconds: float) -> dict[str, Any]:
    """One competitor in a process of its own."""
    words = [sys.executable, __file__, "--competitor", name, loop, str(seed), str(seconds), repr(time.time())]
    done = subprocess.run(words, check=True, capture_output=True, text=True, env=keeping_bytecode())
    curve = json.loads(done.stdout.splitlines()[-1])
    return {"row": name, "loop": loop, "seed": seed, "seconds": seconds, "reached": reached(curve), "curve": curve}


def keeping_bytecode() -> dict[str, str]:
    """The environment of a usual Python, which compiles each module once and not in every process."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def reached(curve: Sequence[dict[str, float]]) -> dict[str, float] | None:
    """The first look that found both; what lies between two looks is the slower one's loss."""
    return next((look for look in curve if look["fd"] <= FD and look["label_accuracy"] >= ACCURACY), None)


def figure(results: Sequence[dict[str, Any]]) -> bytes:
    """FD and label accuracy over seconds, a line per competitor."""
    from io import BytesIO

    from matplotlib.figure import Figure

    drawing = Figure(figsize=(10, 4), layout="constrained")
    left, right = drawing.subplots(1, 2)
    colours: dict[tuple[str, str], str] = {}
    for result in results:
        key, curve = (result["row"], result["loop"]), result["curve"]
        label = (
            None
            if key in colours
            else result["row"] + (" in a tutorial's loop" if result["loop"] == "textbook" else "")
        )
        colours.setdefault(key, f"C{len(colours)}")
        for axes, number in ((left, "fd"), (right, "label_accuracy")):
            points = [look["wall"] for look in curve], [look[number] for look in curve]
            axes.plot(*points, color=colours[key], label=label, linestyle="--" if result["loop"] == "textbook" else "-")
    for axes, number, level in ((left, "FD, log scale", FD), (right, "label accuracy", ACCURACY)):
        axes.set(xscale="log", xlabel="seconds since the start of the process, log scale", title=number)
        axes.axhline(level, color="grey", linewidth=0.8, linestyle=":")
        axes.grid(alpha=0.2)
    left.set_yscale("log")
    right.legend(fontsize="small")
    buffer = BytesIO()
    drawing.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0, help="of the seconds that everybody gets")
    parser.add_argument("--again", nargs=3, action="append", metavar=("ROW", "LOOP", "SEED"), help="only these")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--figure", type=Path, default=ROOT / "docs/images/time-to-quality.png")
    parser.add_argument("--competitor", nargs=5, metavar=("ROW", "LOOP", "SEED", "SECONDS", "STARTED"))
    options = parser.parse_args()
    if options.competitor:
        name, loop, seed, seconds, started = options.competitor
        looks = Looks(Clock(float(started)), float(seconds))
        {"ours": ours, "textbook": textbook}[loop](name, int(seed), float(seconds), looks)
        print(json.dumps(looks.curve))
        return

    from condgen.disk import write_bytes, write_json
    from condgen.training.kernels import environment

    about = {"date": datetime.now(UTC).date().isoformat(), "cores": os.cpu_count()} | environment("cpu")
    subprocess.run(
        [sys.executable, "-P", "-m", "condgen", "doctor"], check=True, capture_output=True, env=keeping_bytecode()
    )
    results = json.loads(options.out.read_text())["results"] if options.again and options.out.exists() else []
    for name, loop, seeds, seconds in RACE:
        for seed in seeds:
            if options.again and [name, loop, str(seed)] not in options.again:
                continue
            results = [r for r in results if (r["row"], r["loop"], r["seed"]) != (name, loop, seed)]
            results.append(run(name, loop, seed, seconds * options.share))
            results.sort(key=lambda r: ([race[:2] for race in RACE].index((r["row"], r["loop"])), r["seed"]))
            print(name, loop, seed, "done", flush=True)
            if options.out:
                write_json(
                    options.out, {"about": about, "goal": {"fd": FD, "label_accuracy": ACCURACY}, "results": results}
                )
                write_bytes(options.figure, figure(results))


if __name__ == "__main__":
    main()
