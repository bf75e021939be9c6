"""Images as feature maps of small patches (pixel unshuffle, Shi et al. 2016, arXiv 1609.05158), which are efficient to
convolve on a CPU. Sides that are not divisible by the patch size are padded at the right and bottom, and cropped
again."""

import torch.nn.functional as F
from torch import Tensor

from condgen.spec import Spec

SIDE = 4
"""Side of a patch, in pixels."""


def grid(spec: Spec) -> tuple[int, int]:
    """Number of patches (rows, columns) of an image: 28x28 -> (7, 7)."""
    _, height, width = spec.shape
    return -(-height // SIDE), -(-width // SIDE)


def to_patches(x: Tensor) -> Tensor:
    """(b, c, h, w) -> (b, 16 c, h/4, w/4), rounded up; the padding repeats the border."""
    down, across = -x.shape[2] % SIDE, -x.shape[3] % SIDE
    if down or across:
        x = F.pad(x, (0, across, 0, down), mode="replicate")
    return F.pixel_unshuffle(x, SIDE)


def from_patches(patches: Tensor, spec: Spec) -> Tensor:
    """The inverse: (b, 16 c, rows, columns) -> (b, c, h, w)."""
    _, height, width = spec.shape
    return F.pixel_shuffle(patches, SIDE)[:, :, :height, :width]
