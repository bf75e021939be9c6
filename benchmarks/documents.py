"""The tutorials' trainings at their own lengths, beside the figures that the tutorials print.

    python benchmarks/documents.py --out benchmarks/results/documents.json
    python benchmarks/documents.py --rows dcgan cwgan-gp --data FACES --seeds 1 --out benchmarks/results/documents.json
    python benchmarks/documents.py --known --out benchmarks/results/documents.json

Each preset is trained by `condgen.train` with its defaults. `last` is the last line of the log, a mean over the last
200th of the training. The feature classifier of the data says how many of 5,000 images show the requested label (of
1,000 for faces); for presets without a label it says how the generated digits are spread over the ten classes. Runs
that exist are resumed or only measured again. With --known nothing is trained: runs that have not ended are measured
where they are, and `images` is then below `length`.
"""

import argparse
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import torch

import condgen
from condgen import data
from condgen.disk import write_json
from condgen.judging import judge
from condgen.systems import preset
from condgen.training.kernels import environment

ROWS = ("gan", "vae", "vae-2d", "cvae", "cgan-concat", "cgan-multiply", "cgan-maxout", "gan-plain", "cdcgan")
FACES = {"attributes": "Blond_Hair", "size": 64}
"""Options of the faces of CelebA, as in two of the tutorials."""
PER_LABEL = 500
LOGGED = ("loss/", "accuracy/")
"""Beginnings of the logged values of a training step; the others are those of evaluations."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", nargs="*", default=ROWS)
    parser.add_argument("--data", default="mnist", help="mnist, or a folder of faces in CelebA's layout")
    parser.add_argument("--runs", type=Path, default=Path("runs/documents"))
    parser.add_argument("--known", action="store_true", help="only measure the runs that exist")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    for seed in range(options.seeds):
        for name in options.rows:
            folder = options.runs / f"{name}-{seed}"
            if not options.known:
                settings = {} if options.data == "mnist" else FACES
                condgen.train(name, data=options.data, seed=seed, out=folder, quiet=True, **settings)
            if (folder / "generator").exists():
                keep(measured(name, seed, options.data, folder), options.out)


def keep(result: dict[str, Any], path: Path) -> None:
    """Put a result into the file in place of an earlier one of the same preset and seed."""
    print(result, flush=True)
    key = (result["row"], result["seed"])
    results = json.loads(path.read_text())["results"] if path.exists() else []
    results = sorted([r for r in results if (r["row"], r["seed"]) != key] + [result], key=lambda r: r["seed"])
    about = {"date": datetime.now(UTC).date().isoformat()} | environment("cpu")
    write_json(path, {"about": about, "results": results})


def measured(name: str, seed: int, images: str, folder: Path) -> dict[str, Any]:
    """The end of the log, and what the feature classifier sees in generated digits."""
    log = folder / "log.jsonl"
    last = json.loads(log.read_text().splitlines()[-1]) if log.exists() else {}
    trained = json.loads((folder / "published.json").read_text())["images"]
    result: dict[str, Any] = {"row": name, "data": "mnist" if images == "mnist" else "faces", "seed": seed}
    result |= {"images": trained, "length": length_of(name)}
    result["last"] = {key: round(value, 4) for key, value in last.items() if key.startswith(LOGGED)}
    takes_label = preset(name).build_on_meta().takes_label
    if images != "mnist" and not takes_label:
        return result
    found, labels = classifier(images)
    if takes_label:
        seen, requested = seen_in(folder, labels, PER_LABEL, seed, found), torch.arange(labels)
        right = seen == requested.repeat_interleave(PER_LABEL)
        return result | {"label_accuracy": round(right.float().mean().item(), 4)}
    seen = seen_in(folder, 1, 10 * PER_LABEL, seed, found)
    return result | {"classes_drawn": torch.bincount(seen, minlength=10).tolist()}


@cache
def classifier(images: str) -> tuple[judge.Judge, int]:
    """The feature classifier of the data, and their number of classes."""
    dataset = data.load(images) if images == "mnist" else data.load(images, **FACES)
    return judge.of(dataset, print), len(dataset.labels)


def length_of(name: str) -> int:
    """Images of a whole training: full batches."""
    config = preset(name).config
    return -(-config.images // config.batch) * config.batch


def seen_in(folder: Path, labels: int, count: int, seed: int, found: judge.Judge) -> torch.Tensor:
    """What the judge sees in images generated of the first few labels, one class number each."""
    sampler = condgen.load(folder)
    generated = sampler.sample(sampler.spec.labels.each[:labels], count=count, seed=seed)
    return found.predict(generated if generated.ndim == 4 else generated[..., None]).labels


if __name__ == "__main__":
    main()
