"""What generated images gain a classifier when classes are 100 : 1: Fashion-MNIST, cut to a long tail.

    python benchmarks/unbalanced.py FOLDER [--images 240000] [--seed 0] [--out benchmarks/results/unbalanced.json]

Writes the images into FOLDER/data, a folder per class inside train and test: class k of train has 6000 / 100^(k / 9)
images, the usual long tail. Trains swift on it with --balance, then runs `condgen augment --balance`: classifiers on
real images, on real ones with the rare repeated, and with generated ones added.
"""

import argparse
from pathlib import Path

import numpy as np

import condgen
from condgen import augmentation, data
from condgen.disk import write_json
from condgen.sampling import canvas
from condgen.training.kernels import environment

RATIO = 100


def long_tail(labels: np.ndarray) -> np.ndarray:
    """Rows to keep: the first so many of each class."""
    classes = int(labels.max()) + 1
    kept = [round(np.bincount(labels)[0] / RATIO ** (k / (classes - 1))) for k in range(classes)]
    return np.concatenate([np.flatnonzero(labels == k)[:count] for k, count in enumerate(kept)])


def write(folder: Path) -> None:
    """A folder per class, as users have it; nothing if it is there already."""
    if folder.exists():
        return
    clothes = data.load("fashion-mnist")
    rows = {"train": long_tail(clothes.train.labels), "test": np.arange(len(clothes.splits["test"]))}
    for title, split in clothes.splits.items():
        for row in rows[title].tolist():
            name = clothes.labels.slug(int(split.labels[row]))
            canvas.save_png(folder / title / name / f"{row:05d}.png", canvas.to_pil(split.images[row]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=240_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/unbalanced.json"))
    asked = parser.parse_args()
    write(asked.folder / "data")
    run = asked.folder / f"run-{asked.seed}"
    condgen.train(
        "swift", data=asked.folder / "data", balanced_sampling=True, images=asked.images, seed=asked.seed, out=run
    )
    told = augmentation.augment(str(asked.folder / "data"), run=str(run), balance=True)
    found = told.data | {"folder": run.name, "images": asked.images, "seed": asked.seed, "ratio": RATIO}
    write_json(asked.out, found | {"environment": environment("cpu")})


if __name__ == "__main__":
    main()
