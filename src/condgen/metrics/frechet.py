"""Fréchet distance between two sets of features (Heusel et al. 2017, arXiv 1706.08500, eq. 6).

The word FID belongs to features of one certain Inception network; ours are a judge's, so ours is FD[judge]. Means and
covariances are float64. FD(X, Y) = |m_x - m_y|² + tr S_x + tr S_y - 2 tr (S_x^½ S_y S_x^½)^½, the last through two
symmetric eigenproblems, which singular covariances do not trouble.
"""

from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from statistics import stdev

import torch
from torch import Tensor

from condgen.metrics.estimate import Estimate, Z, refused

PARTS = 5
"""Disjoint parts of a set whose spread gives the error."""
ENOUGH, FEW = 4, 10
"""Pictures per feature: below the first FD is refused, below the second it is called rough."""


@dataclass(frozen=True)
class Moments:
    """All that FD needs of a set of features: n, mean (d,), covariance (d, d) with n - 1."""

    n: int
    mean: Tensor
    covariance: Tensor

    @classmethod
    def of(cls, features: Tensor) -> "Moments":
        """features: (n, d), n of 2 or more."""
        x = features.double()
        mean = x.mean(0)
        centred = x - mean
        return cls(len(x), mean, centred.T @ centred / (len(x) - 1))

    @cached_property
    def root(self) -> Tensor:
        """The symmetric square root of the covariance; the dearest part, kept for every set compared with this one."""
        values, vectors = torch.linalg.eigh(self.covariance)
        root: Tensor = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
        return root


def distance(real: Moments, generated: Moments) -> float:
    """FD; 0 for equal sets. Symmetric, though only the root of `real` is taken."""
    inner = real.root @ generated.covariance @ real.root
    overlap = torch.linalg.eigvalsh(inner).clamp_min(0).sqrt().sum()
    apart = (real.mean - generated.mean).square().sum()
    return float(apart + real.covariance.trace() + generated.covariance.trace() - 2 * overlap)


def fd(real: Moments, generated: Tensor) -> Estimate:
    """FD of drawn features (n, d) with its error: two standard deviations of FD over disjoint parts, scaled to n.

    The scaling by 1/√parts is right where FD is far above its floor and too large at the floor, where the spread falls
    faster (docs/metrics.md). Drawing with replacement instead would act like fewer pictures and miss the value itself.
    """
    if why := too_few(real.n, len(generated), generated.shape[1]):
        return refused(why, len(generated))
    value = distance(real, Moments.of(generated))
    return Estimate(value, Z * stdev(_in_parts(real, generated, PARTS)) / sqrt(PARTS), len(generated))


def fd_inf(real: Moments, generated: Tensor) -> Estimate:
    """FD of endlessly many pictures: the intercept of FD against 1/n (Chong & Forsyth 2020, arXiv 1911.07023).

    The points are all disjoint halves, thirds ... of the set; the error is that of the fitted intercept.
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
    """Why FD would mean nothing for so few pictures; None if there are enough."""
    if min(real, generated) >= ENOUGH * dim:
        return None
    which = f"{real:,} real" if real <= generated else f"{generated:,} drawn"
    return f"FD over {dim} features needs at least {ENOUGH * dim:,} pictures on each side, found {which} ones."


def _in_parts(real: Moments, generated: Tensor, parts: int) -> list[float]:
    """FD of each of so many parts; every parts-th picture belongs to one, so that sorted labels do no harm."""
    return [distance(real, Moments.of(generated[i::parts])) for i in range(parts)]
