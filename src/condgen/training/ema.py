"""Exponential moving average (EMA) of a generator's weights. The averaged copy is sampled, saved and evaluated."""

import copy

import torch
from torch import nn

STRIDE = 256
"""Images between two updates: far below any useful half-life, and rarely enough to be cheap."""


class EMA:
    """Exponential moving average of a network's parameters and buffers, with a half-life in images."""

    def __init__(self, live: nn.Module, half_life: int, warmup: float = 0.05) -> None:
        """half_life: images after which the contribution of a weight has halved; 0 copies the live network.
        warmup: the half-life is at most this fraction of the training images so far, so that the initial weights are
        forgotten (as in StyleGAN2)."""
        self.half_life, self.warmup = half_life, warmup
        self.stride = STRIDE if half_life >= 8 * STRIDE else 1
        self.net = copy.deepcopy(live).eval().requires_grad_(False)
        pairs = list(zip(self.net.state_dict().values(), live.state_dict().values(), strict=True))
        self._floats = [pair for pair in pairs if pair[0].is_floating_point()]
        self._counters = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self, before: int, now: int) -> None:
        """Update the average after a step that went from `before` to `now` training images."""
        images = (now // self.stride - before // self.stride) * self.stride
        if not images:
            return
        half_life = min(self.half_life, now * self.warmup)
        weight = 1 - 0.5 ** (images / half_life) if half_life > 0 else 1.0
        ours, live = zip(*self._floats, strict=True)
        torch._foreach_lerp_(ours, live, weight)
        for mine, theirs in self._counters:  # the counters of batch norm are integers: copied, not averaged
            mine.copy_(theirs)
