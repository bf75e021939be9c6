"""Low-pass filters, with which StyleGAN2 and R3GAN change the resolution."""

from collections.abc import Sequence

import torch
from torch import Tensor


def low_pass(x: Tensor, taps: Sequence[float]) -> Tensor:
    """Weights of a depthwise convolution of x (b, c, h, w): (c, 1, n, n), n taps along both axes, with a sum of 1."""
    row = torch.tensor(taps, device=x.device, dtype=x.dtype) / sum(taps)
    return (row[:, None] * row).expand(x.shape[1], 1, len(taps), len(taps))
