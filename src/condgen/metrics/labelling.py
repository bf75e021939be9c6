"""Metrics of requested labels against the labels that a judge predicts.

Label accuracy is the GAN-test of Shmelkov et al. 2018, arXiv 1807.09499. Classes are indices (n,), attributes are 0/1
values (n, K).
"""

from math import exp, lgamma, log, log1p, sqrt

import torch
from torch import Tensor

from condgen.metrics.estimate import Estimate, Z, refused, share

MISSING = 0.1
"""A class is missing if its frequency is below this fraction of its frequency in real images."""
RARE = 1e-6
"""Expected number of classes missing by chance below which the number of missing classes has no error."""


def accuracy(requested: Tensor, seen: Tensor) -> Estimate:
    """Share of images with the requested class; for attributes, balanced accuracy averaged over the attributes."""
    if requested.ndim == 1:
        return share(int((requested == seen).sum()), len(requested))
    return balanced(requested, seen)


def balanced(requested: Tensor, seen: Tensor) -> Estimate:
    """Balanced accuracy, the mean of sensitivity and specificity, averaged over attributes; inputs (n, K) of 0 and 1.

    For an attribute that is always present or always absent, only the defined one of the two is used.
    """
    halves, variances = [], []
    for column in range(requested.shape[1]):
        wanted, right = requested[:, column], (requested[:, column] == seen[:, column]).double()
        found = [right[wanted == value] for value in (0, 1) if (wanted == value).any()]
        halves.append(sum(float(half.mean()) for half in found) / len(found))
        variances.append(sum(float(half.var(correction=0)) / len(half) for half in found) / len(found) ** 2)
    return Estimate(sum(halves) / len(halves), Z * sqrt(sum(variances)) / len(halves), len(requested))


def recalls(requested: Tensor, seen: Tensor, labels: int) -> list[Estimate]:
    """Recall of each class, or balanced accuracy of each attribute."""
    if requested.ndim == 2:
        return [balanced(requested[:, [i]], seen[:, [i]]) for i in range(labels)]
    found = []
    for label in range(labels):
        mine = requested == label
        hits, n = int((seen[mine] == label).sum()), int(mine.sum())
        found.append(share(hits, n) if n else refused("no image of it was requested."))
    return found


def calibration_error(logits: Tensor, labels: Tensor, bins: int = 15) -> float:
    """Expected calibration error (Guo et al. 2017, arXiv 1706.04599): the mean difference of confidence and accuracy
    over bins of equal width in confidence, weighted by their images. logits: (n, K), labels: (n,)."""
    if not len(labels):
        return 0.0
    confidence, predicted = logits.double().softmax(1).max(1)
    place = (confidence * bins).ceil().long() - 1
    sums = torch.zeros(bins, dtype=torch.float64).index_add(0, place, confidence - (predicted == labels).double())
    return float(sums.abs().sum()) / len(labels)


def confusion(requested: Tensor, seen: Tensor, labels: int) -> list[list[int]]:
    """Confusion matrix of counts, (labels, labels): one row per requested class, one column per predicted one."""
    return torch.bincount(requested * labels + seen, minlength=labels**2).reshape(labels, labels).tolist()


def balance(seen: Tensor, real: Tensor, labels: int) -> Estimate:
    """Total variation distance between the predicted classes of generated and real images; for attributes, the mean
    absolute difference of frequencies. 0: equal, 1: disjoint.
    """
    p, q = histogram(seen, labels), histogram(real, labels)
    scale = labels if seen.ndim == 2 else 2
    variance = ((p * (1 - p)) / len(seen) + q * (1 - q) / len(real)).sum()
    return Estimate(float((p - q).abs().sum()) / scale, Z * float(variance.sqrt()) / scale, len(seen))


def missing(seen: Tensor, real: Tensor, labels: int) -> list[int]:
    """Indices of the classes or attributes that are nearly absent, although real images have them."""
    p, q = histogram(seen, labels), histogram(real, labels)
    return torch.nonzero((p < MISSING * q) & (q > 0))[:, 0].tolist()


def missing_classes(seen: Tensor, real: Tensor, labels: int) -> Estimate:
    """Number of missing classes. The error covers those that chance alone would miss among so few images."""
    rates, n = histogram(real, labels), len(seen)
    likely = sum(float(_chance_missing(n, rate)) for rate in rates.tolist() if rate > 0)
    error = Z * sqrt(likely) if likely > RARE else None
    return Estimate(len(missing(seen, real, labels)), error, n)


def _chance_missing(n: int, rate: float) -> float:
    """Probability that fewer than MISSING of its expected share of n independent images have a label of this rate."""
    fewest = -(-MISSING * n * rate // 1)  # counts below this number are missing
    logs = [lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(rate) + (n - k) * log1p(-rate)
            for k in range(int(fewest)) if rate < 1]  # fmt: skip
    return sum(map(exp, logs))


def histogram(seen: Tensor, labels: int) -> Tensor:
    """Frequencies (K,) of each class, or of each attribute."""
    if seen.ndim == 2:
        return seen.double().mean(0)
    return torch.bincount(seen, minlength=labels).double() / len(seen)
