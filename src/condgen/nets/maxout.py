"""Maxout (Goodfellow et al. 2013, arXiv 1302.4389)."""

import torch
from torch import Tensor, nn


class Maxout(nn.Module):
    """Each output is the maximum of k affine functions (pieces): (b, inputs) -> (b, outputs).

    Weights *and* biases are initialised from N(0, std), so that the pieces differ from the start.
    """

    def __init__(self, inputs: int, outputs: int, k: int, std: float = 0.02, max_norm: float | None = None) -> None:
        """max_norm: upper bound of the norm of each piece's weights, enforced by `hold_norms`; None for no bound."""
        super().__init__()
        self.k, self.max_norm = k, max_norm
        self.weight = nn.Parameter(torch.empty(outputs * k, inputs).normal_(0, std))
        self.bias = nn.Parameter(torch.empty(outputs * k).normal_(0, std))

    def forward(self, x: Tensor) -> Tensor:
        pieces = nn.functional.linear(x, self.weight, self.bias)  # (b, outputs * k)
        return pieces.view(len(x), -1, self.k).amax(2)  # (b, outputs)


@torch.no_grad()
def hold_norms(net: nn.Module) -> None:
    """Rescale the weights of maxout pieces whose norm exceeds `max_norm`. To be called after each update (section 5.1
    of the paper: "imposing a constraint on the norm of each weight vector")."""
    for layer in net.modules():
        if isinstance(layer, Maxout) and layer.max_norm is not None:
            layer.weight.copy_(torch.renorm(layer.weight, p=2, dim=0, maxnorm=layer.max_norm))
