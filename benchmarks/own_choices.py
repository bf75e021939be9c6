"""What the automatic choices of `swift` buy on colour images: each is taken back alone, with three seeds.

    python benchmarks/own_choices.py WORK --faces FOLDER --out benchmarks/results/own_choices.json

Cartoon faces with five attributes and emoji of six categories, 32x32 (`own_data.py` builds them in WORK). Each training
sees 40,000 images on one thread. 5,000 generated images are measured: texture beside real images, and label accuracy,
recall and FD by the feature classifier of `condgen evaluate`. FD compares with the training images, since there are few
test images. Results that are already in the file are not computed again.
"""

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import own_data
import own_figures
import own_images
import own_sheets
import torch
from ablation import Choice, trained

from condgen import data
from condgen.data import DataOptions, Dataset
from condgen.disk import write_json
from condgen.judging import judge
from condgen.judging.generated_set import GeneratedSet, generate
from condgen.judging.reference import Reference, with_test
from condgen.metrics import frechet, labelling, neighbours
from condgen.sampling.sampler import Sampler
from condgen.systems import swift
from condgen.training.kernels import environment

LENGTH, COUNT, SEEDS, NEIGHBOURS = 40_000, 5000, (0, 1, 2), 2000
SETS: dict[str, Callable[[own_data.Sources], Dataset]] = {
    "faces-32": lambda sources: data.load(own_data.celeba(sources), DataOptions(size=32, attributes=own_images.FACES)),
    "emoji-32": lambda sources: data.load(own_data.build("emoji", sources), DataOptions(size=32)),
}

CHOICES: dict[str, dict[str, Choice]] = {
    "all automatic choices": {name: Choice() for name in SETS},
    "images not shifted for D (`shift` none)": {name: Choice({"shift": "none"}) for name in SETS},
    "layers of grey images (`pixel_channels` 0), not shifted": {name: Choice({"pixel_channels": 0}) for name in SETS},
    "weights of pixels instead of frequencies (`pre_emphasis` 0)": {
        name: Choice({"pre_emphasis": 0.0}) for name in SETS
    },
    "mismatched labels with the weight of grey images (`mismatch`)": {
        name: Choice({"mismatch": swift.GREY}) for name in SETS
    },
    "no augmentation": {"emoji-32": Choice({"augmentation": "none"})},
    "adaptive augmentation, which is not chosen": {"faces-32": Choice({"augmentation": "adaptive"})},
}
"""What is changed, for each data set that it concerns."""


def measured(sampler: Sampler, reference: Reference) -> dict[str, float]:
    """Texture beside real images with the same labels; label accuracy, recall and FD of COUNT images."""
    real = own_sheets.real_images(reference.dataset, own_images.FEW, own_figures.MOST)
    found = own_figures.figures(own_sheets.images_like(sampler, real.labels), real.images)
    generated = GeneratedSet(generate(sampler, reference, COUNT, 0), reference)
    features, train = generated.predictions.features, reference.all_train_features
    near = neighbours.prdc(neighbours.Balls.around(train[:NEIGHBOURS]), features[:NEIGHBOURS])
    assert generated.requested is not None
    numbers = {name: found[name]["value"] for name in ("fine_detail", "patch_borders", "spectrum")} | {
        "label_accuracy": labelling.accuracy(generated.requested, generated.predictions.labels).value,
        "recall": near["recall"].value,
        "fd": frechet.fd(frechet.Moments.of(train), features).value,
    }
    return {name: round(float(value), 4) for name, value in numbers.items() if value is not None}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--faces", type=Path)
    parser.add_argument("--seeds", nargs="*", type=int, default=SEEDS)
    parser.add_argument("--length", type=int, default=LENGTH, help="images that each training sees")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    torch.set_num_threads(1)
    about = {"date": datetime.now(UTC).date().isoformat(), "images": options.length} | environment("cpu")
    results = json.loads(options.out.read_text())["results"] if options.out.exists() else []
    results = [one for one in results if one["choice"] in CHOICES]
    references = {name: reference(load(own_data.Sources(options.work, options.faces))) for name, load in SETS.items()}
    for seed, name, (choice, per_set) in product(options.seeds, SETS, CHOICES.items()):
        known = any((one["data"], one["choice"], one["seed"]) == (name, choice, seed) for one in results)
        if known or name not in per_set:
            continue
        with per_set[name].patched():
            sampler = trained(per_set[name], references[name].dataset, seed, options.length)
        numbers = measured(sampler, references[name])
        results.append({"data": name, "choice": choice, "seed": seed, "numbers": numbers})
        print(results[-1], flush=True)
        results.sort(key=lambda one: (one["data"], list(CHOICES).index(one["choice"]), one["seed"]))
        write_json(options.out, {"about": about, "results": results})


def reference(dataset: Dataset) -> Reference:
    dataset, _ = with_test(dataset)
    return Reference(dataset, judge.of(dataset, print))


if __name__ == "__main__":
    main()
