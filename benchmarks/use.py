"""Whether generated images of rare classes help a classifier, beside what is free: the arms of `condgen augment`.

    python benchmarks/use.py WORK [--faces FOLDER] [--only clothes ...] [--splits 0 1 2] [--out use.json]

    clothes    Fashion-MNIST cut to a tail of 100 : 1, from 6,000 T-shirts to 60 ankle boots
    digits     MNIST with 20 images of each of 6, 7, 8 and 9
    faces      cartoon faces of 32x32 pixels, 2 % of them with glasses; a third of all faces are test images
    emoji      six categories of 32x32 pixels, as they are; a fifth is the test split

A split chooses at random which images are kept. Each trains `swift` with --balanced-sampling on one thread, then runs
`condgen augment --balance`. Runs and classifiers that are finished are kept.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import own_data
import torch
from numpy.typing import NDArray

import condgen
from condgen import augmentation, data
from condgen.augmentation.arms import ARMS, USUAL
from condgen.augmentation.proof import Proof
from condgen.data import DataOptions, Dataset, Split
from condgen.disk import write_json
from condgen.judging.reference import subset
from condgen.training.kernels import environment

FEW, GLASSES = 20, 0.02
Counts = Callable[[NDArray[np.int64]], NDArray[np.int64]]


@dataclass(frozen=True)
class Task:
    """A data set, and how many images of each class are kept."""

    load: Callable[[own_data.Sources], Dataset]
    kept: Counts
    images: int
    """Training length of the generator."""
    test: float = 0.0
    """Fraction that becomes the test split; 0 for data that have one."""


def few(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(np.arange(len(counts)) < 6, counts, FEW)


def two_percent(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of the second class."""
    return np.array([counts[0], round(counts[0] * GLASSES / (1 - GLASSES))])


TASKS = {
    "clothes": Task(lambda _: data.load("fashion-mnist"), own_data.tail_counts, 240_000),
    "digits": Task(lambda _: data.load("mnist"), few, 240_000),
    "faces": Task(
        lambda sources: data.load(own_data.celeba(sources), DataOptions(attributes="Eyeglasses", size=32)),
        two_percent, 200_000, test=1 / 3,
    ),
    "emoji": Task(
        lambda sources: data.load(own_data.build("emoji", sources), DataOptions(size=32)), lambda counts: counts,
        200_000, test=1 / 5,
    ),
}  # fmt: skip


def written(name: str, split: int, sources: own_data.Sources) -> Path:
    """The data set as a user has it, an .npz file; built once."""
    path = sources.work / "use" / f"{name}-{split}.npz"
    if not path.exists():
        train, test = chosen(TASKS[name], TASKS[name].load(sources), np.random.default_rng(split))
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, x_train=train.images, y_train=train.labels, x_test=test.images, y_test=test.labels)
    return path


def chosen(task: Task, whole: Dataset, random: np.random.Generator) -> tuple[Split, Split]:
    """The training and the test split."""
    train, test = whole.train, whole.test
    if task.test:
        everything = own_data.joined(whole)
        order = random.permutation(len(everything))
        cut = round(task.test * len(order))
        test, train = subset(everything, order[:cut]), subset(everything, order[cut:])
    assert test
    kept = task.kept(np.bincount(train.labels))
    rows = [random.permutation(np.flatnonzero(train.labels == label))[:count] for label, count in enumerate(kept)]
    return subset(train, np.sort(np.concatenate(rows))), test


def rare_gains(proof: Proof) -> dict[str, list[float]]:
    """By arm, the gain in mean recall of the rare classes over repeating them and varying all, one per seed that both
    have."""
    return {arm.name: [round(gain, 5) for gain in proof.paired(arm, USUAL, proof.rare)] for arm in ARMS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--faces", type=Path)
    parser.add_argument("--only", nargs="*", default=list(TASKS))
    parser.add_argument("--splits", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/use.json"))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    results = json.loads(asked.out.read_text())["results"] if asked.out.exists() else []
    for split in asked.splits:
        for name in asked.only:
            if any((one["data"], one["split"]) == (name, split) for one in results):
                continue
            path = written(name, split, own_data.Sources(asked.work, asked.faces))
            run, length = asked.work / "use" / f"swift-{name}-{split}", TASKS[name].images
            done = condgen.train(
                "swift", data=path, balanced_sampling=True, images=length, seed=split, out=run, evaluate_every=0
            )
            if done.exit_code:  # stopped by a signal: the next start resumes
                raise SystemExit(done.exit_code)
            found = augmentation.augment(str(path), run=str(run), balance=True, out=Path(f"{run}-more"))
            assert found.proof
            about = {"data": name, "split": split, "images": length, "environment": environment("cpu")}
            about["rare gains"] = rare_gains(found.proof)
            results.append(about | {key: value for key, value in found.to_json().items() if key != "folder"})
            write_json(asked.out, {"results": results})


if __name__ == "__main__":
    main()
