"""The averaged copy of a generator: what pictures, run folders and metrics see. The live network stays untouched."""

import copy

import torch
from torch import nn

STRIDE = 256
"""Images between two updates; far below any useful half-life, and the copy stays out of the cache in between."""


class EMA:
    """An exponential moving average of a network's numbers, with its half-life counted in images."""

    def __init__(self, live: nn.Module, half_life: int, warmup: float = 0.05) -> None:
        """half_life: images after which an old weight counts half; 0 = always equal to the live network.
        warmup: early on the half-life is at most this share of the images seen, so that the first, random
        weights are forgotten (StyleGAN2's rule)."""
        self.half_life, self.warmup = half_life, warmup
        self.stride = STRIDE if half_life >= 8 * STRIDE else 1
        self.net = copy.deepcopy(live).eval().requires_grad_(False)
        pairs = list(zip(self.net.state_dict().values(), live.state_dict().values(), strict=True))
        self._floats = [pair for pair in pairs if pair[0].is_floating_point()]
        self._counters = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self, before: int, now: int) -> None:
        """Follow the live network, which saw images `before` to `now`: a pure function of the clock."""
        images = (now // self.stride - before // self.stride) * self.stride
        if not images:
            return
        half_life = min(self.half_life, now * self.warmup)
        weight = 1 - 0.5 ** (images / half_life) if half_life > 0 else 1.0
        ours, live = zip(*self._floats, strict=True)
        torch._foreach_lerp_(ours, live, weight)
        for mine, theirs in self._counters:  # batch norm's counters are whole numbers: copied, not averaged
            mine.copy_(theirs)
