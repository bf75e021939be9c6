"""Metrics of labels: whether images show the labels that were requested, and how good the images of each label are."""

from math import sqrt
from statistics import mean
from typing import Any

from torch import Tensor

from condgen.judging import against_training
from condgen.judging.generated_set import Estimates, GeneratedSet
from condgen.judging.reference import Reference
from condgen.metrics import labelling, neighbours
from condgen.metrics.estimate import Estimate, refused, share

FEWEST_TESTED, LARGEST_ERROR = 30, 0.1
"""Real images that the judge was tested on, and the error of its accuracy, which label accuracy needs."""
NO_LABEL = "this generator is unconditional."


def label_metrics(generated: GeneratedSet) -> Estimates:
    """Missing classes, class balance and label accuracy."""
    seen, real = generated.predictions.labels, generated.reference.predictions.labels
    labels = len(generated.reference.dataset.labels)
    yield "missing_classes", labelling.missing_classes(seen, real, labels)
    yield "balance", labelling.balance(seen, real, labels)
    why = NO_LABEL if generated.requested is None else uncertain(generated.reference)
    if generated.requested is None or why:
        yield "label_accuracy", refused(why)
    else:
        yield "label_accuracy", labelling.accuracy(generated.requested, seen)


def uncertain(reference: Reference) -> str:
    """Why the judge cannot measure label accuracy: it was tested on too few images to be trusted; '' if it can."""
    tested = reference.judge.accuracy
    if tested.n >= FEWEST_TESTED and (tested.error or 0) <= LARGEST_ERROR:
        return ""
    return (
        f"label accuracy needs a feature classifier whose own accuracy is known to ±{LARGEST_ERROR:g} from at least "
        f"{FEWEST_TESTED} real test images; it is {tested} from {tested.n:,}."
    )


def intra_class_fd(generated: GeneratedSet) -> Estimates:
    """Intra-class FD: mean and maximum over the classes (Miyato & Koyama 2018, arXiv 1802.05637)."""
    each = [number for _, number in generated.fd_per_class if number.n]
    if why := next((number.refused for number in each if number.refused), None if each else NO_LABEL):
        yield from dict.fromkeys(("fd_intra", "fd_intra_max"), refused(why)).items()
        return
    error = sqrt(sum((number.error or 0) ** 2 for number in each)) / len(each)
    yield "fd_intra", Estimate(mean(number.value or 0 for number in each), error, len(generated.samples))
    yield "fd_intra_max", max(each, key=lambda number: number.value or 0)


def per_class(generated: GeneratedSet) -> list[dict[str, Any]]:
    """For each class, or attribute present and absent: number of images, label accuracy, FD, precision and recall."""
    if generated.requested is None:
        return []
    reference, lines = generated.reference, []
    real, ours = reference.groups(reference.labels), reference.groups(generated.requested)
    distances = generated.fd_per_class
    for number, ((name, in_real), (_, in_ours)) in enumerate(zip(real, ours, strict=True)):
        n = min(int(in_real.sum()), int(in_ours.sum()), 1000)
        near = neighbours.prdc(
            neighbours.Balls.around(reference.predictions.features[in_real][:n]),
            generated.predictions.features[in_ours][:n],
        )
        numbers = {"label_accuracy": _accuracy_within(generated, number, in_ours), "fd": distances[number][1]}
        numbers |= {key: near[key] for key in ("precision", "recall")}
        numbers |= against_training.detail_within(generated, in_ours, number)
        lines.append({"label": name, "images": int(in_ours.sum())} | _json(numbers))
    return lines


def _accuracy_within(generated: GeneratedSet, number: int, group: Tensor) -> Estimate:
    """Label accuracy within a group, given as a mask. Attributes have two groups each, present and absent."""
    if generated.requested is None or not group.any():
        return refused("no image of it was requested.")
    if why := uncertain(generated.reference):
        return refused(why)
    right = (generated.requested == generated.predictions.labels)[group]
    right = right if right.ndim == 1 else right[:, number // 2]
    return share(int(right.sum()), len(right))


def _json(numbers: dict[str, Estimate]) -> dict[str, Any]:
    return {name: number.to_json() for name, number in numbers.items()}


def confusion(generated: GeneratedSet) -> list[list[int]] | None:
    """Confusion matrix of counts: one row per requested class, one column per predicted one; None without classes."""
    if generated.requested is None or generated.requested.ndim == 2:
        return None
    return labelling.confusion(
        generated.requested, generated.predictions.labels, len(generated.reference.dataset.labels)
    )
