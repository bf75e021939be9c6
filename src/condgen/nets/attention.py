"""Self-attention on feature maps (Zhang et al. 2019, arXiv 1805.08318), with spectral normalisation."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from condgen.nets.spectral import SpectralConv2d


class SelfAttention(nn.Module):
    """x + gamma * attention(x), (b, channels, h, w): every position receives a mean over all positions, weighted by
    similarity. Keys and values have half the resolution. gamma is trained, from 0."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        few, half = max(1, channels // 8), max(1, channels // 2)
        self.query, self.key = (SpectralConv2d(channels, few, 1, bias=False) for _ in range(2))
        self.value, self.out = (SpectralConv2d(*sizes, 1, bias=False) for sizes in ((channels, half), (half, channels)))
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        query = self.query(x).flatten(2)  # (b, channels / 8, positions)
        key, value = (F.max_pool2d(layer(x), 2).flatten(2) for layer in (self.key, self.value))
        weights = (query.transpose(1, 2) @ key).softmax(2)  # (b, positions, positions / 4)
        mean = (value @ weights.transpose(1, 2)).unflatten(2, x.shape[2:])
        out: Tensor = x + self.gamma * self.out(mean)
        return out
