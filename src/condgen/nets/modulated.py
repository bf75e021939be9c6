"""A generator of patches whose residual blocks are modulated by the latent vector and the label."""

from math import prod, sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from condgen.nets.patches import SIDE, from_patches, grid
from condgen.spec import Spec

LEAK = 0.2
LARGEST = 8
"""Largest side of the first map."""


def style(channels: int, condition: int, std: float) -> nn.Linear:
    """Condition -> a scale and a shift for each channel. std: standard deviation of the weights."""
    layer = nn.Linear(condition, 2 * channels)
    nn.init.normal_(layer.weight, std=std)
    nn.init.zeros_(layer.bias)
    nn.init.ones_(layer.bias[:channels])  # the scale is about 1 at initialisation
    return layer


def modulated(x: Tensor, scales_and_shifts: Tensor) -> Tensor:
    """scale * norm(x) + shift: layer norm over the channels of each position of x (b, c, h, w); the second argument is
    (b, 2 c)."""
    scale, shift = scales_and_shifts[:, None, None].chunk(2, 3)  # (b, 1, 1, c)
    h = x.permute(0, 2, 3, 1)  # no copy: the memory format is channels last
    return torch.addcmul(shift, F.layer_norm(h, h.shape[3:]), scale).permute(0, 3, 1, 2)


class Residual(nn.Module):
    """x + conv(modulate(norm(leaky_relu(x)))). Layer norm over the channels of each position keeps activations bounded
    at any learning rate; z and the label set a scale and a shift per channel."""

    def __init__(self, channels: int, condition: int) -> None:
        """condition: dimension of z and label together."""
        super().__init__()
        self.style = style(channels, condition, 0.1)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.normal_(self.conv.weight, std=0.5 / sqrt(9 * channels))
        nn.init.zeros_(self.conv.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, zy: Tensor) -> Tensor:
        h = modulated(F.leaky_relu(x, LEAK), self.style(zy))
        out: Tensor = self.conv(h).add_(x)
        return out


class Pixels(nn.Module):
    """Maps of patches at full resolution -> colours, by two 3x3 convolutions that join the patches; the first is
    residual."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.join, self.colours = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        h = F.leaky_relu(x, LEAK)
        out: Tensor = self.colours(h + F.leaky_relu(self.join(h), LEAK))
        return out


class Generator(nn.Module):
    """z and the label -> a map of low resolution by one linear layer, then residual blocks modulated by both."""

    def __init__(self, spec: Spec, z_dim: int, width: int, blocks: int, pixel_channels: int) -> None:
        """width: channels of the maps. blocks: residual blocks at the lowest resolution; higher ones have one each.
        pixel_channels: channels at full resolution; 0 for a network that ends with patches."""
        super().__init__()
        self.spec, self.width = spec, width
        self.sides = [grid(spec)]
        while max(self.sides[0]) > LARGEST:
            self.sides.insert(0, halved(self.sides[0]))
        condition = z_dim + len(spec.labels)
        self.first = nn.Linear(condition, width * prod(self.sides[0]))
        counts = [blocks, *(1 for _ in self.sides[1:])]
        self.levels = nn.ModuleList(nn.ModuleList(Residual(width, condition) for _ in range(n)) for n in counts)
        self.last = nn.Conv2d(width, SIDE**2 * (pixel_channels or spec.channels), 3, padding=1)
        self.pixels = Pixels(pixel_channels, spec.channels) if pixel_channels else None

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        zy = torch.cat([z, y], 1)
        h = self.first(zy).view(-1, *self.sides[0], self.width).permute(0, 3, 1, 2)
        for sides, level in zip(self.sides, self.levels, strict=True):
            if h.shape[2:] != sides:
                h = F.interpolate(h, scale_factor=2.0)[:, :, : sides[0], : sides[1]]
            for residual in level.children():
                h = residual(h, zy)
        x = from_patches(self.last(F.leaky_relu(h, LEAK)), self.spec)
        return torch.tanh(self.pixels(x) if self.pixels else x)  # (b, c, h, w)


def halved(sides: tuple[int, int]) -> tuple[int, int]:
    return -(-sides[0] // 2), -(-sides[1] // 2)
