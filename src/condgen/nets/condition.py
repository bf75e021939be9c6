"""How a label vector enters a network."""

import torch
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


def with_planes(x: Tensor, y: Tensor) -> Tensor:
    """The picture with one constant plane per label behind its channels: (b, c, h, w), (b, K) -> (b, c + K, h, w)."""
    planes = y[:, :, None, None].expand(-1, -1, *x.shape[2:])
    return torch.cat([x, planes.to(x.dtype)], 1)
