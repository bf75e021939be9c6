"""The layers of StyleGAN2 (Karras et al. 2020, arXiv 1912.04958).

Weights are N(0, 1) at initialisation and are scaled when they are used (equalised learning rate: Karras et al. 2018,
arXiv 1710.10196, section 4.1). The resolution is changed with a low-pass filter of [1, 3, 3, 1].
"""

from math import sqrt

import torch.nn.functional as F
from torch import Tensor, nn

from condgen.nets.filters import low_pass

LEAK, GAIN = 0.2, sqrt(2)
"""Slope of LeakyReLU, and the factor after it that keeps the variance."""
TINY = 1e-8


class EqualLinear(nn.Linear):
    """A linear layer whose weights are scaled by 1 / sqrt(inputs) when they are used."""

    def __init__(self, inputs: int, outputs: int, *, rate: float = 1.0, bias: float = 0.0) -> None:
        """rate: learning rate relative to the others. bias: initial value."""
        super().__init__(inputs, outputs)
        nn.init.normal_(self.weight, std=1 / rate)
        nn.init.constant_(self.bias, bias / rate)
        self.scale, self.rate = rate / sqrt(inputs), rate

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.scale, self.bias * self.rate)


class EqualConv2d(nn.Conv2d):
    """A convolution that keeps the resolution, or halves it after a blur."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, bias: bool = True, halves: bool = False) -> None:
        super().__init__(inputs, outputs, kernel, 1 + halves, 0 if halves else kernel // 2, bias=bias)
        start(self)
        self.scale, self.halves = 1 / sqrt(inputs * kernel**2), halves

    def forward(self, x: Tensor) -> Tensor:
        if self.halves:
            x = blur(x, (self.kernel_size[0] + 1) // 2)
        return F.conv2d(x, self.weight * self.scale, self.bias, self.stride, self.padding)


class ModulatedConv2d(nn.Conv2d):
    """A convolution whose input channels are scaled by styles, one set per image (StyleGAN2, Eq. 1 to 3), and which may
    double the resolution.

    Scaling the input by s and the output by 1 / sigma equals a convolution with the weights of each image, since the
    convolution is linear.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, w_dim: int, *, demodulates: bool = True, doubles: bool = False
    ) -> None:
        """w_dim: dimension of the vector w, from which a linear layer makes the styles."""
        super().__init__(inputs, outputs, kernel, padding=kernel // 2)
        start(self)
        self.style = EqualLinear(w_dim, inputs, bias=1.0)
        self.scale, self.demodulates, self.doubles = 1 / sqrt(inputs * kernel**2), demodulates, doubles

    def forward(self, x: Tensor, w: Tensor) -> Tensor:  # type: ignore[override]
        return self.modulated(x, self.style(w))

    def modulated(self, x: Tensor, styles: Tensor) -> Tensor:
        """x (b, inputs, h, w), styles (b, inputs) -> (b, outputs, h, w), or twice the sides."""
        weight = self.weight * self.scale
        scaled = x * styles[:, :, None, None]
        if self.doubles:
            out = blur(F.conv_transpose2d(scaled, weight.transpose(0, 1), stride=2), 1, gain=4)
        else:
            out = F.conv2d(scaled, weight, padding=self.padding)
        if self.demodulates:
            energy = F.linear(styles.square(), weight.square().sum((2, 3)))  # (b, outputs)
            out = out * (energy + TINY).rsqrt()[:, :, None, None]
        assert self.bias is not None
        return out + self.bias[:, None, None]


def start(layer: nn.Conv2d) -> None:
    """Weights from N(0, 1), zero biases."""
    nn.init.normal_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def active(x: Tensor) -> Tensor:
    """LeakyReLU that keeps the variance."""
    return F.leaky_relu(x, LEAK) * GAIN


def normalised(x: Tensor) -> Tensor:
    """Vectors (b, n) with a mean square of 1."""
    return x * (x.square().mean(1, keepdim=True) + TINY).rsqrt()


def blur(x: Tensor, padding: int, gain: float = 1.0) -> Tensor:
    """Low-pass filter of [1, 3, 3, 1] along both axes, times `gain`."""
    return F.conv2d(x, gain * low_pass(x, (1, 3, 3, 1)), padding=padding, groups=x.shape[1])


def enlarged(x: Tensor) -> Tensor:
    """Images with twice the sides; the filter is [1, 3, 3, 1] too."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def spread(x: Tensor, group: int) -> Tensor:
    """A map (b, 1, h, w) with the standard deviation of the features over a group of images, in the mean over features
    and positions (appendix B: the standard deviation of the minibatch). group divides b."""
    groups = x.view(group, -1, *x.shape[1:])  # (images of a group, groups, c, h, w)
    deviation = (groups.var(0, unbiased=False) + TINY).sqrt().mean((1, 2, 3))  # (groups,)
    return deviation.repeat(group)[:, None, None, None].expand(-1, 1, *x.shape[2:])
