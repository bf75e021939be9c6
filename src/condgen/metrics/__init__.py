"""Numbers from matrices: features, labels or pixels in, a `Estimate` with its error out. Nobody here knows a system.

frechet.py      FD, FD_inf        how far two clouds of features are apart
kid.py          KID               the same, unbiased, for few pictures
neighbours.py   precision, recall, density, coverage, copying
labelling.py    label accuracy, confusion, balance
pixels.py       the gate, exact copies, sharpness

This page is the table of what is reported: its name in JSON, its title, which way is good, what it tells, and when it
is a red flag. It needs no torch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from condgen.metrics.estimate import Estimate

Flag = Callable[[float, float], bool]
"""(value, that of real pictures) -> whether something is wrong."""


@dataclass(frozen=True)
class Metric:
    """One row of the table."""

    title: str
    better: Literal["low", "high", "real"]
    """real: the nearer to the value of real pictures the better."""
    description: str
    headline: bool = False
    flag: Flag = lambda value, real: False
    wrong: str = ""
    """What the red flag means."""
    above: str = ""
    """What it means above the value of real pictures, where that is another thing."""


METRICS: Mapping[str, Metric] = {
    "fd_intra": Metric(
        "intra-class FD", "low", "FD within each class, averaged: label faults and collapse in one number", True,
        lambda value, real: value > 3 * real, "classes are mixed up, narrow or far from real ones",
    ),
    "missing_classes": Metric(
        "missing classes", "low", "classes that the judge sees in less than a tenth of their real share", True,
        lambda value, real: value > real, "some classes are not drawn at all",
    ),
    "fd": Metric(
        "FD", "low", "distance between the features of drawn and of real test pictures", True,
        lambda value, real: value > 5 * real, "pictures look unlike real ones, or kinds of them are missing",
    ),
    "precision": Metric(
        "precision", "real", "share of drawn pictures among real ones: fidelity", True,
        lambda value, real: abs(value - real) > .02 and (value > real or value < real - .05),
        "many pictures are unlike real ones", "above real pictures: only the safest kinds are drawn",
    ),
    "recall": Metric(
        "recall", "real", "share of real pictures among drawn ones: diversity", True,
        lambda value, real: value < real - .05, "kinds of real pictures are never drawn",
    ),
    "label_accuracy": Metric(
        "label accuracy", "real", "share of pictures in which the judge sees the label that was asked for", True,
        lambda value, real: False, "labels are not always followed", "above real pictures: only easy ones are drawn",
    ),
    "cas": Metric(
        "CAS", "high", "accuracy on real pictures of a classifier trained on drawn ones only: usefulness", True,
        lambda value, real: value < real - .1, "drawn pictures teach a classifier little",
    ),
    "copying": Metric(
        "copying", "real", "share of drawn pictures nearer to training than to held-out pictures; about half is fair",
        True, lambda value, real: value > real + .04, "training pictures are copied",
    ),
    "exact_copies": Metric(
        "exact copies", "low", "share of drawn pictures that equal a training picture", False,
        lambda value, real: value > real + .001, "training pictures are repeated to the pixel",
    ),
    "near_copies": Metric(
        "near copies", "low", "share of drawn pictures nearer to a training picture than 99 % of test ones", False,
        lambda value, real: value > .05, "training pictures are nearly repeated",
    ),
    "cas_worst": Metric(
        "CAS, worst class", "high", "the same, of the class that was learnt worst", False,
        lambda value, real: value < real - .1, "some class is drawn too badly to be learnt",
    ),
    "balance": Metric(
        "class balance", "low", "total variation between the classes seen in drawn and in real pictures", False,
        lambda value, real: value > real + .05, "some classes are drawn too often, others too rarely",
    ),
    "density": Metric("density", "real", "how crowded real pictures are where drawn ones lie; above 1.05 is narrow"),
    "coverage": Metric("coverage", "real", "share of real pictures with a drawn one near by"),
    "fid": Metric("FID", "low", "FD by the Inception network, the one number that other papers print"),
    "kid": Metric("KID", "low", "kernel distance, unbiased: for few pictures"),
    "fd_inf": Metric("FD_inf", "low", "FD of endlessly many pictures, extrapolated"),
    "fd_train": Metric("FD (train)", "low", "FD to training pictures; far below FD means copies"),
    "fd_intra_max": Metric("intra-class FD, worst", "low", "that of the worst class"),
    "sharpness": Metric("sharpness", "real", "strength of edges as a part of the real one: below 1 is blurred"),
    "walk": Metric("largest step", "real", "of 16 steps of a walk through noise, as a share of the way; .0625 is even"),
}  # fmt: skip


def flag(name: str, number: Estimate, real: Estimate | None) -> str | None:
    """What is wrong, in words, if this number is a red flag beside that of real pictures."""
    if number.value is None or real is None or real.value is None:
        return None
    metric = METRICS[name]
    if name == "label_accuracy":  # its own errors decide: 3 standard deviations below, or above it
        spread = 1.5 * ((number.error or 0) ** 2 + (real.error or 0) ** 2) ** 0.5
        bad = abs(number.value - real.value) > spread
    else:
        bad = metric.flag(number.value, real.value)
    if not bad:
        return None
    return metric.above if metric.above and number.value > real.value else metric.wrong
