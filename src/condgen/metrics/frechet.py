"""Fréchet distance between two sets of features (Heusel et al. 2017, arXiv 1706.08500, eq. 6).

The name FID is reserved for the features of one particular Inception network. Our features are those of a judge, so the
metric is called FD. Means and covariances are float64. FD(X, Y) = |m_x - m_y|² + tr S_x + tr S_y - 2 tr (S_x^½ S_y
S_x^½)^½; the last term is computed by two symmetric eigendecompositions, which also work for singular covariances.
"""

from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from statistics import stdev

import torch
from torch import Tensor

from condgen.metrics.estimate import Estimate, Z, refused

PARTS = 5
"""Number of disjoint parts of a sample, whose standard deviation gives the error."""
ENOUGH = 4
"""Images per feature dimension below which FD is refused."""


@dataclass(frozen=True)
class Moments:
    """Sample size, mean (d,) and unbiased covariance (d, d) of a set of features: all that FD depends on."""

    n: int
    mean: Tensor
    covariance: Tensor

    @classmethod
    def of(cls, features: Tensor) -> "Moments":
        """features: (n, d), with n >= 2."""
        x = features.double()
        mean = x.mean(0)
        centred = x - mean
        return cls(len(x), mean, centred.T @ centred / (len(x) - 1))

    @cached_property
    def root(self) -> Tensor:
        """The symmetric square root of the covariance (d, d). It is the most expensive part, so it is cached."""
        values, vectors = torch.linalg.eigh(self.covariance)
        root: Tensor = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
        return root


def distance(real: Moments, generated: Moments) -> float:
    """FD between two sets: 0 for equal ones, and symmetric."""
    inner = real.root @ generated.covariance @ real.root
    overlap = torch.linalg.eigvalsh(inner).clamp_min(0).sqrt().sum()
    apart = (real.mean - generated.mean).square().sum()
    return float(apart + real.covariance.trace() + generated.covariance.trace() - 2 * overlap)


def fd(real: Moments, generated: Tensor) -> Estimate:
    """FD of generated features (n, d). The error is two standard deviations of FD over disjoint parts, scaled to n.

    The scaling by 1/√parts is correct for values far above the floor, and too large near the floor, where the deviation
    falls faster (docs/metrics.md). A bootstrap would be biased, since resampling acts like a smaller sample.
    """
    if why := too_few(real.n, len(generated), generated.shape[1]):
        return refused(why, len(generated))
    value = distance(real, Moments.of(generated))
    return Estimate(value, Z * stdev(_in_parts(real, generated, PARTS)) / sqrt(PARTS), len(generated))


def fd_inf(real: Moments, generated: Tensor) -> Estimate:
    """FD extrapolated to infinitely many images: the intercept of FD over 1/n (Chong & Forsyth 2020, arXiv 1911.07023).

    The fit uses the whole sample and its disjoint halves, thirds, ...; the error is that of the intercept.
    """
    if why := too_few(real.n, len(generated) // PARTS, generated.shape[1]):
        return refused(f"FD_inf needs {PARTS} parts that are large enough; {why}", len(generated))
    found = [(k / len(generated), value) for k in range(1, PARTS + 1) for value in _in_parts(real, generated, k)]
    x, y = torch.tensor(found, dtype=torch.float64).T
    spread = (x - x.mean()).square().sum()
    slope = ((x - x.mean()) * y).sum() / spread
    intercept = y.mean() - slope * x.mean()
    residual = (y - intercept - slope * x).square().sum() / (len(y) - 2)
    error = (residual * (1 / len(y) + x.mean().square() / spread)).sqrt()
    return Estimate(float(intercept), Z * float(error), len(generated))


def too_few(real: int, generated: int, dim: int) -> str | None:
    """Why FD is refused for samples of these sizes, in one sentence; None if they are large enough."""
    if min(real, generated) >= ENOUGH * dim:
        return None
    which = f"{real:,} real" if real <= generated else f"{generated:,} generated"
    return f"FD over {dim} features needs at least {ENOUGH * dim:,} images on each side, found {which} ones."


def _in_parts(real: Moments, generated: Tensor, parts: int) -> list[float]:
    """FD of each of `parts` disjoint parts. Each part has every parts-th image, so images may be sorted by label."""
    return [distance(real, Moments.of(generated[i::parts])) for i in range(parts)]
