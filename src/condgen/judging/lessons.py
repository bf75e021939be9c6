"""What a classifier learns from labelled images, measured once and kept in the user's cache.

A training of a classifier is a function of its images, its recipe and its seed. So an interrupted `condgen augment`
goes on with the classifiers that it has measured, and another one on the same data reuses those of the real images.
"""

import hashlib
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import torch

from condgen import cache, disk
from condgen.data import Split
from condgen.judging import protocol
from condgen.judging.classifier import Recipe
from condgen.judging.reference import Reference, subset


def mean_recall(
    split: Split, reference: Reference, seed: int, steps: int, say: Callable[[str], None] = lambda text: None
) -> float:
    """Mean recall, over the classes of the test split, of a classifier trained on `split` for so many steps."""
    key = _key(split, reference, seed, steps)
    path = disk.cache() / "lessons" / f"{key}.json"
    kept = cache.kept(path)
    if isinstance(kept, dict) and kept.get("key") == key:
        return float(kept["mean_recall"])
    say(f"training a classifier on {len(split):,} images, seed {seed} ...")
    recalls = [
        n.value for n in protocol.accuracy_after_training(split, reference, seed, steps)[1] if n.value is not None
    ]
    score = sum(recalls) / len(recalls)
    cache.keep_if_possible(path, {"key": key, "mean_recall": score})
    return score


def repeated(real: Split) -> Split:
    """Every class as often as the largest, its images over again."""
    groups = [np.flatnonzero(real.labels == label) for label in np.unique(real.labels)]
    largest = max(map(len, groups))
    return subset(real, np.concatenate([np.resize(group, largest) for group in groups]))


def joined(one: Split, other: Split) -> Split:
    return Split(np.concatenate([one.images, other.images]), np.concatenate([one.labels, other.labels]))


def _key(split: Split, reference: Reference, seed: int, steps: int) -> str:
    """A hash of all that the score depends on."""
    recipe = asdict(Recipe.for_data(reference.dataset))
    conditions = (reference.key, recipe, seed, steps, torch.__version__, torch.backends.cpu.get_cpu_capability())
    digest = hashlib.sha256(repr(conditions).encode())
    for array in (split.images, split.labels):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:32]
