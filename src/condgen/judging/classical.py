"""Ordinary augmentation for classifiers: small rotations, scalings, shifts, and changes of brightness and contrast.

It needs no generator, so generated images have to help more than it does. It preserves labels: there are no flips,
which turn some letters into others, and no changes of hue, since a label may be a colour.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

TURN, SCALE, SHIFT = math.radians(10), 0.1, 0.1
"""Largest rotation, relative change of size, and shift as a fraction of the side."""
BRIGHTNESS, CONTRAST = 0.2, 0.2
"""Largest change of brightness (of a range of 2), and relative change of contrast."""


def varied(x: Tensor) -> Tensor:
    """Each image (b, c, h, w) in [-1, 1], moved and recoloured at random. Pixels beyond the border repeat it."""
    return _recoloured(_moved(x)).contiguous(memory_format=torch.channels_last)


def _moved(x: Tensor) -> Tensor:
    turn, down, right, size = (torch.rand(4, len(x), device=x.device) * 2 - 1).unbind()
    cos, sin = torch.cos(TURN * turn) * (1 + SCALE * size), torch.sin(TURN * turn) * (1 + SCALE * size)
    maps = torch.stack([cos, -sin, 2 * SHIFT * right, sin, cos, 2 * SHIFT * down], 1).view(-1, 2, 3)
    places = F.affine_grid(maps, list(x.shape), align_corners=False)
    return F.grid_sample(x, places, padding_mode="border", align_corners=False)


def _recoloured(x: Tensor) -> Tensor:
    """Transparency, the fourth channel, is kept."""
    brightness, contrast = (torch.rand(2, len(x), 1, 1, 1, device=x.device) * 2 - 1).unbind()
    colours, rest = x[:, :3], x[:, 3:]
    middle = colours.mean((1, 2, 3), keepdim=True)
    colours = (colours - middle) * (1 + CONTRAST * contrast) + middle + BRIGHTNESS * brightness
    return torch.cat([colours.clamp(-1, 1), rest], 1)
