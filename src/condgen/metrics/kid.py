"""Kernel distance (Bińkowski et al. 2018, arXiv 1801.01401): unbiased for any sample size."""

from math import sqrt
from statistics import mean, stdev

import torch
from torch import Tensor

from condgen.metrics.estimate import Estimate, Z, refused

BLOCK = 1000


def kid(real: Tensor, generated: Tensor, block: int = BLOCK) -> Estimate:
    """Mean of the squared MMD over disjoint blocks of features (n, d) and (m, d); the error is that of the mean.

    The kernel is (x·y / d + 1)³. Values scatter around 0, also below it, if both sets have the same distribution.
    Memory grows with block², not with n².
    """
    n = min(len(real), len(generated))
    if n < 2:
        return refused("KID needs at least two images on each side.", n)
    block = min(block, n // 2 if n >= 4 else n)
    starts = range(0, n - block + 1, block)
    found = [mmd2(real[i : i + block].double(), generated[i : i + block].double()) for i in starts]
    error = Z * stdev(found) / sqrt(len(found)) if len(found) > 1 else None
    return Estimate(mean(found), error, n)


def mmd2(x: Tensor, y: Tensor) -> float:
    """The unbiased estimate of the squared maximum mean discrepancy of two sets (n, d) and (m, d)."""
    n, m = len(x), len(y)
    within = (_kernel_sum(x) / (n * (n - 1))) + (_kernel_sum(y) / (m * (m - 1)))
    return float(within - 2 * kernel(x, y).mean())


def kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1).pow(3)


def _kernel_sum(x: Tensor) -> Tensor:
    """The sum over all pairs of different rows."""
    values = kernel(x, x)
    return values.sum() - torch.diagonal(values).sum()
