"""Smoothness of latent interpolations. The source document states it for the latent space of a VAE."""

import torch
from torch import Tensor

from condgen.judging.judge import Judge
from condgen.metrics.estimate import Estimate, Z
from condgen.noise import draw_at, walk
from condgen.sampling.sampler import Sampler

STEPS, WALKS = 16, 100


def largest_step(sampler: Sampler, judge: Judge, seed: int = 0) -> Estimate:
    """The largest of 16 interpolation steps relative to the sum of all, in feature space; mean of 100 interpolations.

    1/16 = 0.0625 if all steps are equal; 1 if the whole change is in one step.
    """
    shares = torch.stack([_largest(sampler, judge, seed, number) for number in range(WALKS)])
    return Estimate(float(shares.mean()), Z * float(shares.std()) / WALKS**0.5, WALKS)


def _largest(sampler: Sampler, judge: Judge, seed: int, number: int) -> Tensor:
    start, end = draw_at(sampler.prior, seed, [2 * number, 2 * number + 1])
    label = sampler.spec.labels.each[number % len(sampler.spec.labels)]
    y = torch.from_numpy(sampler.spec.labels.encode([label])).expand(STEPS + 1, -1)
    features = judge.predict(sampler.decode(walk(sampler.prior, start, end, STEPS + 1), y)).features
    steps = features.diff(dim=0).norm(dim=1)
    largest: Tensor = steps.max() / steps.sum().clamp_min(1e-9)
    return largest
