"""Does a picture show what was asked for, and are all labels drawn? Numbers from what a judge sees.

Label accuracy is the GAN-test of Shmelkov et al. 2018, arXiv 1807.09499. Classes come as numbers (n,), attributes as
0/1 values (n, K).
"""

from math import sqrt

import torch
from torch import Tensor

from condgen.metrics.estimate import Estimate, Z, refused, share

MISSING = 0.1
"""A class is missing if it is seen in less than this part of its real share."""


def accuracy(requested: Tensor, seen: Tensor) -> Estimate:
    """Share of pictures that show their class; of attributes, the mean over attributes of balanced accuracy."""
    if requested.ndim == 1:
        return share(int((requested == seen).sum()), len(requested))
    return balanced(requested, seen)


def balanced(requested: Tensor, seen: Tensor) -> Estimate:
    """Mean over attributes of (share right where it is on + share right where it is off) / 2; (n, K) of 0 and 1.

    An attribute that is always on or always off counts by the half there is.
    """
    halves, variances = [], []
    for column in range(requested.shape[1]):
        wanted, right = requested[:, column], (requested[:, column] == seen[:, column]).double()
        found = [right[wanted == value] for value in (0, 1) if (wanted == value).any()]
        halves.append(sum(float(half.mean()) for half in found) / len(found))
        variances.append(sum(float(half.var(correction=0)) / len(half) for half in found) / len(found) ** 2)
    return Estimate(sum(halves) / len(halves), Z * sqrt(sum(variances)) / len(halves), len(requested))


def recalls(requested: Tensor, seen: Tensor, labels: int) -> list[Estimate]:
    """Per class the share of its pictures that show it; per attribute its balanced accuracy."""
    if requested.ndim == 2:
        return [balanced(requested[:, [i]], seen[:, [i]]) for i in range(labels)]
    found = []
    for label in range(labels):
        mine = requested == label
        hits, n = int((seen[mine] == label).sum()), int(mine.sum())
        found.append(share(hits, n) if n else refused("none was asked for."))
    return found


def confusion(requested: Tensor, seen: Tensor, labels: int) -> list[list[int]]:
    """Counts of classes: a row per class asked for, a column per class seen."""
    return torch.bincount(requested * labels + seen, minlength=labels**2).reshape(labels, labels).tolist()


def balance(seen: Tensor, real: Tensor, labels: int) -> Estimate:
    """Total variation between the classes seen in drawn and in real pictures; of attributes, the mean difference.

    0 is equal, 1 is nothing in common.
    """
    p, q = histogram(seen, labels), histogram(real, labels)
    scale = labels if seen.ndim == 2 else 2
    variance = ((p * (1 - p)) / len(seen) + q * (1 - q) / len(real)).sum()
    return Estimate(float((p - q).abs().sum()) / scale, Z * float(variance.sqrt()) / scale, len(seen))


def missing(seen: Tensor, real: Tensor, labels: int) -> list[int]:
    """Which classes, or attributes when on, are hardly ever seen though real pictures show them."""
    p, q = histogram(seen, labels), histogram(real, labels)
    return torch.nonzero((p < MISSING * q) & (q > 0))[:, 0].tolist()


def histogram(seen: Tensor, labels: int) -> Tensor:
    """Shares (K,): of each class, or of pictures with each attribute on."""
    if seen.ndim == 2:
        return seen.double().mean(0)
    return torch.bincount(seen, minlength=labels).double() / len(seen)
