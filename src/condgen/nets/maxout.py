"""Maxout (Goodfellow et al. 2013, arXiv 1302.4389)."""

import torch
from torch import Tensor, nn


class Maxout(nn.Module):
    """Each output is the largest of k affine pieces: (b, inputs) -> (b, outputs).

    Weights *and* biases start from N(0, std), so that the pieces differ from the first step.
    """

    def __init__(self, inputs: int, outputs: int, k: int, std: float = 0.02, max_norm: float | None = None) -> None:
        """max_norm: bound on the norm of each piece's weights, kept by `hold_norms`; None leaves them free."""
        super().__init__()
        self.k, self.max_norm = k, max_norm
        self.weight = nn.Parameter(torch.empty(outputs * k, inputs).normal_(0, std))
        self.bias = nn.Parameter(torch.empty(outputs * k).normal_(0, std))

    def forward(self, x: Tensor) -> Tensor:
        pieces = nn.functional.linear(x, self.weight, self.bias)  # (b, outputs * k)
        return pieces.view(len(x), -1, self.k).amax(2)  # (b, outputs)


def hold_norms(net: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """After each move, scale back the maxout pieces of `net` that have outgrown their bound (section 5.1 of the paper:
    "imposing a constraint on the norm of each weight vector")."""
    layers = [layer for layer in net.modules() if isinstance(layer, Maxout)]
    bounded = [(layer.weight, layer.max_norm) for layer in layers if layer.max_norm is not None]

    @torch.no_grad()
    def hold(*_: object) -> None:
        for weight, max_norm in bounded:
            weight.copy_(torch.renorm(weight, p=2, dim=0, maxnorm=max_norm))

    if bounded:
        optimizer.register_step_post_hook(hold)
