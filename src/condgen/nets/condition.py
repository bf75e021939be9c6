"""How a label vector enters a network."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LabelEmbedding(nn.Module):
    """A row per label, summed over the labels that are on: (b, K) of zeros and ones -> (b, dim).

    For one-hot y this is an embedding looked up by class number, with the same K x dim parameters; for multi-hot y it
    is the sum of the attributes' embeddings.
    """

    def __init__(self, num_labels: int, dim: int, init: float | None = None) -> None:
        """init: None draws N(0, 1), as torch.nn.Embedding does; a number a draws U(-a, a) (Keras has a = 0.05)."""
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
    """A convolution of the picture and, behind its channels, a constant plane per label: (b, c, h, w), (b, K).

    No plane is made. What a plane adds at a place is the sum of those numbers of its kernel that lie on the picture
    there, so K maps are needed, one small product for all, and not b times K planes to convolve.
    """

    def forward(self, x: Tensor, y: Tensor) -> Tensor:  # type: ignore[override]
        of_picture, of_label = self.weight.split([x.shape[1], y.shape[1]], 1)
        seen = F.conv2d(x, of_picture, self.bias, self.stride, self.padding).permute(0, 2, 3, 1)  # as it lies in memory
        ones = x.new_ones(1, 1, *x.shape[2:])
        unfolded = F.unfold(ones, self.kernel_size, padding=self.padding, stride=self.stride)  # type: ignore[arg-type]
        inside = unfolded[0]  # (kernel, places): 1 where that number of the kernel lies on the picture
        maps = inside.T @ of_label.flatten(2).permute(1, 2, 0)  # (K, places, channels)
        both = torch.addmm(seen.flatten(1), y, maps.flatten(1))
        return both.view(seen.shape).permute(0, 3, 1, 2)
