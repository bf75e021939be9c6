"""Metrics for few images: distances to the training images, and repeated images.

A small test split says little about a distribution of 128 features. The training images are more, so these metrics
compare with them; real test images in place of generated ones give the floor.
"""

from math import sqrt

import torch
from torch import Tensor

from condgen.metrics import frechet
from condgen.metrics.estimate import Estimate, Z, refused, share
from condgen.metrics.kid import kernel
from condgen.metrics.neighbours import Balls

PER_DIMENSION = 8
"""Images per principal component."""
RARE = 0.05
"""Share of real images that count as repeated, by definition."""
FEWEST = 10
"""Images on each side that these metrics need."""


def dimensions(images: int, features: int) -> int:
    """Number of principal components that FD uses for so many images."""
    return max(1, min(features, images // PER_DIMENSION))


def fd_reduced(train: Tensor, generated: Tensor) -> Estimate:
    """FD between generated images and training images, over the leading principal components of the latter.

    The number of components depends on the number of generated images alone (`dimensions`), so that their covariance
    can be estimated. generated: (n, d), train: (m, d), with m >= n.
    """
    n = len(generated)
    if min(n, len(train)) < FEWEST:
        return refused(f"FD needs at least {FEWEST} images on each side, found {min(n, len(train))}.", n)
    train, generated = train.double(), generated.double()
    basis = torch.linalg.svd(train - train.mean(0), full_matrices=False).Vh[: dimensions(n, train.shape[1])].T
    real, ours = frechet.Moments.of(train @ basis), frechet.Moments.of(generated @ basis)
    return Estimate(frechet.distance(real, ours), Z * _deviation(real, ours, generated @ basis), n)


def _deviation(real: frechet.Moments, ours: frechet.Moments, features: Tensor) -> float:
    """Standard deviation of FD by its influence function over images (the delta method), for features (n, d).

    The derivative of FD is 2 (m - m_real) by the mean, and I - T by the covariance, where T = R (R S R)^-½ R with
    R = S_real^½ is the matrix of the optimal map from the generated to the real distribution (Bhatia et al. 2019,
    arXiv 1712.01504). Disjoint parts, as for FD, would be too small.
    """
    values, vectors = torch.linalg.eigh(real.root @ ours.covariance @ real.root)
    inverse = (vectors * values.clamp_min(1e-6 * values.max() + 1e-12).rsqrt()) @ vectors.T
    change = torch.eye(len(values), dtype=torch.float64) - real.root @ inverse @ real.root
    centred = features - ours.mean
    influence = 2 * centred @ (ours.mean - real.mean) + ((centred @ change) * centred).sum(1)
    return float(influence.std()) / sqrt(len(features))


def kid_train(train: Tensor, generated: Tensor) -> Estimate:
    """KID over all pairs of (m, d) and (n, d), with the error of the jackknife over the images of both sides."""
    n, m = len(generated), len(train)
    if min(n, m) < FEWEST:
        return refused(f"KID needs at least {FEWEST} images on each side, found {min(n, m)}.", n)
    x, y = generated.double(), train.double()
    ours, theirs, both = kernel(x, x).fill_diagonal_(0).sum(1), kernel(y, y).fill_diagonal_(0).sum(1), kernel(x, y)
    within, among = ours.sum() / (n * (n - 1)), theirs.sum() / (m * (m - 1))
    value = within + among - 2 * both.mean()
    without_x = (ours.sum() - 2 * ours) / ((n - 1) * (n - 2)) - 2 * (both.sum() - both.sum(1)) / ((n - 1) * m)
    without_y = (theirs.sum() - 2 * theirs) / ((m - 1) * (m - 2)) - 2 * (both.sum() - both.sum(0)) / (n * (m - 1))
    variance = without_x.var(correction=0) * (n - 1) + without_y.var(correction=0) * (m - 1)
    return Estimate(float(value), Z * sqrt(float(variance)), n)


def repeats(real: Tensor, generated: Tensor) -> Estimate:
    """Share of generated images that are nearer to another generated image than 95 % of real images are to a real one.

    real and generated: (n, d), equally many. 0.05 without repeats, 1 if every image exists twice.
    """
    n = len(generated)
    if min(n, len(real)) < FEWEST:
        return refused(f"repeated images need at least {FEWEST} images on each side, found {min(n, len(real))}.", n)
    near = Balls.around(real, 1).radii.quantile(RARE)
    return share(int((Balls.around(generated, 1).radii < near).sum()), n)
