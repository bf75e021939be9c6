"""Metrics based on nearest neighbours in feature space: fidelity, diversity and copying.

Precision and recall: Kynkäänniemi et al. 2019, arXiv 1904.06991. Density and coverage: Naeem et al. 2020, arXiv
2002.09797, with their k = 5; an image is not its own neighbour, and comparisons are strict. Distances are computed for
a chunk of rows at a time, so memory grows with chunk x n.
"""

from collections.abc import Iterator
from math import sqrt
from typing import NamedTuple

import torch
from torch import Tensor

from condgen.metrics.estimate import Estimate, Z, refused, share

K = 5
CHUNK = 1000


class Balls(NamedTuple):
    """A set of features (n, d) with the distance of each to its k-th neighbour within the set, (n,)."""

    centres: Tensor
    radii: Tensor
    k: int

    @classmethod
    def around(cls, features: Tensor, k: int = K) -> "Balls":
        if len(features) <= k:  # refused by `prdc`
            return cls(features, torch.zeros(len(features)), k)
        found = [rows.topk(k + 1, largest=False).values[:, -1] for rows in distances(features, features)]
        return cls(features, torch.cat(found), k)


def prdc(real: Balls, generated: Tensor) -> dict[str, Estimate]:
    """Precision, recall, density and coverage of generated features (m, d) against n real ones; n and m should be
    equal.

    The error of shares is Wilson's interval; that of density is the standard error of a mean over generated images.
    """
    n, m, k = len(real.centres), len(generated), real.k
    if min(n, m) <= k:
        why = f"{k} nearest neighbours need more than {k} images on each side, found {min(n, m)}."
        return dict.fromkeys(("precision", "recall", "density", "coverage"), refused(why, m))
    own = Balls.around(generated, k)
    inside, covered, recalled = torch.zeros(m), 0, 0
    for first, rows in zip(range(0, n, CHUNK), distances(real.centres, generated), strict=True):
        within = rows < real.radii[first : first + CHUNK, None]  # (chunk of real, generated)
        inside += within.sum(0)
        covered += int(within.any(1).sum())
        recalled += int((rows < own.radii).any(1).sum())
    return {
        "precision": share(int((inside > 0).sum()), m),
        "recall": share(recalled, n),
        "density": Estimate(float(inside.mean() / k), Z * float(inside.std() / k) / sqrt(m), m),
        "coverage": share(covered, n),
    }


def copying(generated: Tensor, train: Tensor, held_out: Tensor) -> Estimate:
    """Share of generated images that are nearer to a training image than to any of as many held-out ones.

    0.5 if the generator does not copy, 1 if every image is a copy.
    """
    n = min(len(train), len(held_out))
    return share(int((nearest(generated, train[:n])[0] < nearest(generated, held_out[:n])[0]).sum()), len(generated))


def nearest(features: Tensor, among: Tensor) -> tuple[Tensor, Tensor]:
    """Distance of each of (n, d) to its nearest neighbour among (m, d), and the index of that neighbour: (n,), (n,)."""
    found = [rows.min(1) for rows in distances(features, among)]
    return torch.cat([f.values for f in found]), torch.cat([f.indices for f in found])


def distances(x: Tensor, y: Tensor) -> Iterator[Tensor]:
    """Euclidean distances between x and y, for CHUNK rows of x at a time: (chunk, len(y)) each."""
    for rows in x.split(CHUNK):
        yield torch.cdist(rows, y)
