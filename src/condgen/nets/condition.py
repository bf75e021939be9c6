"""Layers that take a label vector as input."""

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
