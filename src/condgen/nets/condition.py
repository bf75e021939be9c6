"""Layers that take a label vector as input."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LabelEmbedding(nn.Module):
    """The sum of the embeddings of all labels that are set: (b, K) of zeros and ones -> (b, dim).

    For one-hot y this is the usual embedding of a class index, with the same K x dim parameters; for multi-hot y it is
    the sum of the embeddings of the attributes.
    """

    def __init__(self, num_labels: int, dim: int, init: float | None = None) -> None:
        """init: None initialises from N(0, 1), like torch.nn.Embedding; a number a from U(-a, a) (Keras: a = 0.05)."""
        super().__init__()
        self.rows = nn.Linear(num_labels, dim, bias=False)
        if init is None:
            nn.init.normal_(self.rows.weight)
        else:
            nn.init.uniform_(self.rows.weight, -init, init)

    def forward(self, y: Tensor) -> Tensor:
        out: Tensor = self.rows(y)
        return out


class PlanesConv2d(nn.Conv2d):
    """Convolution of an image concatenated with one constant plane per label: x (b, c, h, w), y (b, K).

    The planes are never built. The contribution of a constant plane at a position is the sum of the kernel weights that
    overlap the image there. So K maps are computed by one small matrix product, instead of convolving b x K planes.
    """

    def forward(self, x: Tensor, y: Tensor) -> Tensor:  # type: ignore[override]
        of_image, of_label = self.weight.split([x.shape[1], y.shape[1]], 1)
        seen = F.conv2d(x, of_image, self.bias, self.stride, self.padding).permute(0, 2, 3, 1)  # no copy: channels last
        ones = x.new_ones(1, 1, *x.shape[2:])
        unfolded = F.unfold(ones, self.kernel_size, padding=self.padding, stride=self.stride)  # type: ignore[arg-type]
        inside = unfolded[0]  # (kernel, positions): 1 where that kernel weight overlaps the image
        maps = inside.T @ of_label.flatten(2).permute(1, 2, 0)  # (K, positions, channels)
        both = torch.addmm(seen.flatten(1), y, maps.flatten(1))
        return both.view(seen.shape).permute(0, 3, 1, 2)


class ConditionalBatchNorm2d(nn.Module):
    """Batch norm whose scale and shift are linear in a condition: x (b, channels, h, w), c (b, n) ->
    (1 + A c) norm(x) + B c (de Vries et al. 2017, arXiv 1707.00683).

    For one-hot c, each class has its own scale and shift; for attributes, those that are set add up. As the scale is 1
    without any, a label vector of zeros does not erase the image.
    """

    def __init__(self, channels: int, condition: int, linear: Callable[..., nn.Linear] = nn.Linear) -> None:
        """condition: n. linear: the layers A and B, such as SpectralLinear. They are initialised from N(0, 1), like an
        embedding, so that labels make a difference from the start."""
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.scale, self.shift = (linear(condition, channels, bias=False) for _ in range(2))
        for layer in (self.scale, self.shift):
            nn.init.normal_(layer.weight)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        scale, shift = self.scale(c)[:, :, None, None], self.shift(c)[:, :, None, None]
        return torch.addcmul(shift, self.norm(x), 1 + scale)


class Projection(nn.Module):
    """The score of a projection discriminator: features h (b, n), y (b, K) -> a . h + bias + (V y) . h, (b, 1)
    (Miyato & Koyama 2018, arXiv 1802.05637, Eq. 3). For attributes, the rows of V that are set add up."""

    def __init__(self, features: int, num_labels: int, linear: Callable[..., nn.Linear] = nn.Linear) -> None:
        """features: n. linear: both layers, such as SpectralLinear."""
        super().__init__()
        self.any, self.label = linear(features, 1), linear(num_labels, features, bias=False)

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        scores: Tensor = self.any(h) + (h * self.label(y)).sum(1, keepdim=True)
        return scores
