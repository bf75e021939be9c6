"""The network of `flow`: a noisy image, the time and the label -> the image, on a feature map of 4x4 patches.

In colour, the last layers work at full resolution and see the noisy image once more: near the end of the path it has
the fine detail that a map of patches does not keep.
"""

from math import pi, prod, sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from condgen.nets.condition import LabelEmbedding
from condgen.nets.modulated import modulated, style
from condgen.nets.patches import SIDE, from_patches, grid, to_patches
from condgen.spec import Spec

FREQUENCIES, HIGHEST = 16, 5
"""Number of sines and cosines of a time, and the highest number of octaves of them."""


class Modulated(nn.Module):
    """silu(scale * norm(x) + shift): layer norm over the channels of each position; the scale and the shift of each
    channel are linear functions of the condition (Peebles & Xie 2023, arXiv 2212.09748)."""

    def __init__(self, channels: int, condition: int) -> None:
        """condition: dimension of the condition, which is time and label together."""
        super().__init__()
        self.style = style(channels, condition, 0.05)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return F.silu(modulated(x, self.style(condition)))


class Pixels(nn.Module):
    """Pixels of a map and of the noisy image -> colours, by a residual and a plain 3x3 convolution: the noisy image
    reaches the last one unchanged."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.join, self.colours = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.colours(x + F.silu(self.join(F.silu(x))))
        return out


class Denoiser(nn.Module):
    """x (b, c, h, w), t (b,) or (1,) in [0, 1] and label vectors (b, K) -> images (b, c, h, w)."""

    def __init__(self, spec: Spec, width: int, blocks: int, condition: int, pixel_channels: int) -> None:
        """width: channels of the map. blocks: residual convolutions. condition: dimension of time and label.
        pixel_channels: channels at full resolution; 0 for a network that ends with patches."""
        super().__init__()
        self.spec, self.width, labels = spec, width, len(spec.labels)
        self.time = nn.Sequential(nn.Linear(2 * FREQUENCIES, condition), nn.SiLU(), nn.Linear(condition, condition))
        self.label = LabelEmbedding(labels, condition)
        self.first = nn.Conv2d(SIDE**2 * spec.channels, width, 3, padding=1)
        self.places = nn.Linear(labels, width * prod(grid(spec)))  # the label has a map of its own
        nn.init.normal_(self.places.weight, std=0.3)
        nn.init.normal_(self.places.bias, std=0.1)
        self.norms = nn.ModuleList(Modulated(width, condition) for _ in range(blocks + 1))
        convs = [nn.Conv2d(width, width, 3, padding=1) for _ in range(blocks)]
        self.convs = nn.ModuleList(convs)
        self.last = nn.Conv2d(width, SIDE**2 * (pixel_channels or spec.channels), 3, padding=1)
        self.pixels = Pixels(pixel_channels + spec.channels, spec.channels) if pixel_channels else None
        for conv in convs:
            nn.init.normal_(conv.weight, std=0.5 / sqrt(9 * width))
        nn.init.normal_(self.last.weight, std=0.1 / sqrt(9 * width))

    def forward(self, x: Tensor, t: Tensor, label: Tensor) -> Tensor:
        angles = pi * t[:, None] * 2 ** torch.linspace(0, HIGHEST, FREQUENCIES, dtype=t.dtype, device=t.device)
        condition = F.silu(self.time(torch.cat([angles.sin(), angles.cos()], 1)) + self.label(label))
        places = self.places(label).unflatten(1, (*grid(self.spec), self.width)).permute(0, 3, 1, 2)
        h = self.first(to_patches(x)) + places
        *norms, last = self.norms.children()
        for norm, conv in zip(norms, self.convs.children(), strict=True):
            h = h + conv(norm(h, condition))
        out = from_patches(self.last(last(h, condition)), self.spec)
        return self.pixels(torch.cat([out, x], 1)) if self.pixels else out
