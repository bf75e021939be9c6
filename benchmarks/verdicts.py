"""Do verdicts hold for small sets? Flags on good images (false alarms) and on spoilt images (hits).

    npm pack emoji-datasource-twitter@16.0.0 && tar xzf emoji-datasource-twitter-16.0.0.tgz
    python benchmarks/verdicts.py --raw verdicts-raw.json --out benchmarks/results/verdicts.json \\
        --emoji package --faces CARTOON_FACES --runs runs/swift-0 runs/swift-1

Good images are real images that neither the training nor the test split contains. Spoilt images are the same images
with a fault of the self-test. --raw keeps the values, so that another rule for flags can be tried without measuring
again. Sets whose data are not there are left out. --faces: CelebA's layout; --runs: generators known to be good.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from condgen import data
from condgen.data import Dataset, Split
from condgen.data_options import DataOptions
from condgen.disk import write_json
from condgen.errors import CondgenError
from condgen.judging import judge, protocol
from condgen.judging.classifier import Recipe
from condgen.judging.faults import FAULTS
from condgen.judging.generated_set import GeneratedSet
from condgen.judging.reference import Reference, Samples, subset
from condgen.labels import Labels
from condgen.measuring import evaluate_run
from condgen.metrics import METRICS, flag
from condgen.metrics.estimate import Estimate
from condgen.seeds import seed_of
from condgen.training.kernels import environment

KINDS: dict[str, tuple[str, set[str]]] = {
    "mush": ("mean of two images", {"fine_detail", "spectrum"}),
    "blur": ("blur 1.0", {"fine_detail", "spectrum"}),
    "slight blur": ("blur 0.5", {"fine_detail", "spectrum"}),
    "speckle": ("noise 0.1", {"fine_detail", "spectrum"}),
    "patch borders": ("patch borders", {"borders"}),
    "washed colours": ("colours x0.5", {"colour"}),
    "grey": ("grey", {"colour"}),
    "copies": ("copies of train", {"near_copies", "copying", "exact_copies"}),
    "wrong labels": ("wrong label 50 %", {"label_accuracy"}),
    "class missing": ("class dropped", {"missing_classes"}),
    "one mode per class": ("1 image per class", {"repeats", "recall"}),
    "ten modes per class": ("10 images per class", {"repeats", "recall"}),
}
"""Name of each kind of spoilt images, its fault in the self-test, and the metrics that name the fault."""


@dataclass(frozen=True)
class Case:
    """A data set cut to so many test and training images, and the numbers of good images that are measured."""

    data: str
    test: int
    train: int
    good: tuple[int, ...]


CASES = (
    Case("mnist", 30, 270, (30, 1000)), Case("mnist", 100, 900, (100,)), Case("mnist", 300, 2700, (300, 3000)),
    Case("mnist", 1000, 9000, (1000,)), Case("mnist", 5000, 48_000, (5000,)),
    Case("faces 32", 30, 270, (30, 1000)), Case("faces 32", 300, 2000, (300, 700)),
    Case("emoji 32", 100, 850, (100, 850)),
    Case("fashion-mnist", 30, 270, (30,)), Case("fashion-mnist", 100, 900, (100, 1000)),
    Case("fashion-mnist", 300, 2700, (300, 3000)), Case("fashion-mnist", 1000, 9000, (1000,)),
    Case("fashion-mnist", 3000, 27_000, (3000,)),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--emoji", type=Path)
    parser.add_argument("--faces", type=Path)
    parser.add_argument("--judge-steps", type=int, help="shorter trainings of feature classifiers, to save time")
    parser.add_argument("--runs", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    raw = json.loads(options.raw.read_text()) if options.raw.exists() else {}
    for case in CASES:
        if (whole := load(case.data, options.emoji, options.faces)) is not None:
            for name, values in measured(case, whole, raw, options.judge_steps):
                raw[name] = values
                write_json(options.raw, raw)
    for run in options.runs:
        if f"run {run.name}" not in raw:
            raw[f"run {run.name}"] = of_run(run)
            write_json(options.raw, raw)
    found = {name: flags(values) for name, values in raw.items()}
    write_json(options.out, {"about": environment("cpu"), "judge_steps": options.judge_steps, "sets": found})
    summarise(found)


@cache
def load(name: str, emoji: Path | None, faces: Path | None) -> Dataset | None:
    """A data set; None if it is not there."""
    kind, _, side = name.partition(" ")
    if kind == "emoji":
        return emoji_in(emoji, int(side)) if emoji else None
    try:
        options = DataOptions(size=int(side), attributes="Blond_Hair,Eyeglasses") if side else DataOptions()
        return data.load(str(faces) if kind == "faces" else name, options) if kind != "faces" or faces else None
    except CondgenError as error:
        print(f"{name}: {error}")
        return None


def joined(found: Dataset) -> Dataset:
    """All images as one split, the training images first."""
    parts = list(found.splits.values())
    images, labels = (np.concatenate([getattr(part, key) for part in parts]) for key in ("images", "labels"))
    return replace(found, train=Split(images, labels), test=None)


def emoji_in(package: Path, side: int) -> Dataset:
    """Emoji on white, with their categories as classes, from the unpacked npm package emoji-datasource-twitter."""
    entries = json.loads((package / "emoji.json").read_text(encoding="utf-8"))
    wanted = [e for e in entries if e.get("has_img_twitter") and e["category"] != "Component"]
    names = sorted({e["category"] for e in wanted})
    images = [picture(package / "img/twitter/64" / e["image"], side) for e in wanted]
    labels = np.array([names.index(e["category"]) for e in wanted])
    return Dataset(f"emoji {side}", Labels(tuple(names)), Split(np.stack(images), labels))


def picture(path: Path, side: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    drawn = Image.open(path).convert("RGBA")
    sheet = Image.new("RGBA", drawn.size, "white")
    sheet.alpha_composite(drawn)
    return np.asarray(sheet.convert("RGB").resize((side, side), Image.Resampling.BOX))


def measured(case: Case, whole: Dataset, known: dict[str, Any], steps: int | None) -> Iterator[tuple[str, Any]]:
    """Values of good and of spoilt images that are not known yet."""
    title = f"{case.data}, {case.test} test"
    dataset, rest = cut(case, title, whole)
    reference: Reference | None = None
    real: dict[int, dict[str, Estimate]] = {}
    for good in case.good:
        clean = subset(rest, np.arange(min(good, len(rest))))
        samples = Samples(clean.images, clean.labels)
        for kind in ("good", *KINDS):
            name = f"{title}, {len(samples)} images: {kind}"
            if name in known or (kind != "good" and not FAULTS[KINDS[kind][0]].possible(samples)):
                continue
            reference = reference or Reference(dataset, judge_of(dataset, whole, steps))
            real[good] = real.get(good) or protocol.real_estimates(reference, len(samples))
            yield name, beside(protocol.evaluate(GeneratedSet(spoilt(kind, samples, reference), reference)), real[good])


def cut(case: Case, title: str, whole: Dataset) -> tuple[Dataset, Split]:
    """The data set with so many training and test images, and all other images, which no judge has seen.

    Where the package has a judge, that judge has seen the training split, so the others are from the test split.
    """
    random = np.random.default_rng(seed_of("verdicts", title))
    everything = joined(whole).train
    if judge.find(whole) and whole.test:
        seen, unseen = random.permutation(len(whole.train)), len(whole.train) + random.permutation(len(whole.test))
        train, test, rest = seen[: case.train], unseen[: case.test], unseen[case.test :]
    else:
        order = random.permutation(len(everything))
        train, test, rest = np.split(order, [case.train, case.train + case.test])
    dataset = replace(whole, name=title, train=subset(everything, train), test=subset(everything, test))
    return dataset, subset(everything, rest)


def judge_of(dataset: Dataset, whole: Dataset, steps: int | None) -> judge.Judge:
    """The judge in the package, or a new one of the training images."""
    if steps is None or judge.find(whole):
        return judge.find(whole) or judge.of(dataset, print)
    with TemporaryDirectory() as folder:
        return judge.train(dataset, replace(Recipe.for_data(dataset), at_least=steps), Path(folder), print)


def spoilt(kind: str, samples: Samples, reference: Reference) -> Samples:
    if kind == "good":
        return samples
    return FAULTS[KINDS[kind][0]].plant(samples, reference, np.random.default_rng(seed_of("verdicts", kind)))


def beside(numbers: dict[str, Estimate], real: dict[str, Estimate]) -> dict[str, Any]:
    """Metrics beside those of real images, as JSON."""
    return {n: [number.to_json(), real[n].to_json() if n in real else None] for n, number in numbers.items()}


def of_run(run: Path) -> dict[str, Any]:
    found = evaluate_run(run, quick=True, say=print)
    return {n: [m.generated.to_json(), m.real.to_json() if m.real else None] for n, m in found.metrics.items()}


def flags(values: dict[str, Any]) -> list[str]:
    """Names of the metrics that are flagged, by the present rule."""
    known = [(name, *pair) for name, pair in values.items() if name in METRICS]
    return [
        name
        for name, ours, real in known
        if flag(name, Estimate.from_json(ours), Estimate.from_json(real) if real else None)
    ]


def summarise(found: dict[str, list[str]]) -> None:
    """Print false alarms, and per kind how many sets were flagged at all."""
    good = {name: flags for name, flags in found.items() if name.endswith(": good") or name.startswith("run ")}
    print(f"{len(good)} good sets, flagged: {({name: flags for name, flags in good.items() if flags}) or 'none'}")
    for kind, (_, metrics) in KINDS.items():
        mine = {name: flags for name, flags in found.items() if name.endswith(f": {kind}")}
        missed = "; ".join(name for name, flags in mine.items() if not flags)
        named = sum(bool(metrics & set(flags)) for flags in mine.values())
        flagged = sum(map(bool, mine.values()))
        print(f"{kind}: {flagged} of {len(mine)} flagged, {named} by name; missed: {missed or 'none'}")


if __name__ == "__main__":
    main()
