"""Metrics as functions of features, labels or pixels: each returns an `Estimate`, a value with its error.

frechet.py      FD, FD_inf: distance between two distributions of features
kid.py          KID: an unbiased distance, for small samples
neighbours.py   precision, recall, density, coverage, copying
nearness.py     relative distances to training images, membership attack
labelling.py    label accuracy, confusion matrix, class balance
small.py        distances to the training images, for few images
pixels.py       validity checks, exact copies, sharpness
texture.py      fine detail, spectrum, patch borders, colour

This module is the table of reported metrics: name in JSON, title, direction, description, and when a value is a warning
sign. It does not import torch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import hypot
from typing import Literal

from condgen.metrics.estimate import Estimate

CERTAIN = 1.8
"""Half-widths of the 95 % interval of a difference beyond which it is flagged: 3.5 standard deviations."""
Flag = Callable[[float, float], bool]
"""(value, value of real images) -> whether the value is a warning sign."""


@dataclass(frozen=True)
class Metric:
    """One metric of the table."""

    title: str
    better: Literal["low", "high", "real"]
    """low, high: lower or higher is better. real: the nearer to the value of real images the better."""
    description: str
    headline: bool = False
    flag: Flag = lambda value, real: False
    wrong: str = ""
    """What the warning sign means."""
    above: str = ""
    """What it means if the value is above that of real images, if that differs."""


METRICS: Mapping[str, Metric] = {
    "fd_intra": Metric(
        "intra-class FD", "low", "mean FD within the classes: sensitive to wrong labels and to mode collapse", True,
        lambda value, real: value > 3 * real, "classes are confused, collapsed or unlike the real ones",
    ),
    "missing_classes": Metric(
        "missing classes", "low", "number of classes with less than a tenth of their real frequency", True,
        lambda value, real: value > real, "some classes are not generated",
    ),
    "fd": Metric(
        "FD", "low", "Fréchet distance between features of generated and of real test images", True,
        lambda value, real: value > 5 * real, "images are unlike real ones, or some modes are missing",
    ),
    "precision": Metric(
        "precision", "real", "fidelity: share of generated images within the manifold of real ones", True,
        lambda value, real: abs(value - real) > 0.02 and (value > real or value < real - 0.05),
        "many images are unlike real ones", "above real images: only the most typical images are generated",
    ),
    "recall": Metric(
        "recall", "real", "diversity: share of real images within the manifold of generated ones", True,
        lambda value, real: value < real - 0.2, "some modes of the real images are never generated",
    ),
    "label_accuracy": Metric(
        "label accuracy", "real", "share of images that the feature classifier assigns to the requested label", True,
        lambda value, real: value < real - 0.01 or value > real + 0.005, "labels are not always followed",
        "above real images: only easy ones are generated",
    ),
    "cas": Metric(
        "CAS", "high", "accuracy on real images of a classifier trained on generated images only", True,
        lambda value, real: value < real - 0.1, "generated images are poor training data for a classifier",
    ),
    "copying": Metric(
        "copying", "real", "share of generated images nearer to training than to held-out images; 0.5 without copying",
        True, lambda value, real: value > real + 0.04, "training images are memorised",
    ),
    "exact_copies": Metric(
        "exact copies", "low", "share of generated images that equal a training image in every pixel", False,
        lambda value, real: value > real + 0.001, "training images are reproduced exactly",
    ),
    "near_copies": Metric(
        "near copies", "low", "share of generated images nearer to a training image than 99 % of test images", False,
        lambda value, real: value > 0.05, "training images are nearly reproduced",
    ),
    "cas_worst": Metric(
        "CAS, worst class", "high", "CAS of the class with the lowest accuracy", False,
        lambda value, real: value < real - 0.1, "the images of some class are poor training data",
    ),
    "balance": Metric(
        "class balance", "low", "total variation distance of class frequencies, generated and real images", False,
        lambda value, real: value > real + 0.05, "some classes are generated too often, others too rarely",
    ),
    "density": Metric("density", "real", "density of real images around generated ones; above 1.05: low diversity"),
    "coverage": Metric("coverage", "real", "share of real images with a generated one nearby"),
    "fid": Metric("FID", "low", "FD on Inception features, as reported in papers"),
    "kid": Metric("KID", "low", "kernel distance between features; unbiased for small samples"),
    "fd_inf": Metric("FD_inf", "low", "FD extrapolated to infinitely many images"),
    "fd_train": Metric("FD (train)", "low", "FD to training images; a value far below FD means copying"),
    "fd_intra_max": Metric("intra-class FD, worst", "low", "FD of the class with the largest one"),
    "sharpness": Metric("sharpness", "real", "strength of edges relative to real images; below 1 is blurred"),
    "fd_reduced": Metric(
        "FD, few features", "low", "FD to training images over as many features as few images support; not FD", False,
        lambda value, real: value > 2 * real, "images are unlike real ones, or some modes are missing",
    ),
    "repeats": Metric(
        "repeats", "low", "share of images that another generated image nearly equals; about 0.05 in real ones", False,
        lambda value, real: value > max(real, 0.05) + 0.1, "many images are nearly equal",
    ),
    "fine_detail": Metric(
        "fine detail", "real", "strength of the finest structures relative to real images; 1 is right", False,
        lambda value, real: abs(value - real) > 0.1, "images are blurred", "images are speckled or too sharp",
    ),
    "spectrum": Metric(
        "spectrum", "low", "mean absolute log ratio of the power spectra of generated and real images", False,
        lambda value, real: value > real + 0.15, "structures of some sizes are too weak or too strong",
    ),
    "borders": Metric(
        "patch borders", "real", "strength of steps at patch borders relative to real images; 1 is right", False,
        lambda value, real: value > real + 0.07, "patches of the images do not fit together",
    ),
    "colour": Metric(
        "colour", "real", "strength of colours relative to real images; 1 is right, 0 is grey", False,
        lambda value, real: abs(value - real) > 0.1, "colours are washed out", "colours are too strong",
    ),
    "kid_train": Metric("KID (train)", "low", "KID to training images; unbiased for few images"),
    "walk": Metric("largest step", "real", "largest of 16 interpolation steps, relative to their sum; ideal: 0.0625"),
}  # fmt: skip


def least_difference(number: Estimate, real: Estimate) -> float:
    """The smallest difference from real images that cannot be chance: 3.5 standard deviations."""
    return CERTAIN * hypot(number.error or 0, real.error or 0)


def flag(name: str, number: Estimate, real: Estimate | None) -> str | None:
    """What is wrong, in words, if the value is a warning sign compared with real images; else None."""
    if number.value is None or real is None or real.value is None:
        return None
    metric = METRICS[name]
    if abs(number.value - real.value) <= least_difference(number, real) or not metric.flag(number.value, real.value):
        return None
    return metric.above if metric.above and number.value > real.value else metric.wrong
