"""Self-test of the metrics: known faults are introduced into real images, and it is checked which metrics detect them.

Each fault turns real training images and their labels into the output of a hypothetical broken generator. The faults,
and the metrics that detect them on MNIST, are in docs/metrics.md.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from condgen.judging.generated_set import GeneratedSet
from condgen.judging.protocol import AGAINST_TRAINING, EVALUATORS, measure, real_estimates
from condgen.judging.reference import Reference, Samples
from condgen.metrics import METRICS
from condgen.metrics.estimate import Estimate, Z
from condgen.seeds import seed_of

Plant = Callable[[Samples, Reference, np.random.Generator], Samples]


@dataclass(frozen=True)
class Fault:
    """plant: introduces the fault. caught_by: metrics of which at least one should detect it."""

    plant: Plant
    caught_by: tuple[str, ...]
    classes_only: bool = False
    colours_only: bool = False

    def possible(self, samples: Samples) -> bool:
        """Whether images with these labels and channels can have the fault."""
        classes, colours = _requested(samples).ndim == 1, samples.images.shape[3] >= 3
        return (classes or not self.classes_only) and (colours or not self.colours_only)


def altered(change: Callable[[NDArray[np.float64], np.random.Generator], NDArray[np.float64]]) -> Plant:
    """Every image is changed. change: a function of images (n, h, w, c) in [0, 1]."""

    def plant(samples: Samples, reference: Reference, random: np.random.Generator) -> Samples:
        x = change(samples.images / 255.0, random)
        return replace(samples, images=(x.clip(0, 1) * 255).round().astype(np.uint8))

    return plant


def blurred(sigma: float) -> Plant:
    """Images are blurred by a Gaussian with `sigma` in pixels, with reflected borders."""
    reach = ceil(4 * sigma)
    weights = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=torch.float64) / sigma) ** 2)
    weights /= weights.sum()

    def change(x: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
        n, h, w, c = x.shape
        flat = torch.from_numpy(x).permute(0, 3, 1, 2).reshape(n * c, 1, h, w)
        pad = min(reach, h - 1, w - 1)
        kernel = weights[reach - pad : reach + pad + 1]
        flat = F.conv2d(F.pad(flat, (pad, pad, pad, pad), "reflect"), kernel[None, None, None])
        flat = F.conv2d(flat, kernel[None, None, :, None])
        return flat.reshape(n, c, h, w).permute(0, 2, 3, 1).numpy()

    return altered(change)


def mixed(samples: Samples, reference: Reference, random: np.random.Generator) -> Samples:
    """Every image is the mean of two images of its label."""
    _, groups = np.unique(_requested(samples), axis=0, return_inverse=True)
    partner = np.arange(len(samples))
    for group in np.unique(groups):
        mine = random.permutation(np.flatnonzero(groups == group))
        partner[mine] = np.roll(mine, 1)
    mean = samples.images.astype(np.uint16) + samples.images[partner]
    return replace(samples, images=(mean // 2).astype(np.uint8))


def patched(side: int, amount: float) -> Plant:
    """Every square patch of `side` pixels is brighter or darker by a normal random amount, in each channel."""

    def change(x: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
        n, h, w, c = x.shape
        offsets = random.normal(0, amount, (n, ceil(h / side), ceil(w / side), c))
        return x + offsets.repeat(side, 1).repeat(side, 2)[:, :h, :w]

    return altered(change)


def washed(part: float) -> Plant:
    """The distance of every pixel from its own grey is reduced to the fraction `part`."""

    def change(x: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
        grey = x[..., :3].mean(-1, keepdims=True)
        return np.concatenate([grey + part * (x[..., :3] - grey), x[..., 3:]], -1)

    return altered(change)


def few(per_class: int) -> Plant:
    """Each label has only `per_class` distinct images, repeated."""

    def plant(samples: Samples, reference: Reference, random: np.random.Generator) -> Samples:
        return _refilled(samples, lambda rows: rows[:per_class], random)

    return plant


def shrunk(part: float) -> Plant:
    """Each label has only the fraction `part` of images that is nearest to its mean in feature space, repeated."""

    def plant(samples: Samples, reference: Reference, random: np.random.Generator) -> Samples:
        features = reference.judge.predict(samples.images).features.numpy()

        def central(rows: NDArray[np.intp]) -> NDArray[np.intp]:
            away = np.linalg.norm(features[rows] - features[rows].mean(0), axis=1)
            return rows[np.argsort(away)[: max(1, round(part * len(rows)))]]

        return _refilled(samples, central, random)

    return plant


def mislabelled(part: float) -> Plant:
    """The fraction `part` of images has a wrong label."""

    def plant(samples: Samples, reference: Reference, random: np.random.Generator) -> Samples:
        requested, rows = _requested(samples).copy(), random.random(len(samples)) < part
        if requested.ndim == 2:
            requested[rows] = 1 - requested[rows]
        else:
            count = len(reference.dataset.labels)
            requested[rows] = (requested[rows] + random.integers(1, count, rows.sum())) % count
        return replace(samples, requested=requested)

    return plant


def ignored(samples: Samples, reference: Reference, random: np.random.Generator) -> Samples:
    """Labels are independent of the images."""
    return replace(samples, requested=random.permutation(_requested(samples)))


def swapped(samples: Samples, reference: Reference, random: np.random.Generator) -> Samples:
    """Two classes are exchanged: 4 and 9, or the first two."""
    one, other = (4, 9) if len(reference.dataset.labels) >= 10 else (0, 1)
    requested = _requested(samples)
    return replace(samples, requested=np.select([requested == one, requested == other], [other, one], requested))


def dropped(samples: Samples, reference: Reference, random: np.random.Generator) -> Samples:
    """One class is missing: 3, or the last. Images of other classes are repeated instead."""
    gone = min(3, len(reference.dataset.labels) - 1)
    rows = np.flatnonzero(_requested(samples) != gone)
    return samples.rows(random.choice(rows, len(samples)))


def copied(samples: Samples, reference: Reference, random: np.random.Generator) -> Samples:
    """All images are training images."""
    rows = np.arange(len(samples)) % reference.sample
    return Samples(reference.train.images[rows], reference.train.labels[rows])


FAULTS: Mapping[str, Fault] = {
    "blur 0.5": Fault(blurred(0.5), ("fd",)),
    "blur 1.0": Fault(blurred(1.0), ("fd",)),
    "noise 0.1": Fault(altered(lambda x, random: x + random.normal(0, 0.1, x.shape)), ("fd",)),
    "noise 0.3": Fault(altered(lambda x, random: x + random.normal(0, 0.3, x.shape)), ("fd", "label_accuracy")),
    "mean of two images": Fault(mixed, ("fd", "fine_detail")),
    "patch borders": Fault(patched(4, 0.03), ("borders",)),
    "colours x0.5": Fault(washed(0.5), ("colour",), colours_only=True),
    "grey": Fault(washed(0), ("colour",), colours_only=True),
    "range bug": Fault(altered(lambda x, random: (x + 1) / 2), ("fd", "label_accuracy")),
    "contrast x0.5": Fault(altered(lambda x, random: x / 2), ("fd",)),
    "inverted": Fault(altered(lambda x, random: 1 - x), ("fd", "label_accuracy")),
    "1 image per class": Fault(few(1), ("fd", "recall")),
    "10 images per class": Fault(few(10), ("fd", "recall")),
    "100 images per class": Fault(few(100), ("fd", "recall")),
    "shrink: central 50 %": Fault(shrunk(0.5), ("fd", "recall")),
    "shrink: central 20 %": Fault(shrunk(0.2), ("fd", "recall")),
    "wrong label 10 %": Fault(mislabelled(0.1), ("label_accuracy",)),
    "wrong label 50 %": Fault(mislabelled(0.5), ("label_accuracy",)),
    "labels ignored": Fault(ignored, ("label_accuracy",)),
    "two classes swapped": Fault(swapped, ("label_accuracy",), classes_only=True),
    "class dropped": Fault(dropped, ("fd", "missing_classes"), classes_only=True),
    "copies of train": Fault(copied, ("copying",)),
}


@dataclass(frozen=True)
class FaultResult:
    """What the metrics say about real images with one fault."""

    fault: str
    numbers: dict[str, Estimate]
    noticed: list[str] = field(default_factory=list)
    """Names of the metrics that detect it."""
    gate: list[str] = field(default_factory=list)
    """What the validity check says, in sentences."""
    should: list[str] | None = None
    """Names of the metrics that have to detect it; None without a fault."""

    def to_json(self) -> dict[str, Any]:
        numbers = {name: number.to_json() for name, number in self.numbers.items()}
        found = {"fault": self.fault, "numbers": numbers, "noticed": self.noticed, "gate": self.gate}
        return found if self.should is None else found | {"should": self.should}


def self_test(reference: Reference, count: int) -> Iterator[FaultResult]:
    """One result per fault: its metrics, and which of them detect it. The first result is for unchanged real images."""
    split = reference.other_train(count)
    clean, floor = Samples(split.images, split.labels), real_estimates(reference, count)
    yield FaultResult("none: real images", floor)
    for name, fault in FAULTS.items():
        if not fault.possible(clean):
            continue
        random = np.random.default_rng(seed_of("fault", name))
        broken = fault.plant(clean, reference, random)
        numbers = measure(GeneratedSet(broken, reference), (*EVALUATORS, *AGAINST_TRAINING))
        gate = reference.problems(broken.images)
        yield FaultResult(name, numbers, noticed(numbers, floor), gate, list(fault.caught_by))


def noticed(numbers: Mapping[str, Estimate], floor: Mapping[str, Estimate]) -> list[str]:
    """Metrics that are worse than those of real images by more than three standard deviations.

    Exact copies are left out, since the faults are introduced into training images.
    """
    both = [name for name in METRICS if name in numbers and name in floor and name != "exact_copies"]
    return [name for name in both if _worse(name, numbers[name], floor[name])]


def _worse(name: str, number: Estimate, real: Estimate) -> bool:
    if number.value is None or real.value is None:
        return False
    deviation = ((number.error or 0) ** 2 + (real.error or 0) ** 2) ** 0.5 / Z
    off = number.value - real.value
    wrong_way = {"low": off, "high": -off, "real": abs(off)}[METRICS[name].better]
    return bool(wrong_way > 3 * deviation)


def _refilled(
    samples: Samples, keep: Callable[[NDArray[np.intp]], NDArray[np.intp]], random: np.random.Generator
) -> Samples:
    """As many images of each label as before, sampled with replacement from those that `keep` selects."""
    _, groups = np.unique(_requested(samples), axis=0, return_inverse=True)
    rows = np.arange(len(samples))
    for group in np.unique(groups):
        mine = np.flatnonzero(groups == group)
        rows[mine] = random.choice(keep(mine), len(mine))
    return samples.rows(rows)


def _requested(samples: Samples) -> NDArray[np.int64]:
    assert samples.requested is not None
    return samples.requested
