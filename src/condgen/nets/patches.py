"""Images as feature maps of small patches (pixel unshuffle, Shi et al. 2016, arXiv 1609.05158), which are efficient to
convolve on a CPU. Sides that are not divisible by the patch size are padded at the right and bottom, and cropped
again."""

from math import cos, pi, sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from condgen.spec import Spec

SIDE = 4
"""Side of a patch, in pixels."""
RGB = ((1.0, 1.0, 1.0), (1.0, -1.0, 0.0), (0.5, 0.5, -1.0))
"""Brightness and two colour differences, which are orthogonal."""


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


class FrequencyConv(nn.Conv2d):
    """Convolution of patches (b, 16 c, h, w) whose weights belong to frequencies instead of pixels: to the coefficients
    of the discrete cosine transform (DCT-II, orthonormal) of each patch; of RGB, of brightness and two differences.

    The coefficients are amplified before: real images have little energy at high frequencies, so that weights of pixels
    hardly respond to fine noise on an even area.
    """

    basis: Tensor

    def __init__(self, numbers: int, out: int, kernel: int, emphasis: float) -> None:
        """numbers: values of a patch, 16 c. emphasis: see `frequencies`."""
        super().__init__(numbers, out, kernel, padding=kernel // 2)
        with torch.device("cpu"):  # on the meta device, torch would import its compiler, which takes three seconds
            basis = frequencies(numbers // SIDE**2, emphasis)
        self.register_buffer("basis", basis, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        weight = torch.einsum("ofkl,fn->onkl", self.weight, self.basis)
        return F.conv2d(x, weight, self.bias, padding=self.padding)


def frequencies(channels: int, emphasis: float) -> Tensor:
    """Matrix (16 c, 16 c) from the numbers of a patch to its amplified coefficients.

    The coefficient of u and v half waves per patch is multiplied by (1 + u^2 + v^2)^(emphasis / 2). Without emphasis,
    the matrix is orthonormal.
    """
    cosines = torch.tensor([[cos(pi * u * (i + 0.5) / SIDE) for i in range(SIDE)] for u in range(SIDE)])
    cosines *= torch.tensor([[sqrt((1 if u == 0 else 2) / SIDE)] for u in range(SIDE)])
    gain = torch.tensor([(1 + u * u + v * v) ** (emphasis / 2) for u in range(SIDE) for v in range(SIDE)])
    colours = F.normalize(torch.tensor(RGB)) if channels == 3 else torch.eye(channels)
    return torch.kron(colours, gain[:, None] * torch.kron(cosines, cosines))
