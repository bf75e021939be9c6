"""The residual blocks of Miyato et al. 2018 (arXiv 1802.05957, figure 8), which BigGAN (Brock et al. 2019, arXiv
1809.11096, figure 15) uses too."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from condgen.nets.condition import ConditionalBatchNorm2d
from condgen.nets.spectral import SpectralConv2d


class Up(nn.Module):
    """Block of a generator, which doubles the sides: x (b, inputs, h, w), c (b, n) -> (b, outputs, 2h, 2w).

    c, such as the label vector, sets scale and shift of both batch norms.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        condition: int,
        conv: Callable[..., nn.Conv2d] = nn.Conv2d,
        linear: Callable[..., nn.Linear] = nn.Linear,
    ) -> None:
        """condition: n. conv, linear: the layers, such as SpectralConv2d and SpectralLinear."""
        super().__init__()
        self.norm_1 = ConditionalBatchNorm2d(inputs, condition, linear)
        self.norm_2 = ConditionalBatchNorm2d(outputs, condition, linear)
        self.conv_1, self.conv_2 = (conv(n, outputs, 3, padding=1) for n in (inputs, outputs))
        self.shortcut = conv(inputs, outputs, 1)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        h = self.conv_1(F.interpolate(F.relu(self.norm_1(x, c)), scale_factor=2.0))
        h = self.conv_2(F.relu(self.norm_2(h, c)))
        out: Tensor = h + F.interpolate(self.shortcut(x), scale_factor=2.0)  # equals the shortcut of the doubled map
        return out


class Down(nn.Module):
    """Block of a discriminator with spectral normalisation: x (b, inputs, h, w) -> (b, outputs, h, w), or half the
    sides, rounded down. The shortcut has a convolution if sides or channels change."""

    def __init__(self, inputs: int, outputs: int, halves: bool, first: bool = False) -> None:
        """first: the input is an image, which is not rectified."""
        super().__init__()
        self.halves, self.first = halves, first
        self.conv_1, self.conv_2 = (SpectralConv2d(n, outputs, 3, padding=1) for n in (inputs, outputs))
        self.shortcut = SpectralConv2d(inputs, outputs, 1) if halves or inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv_2(F.relu(self.conv_1(x if self.first else F.relu(x))))
        if self.halves:
            h, x = F.avg_pool2d(h, 2), F.avg_pool2d(x, 2)  # before the shortcut, with which it commutes
        return h + self.shortcut(x)  # type: ignore[no-any-return]
