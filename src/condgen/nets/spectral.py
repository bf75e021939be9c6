"""Spectral normalisation (Miyato et al. 2018, arXiv 1802.05957): a layer's weights divided by their largest singular
value, which bounds the slope of the layer by 1.

The largest singular value is estimated by one power iteration per forward pass (Algorithm 1). Its vector `u` is a
buffer, so that it is part of the checkpoint. In evaluation mode the same iteration is made but not kept: an averaged
generator (EMA) has averaged weights, for which the average of `u` is only nearly right.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class _Spectral(nn.Module):
    """A layer with `weight` (outputs, ...), whose columns are the other dimensions."""

    weight: Tensor
    u: Tensor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.register_buffer("u", torch.empty(len(self.weight)).normal_())

    def normalised(self) -> Tensor:
        """The weights divided by the estimate of their largest singular value; differentiable in both."""
        weight = self.weight.movedim(1, -1).flatten(1)  # no copy: the memory format is channels last
        with torch.autocast(weight.device.type, enabled=False):
            with torch.no_grad():
                v = F.normalize(self.u @ weight, dim=0)
                u = F.normalize(weight @ v, dim=0)
                if self.training:
                    self.u.copy_(u)
            sigma = torch.dot(u, weight @ v)
        return self.weight / sigma


class SpectralConv2d(_Spectral, nn.Conv2d):
    """torch.nn.Conv2d with spectral normalisation."""

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.normalised(), self.bias, self.stride, self.padding)


class SpectralLinear(_Spectral, nn.Linear):
    """torch.nn.Linear with spectral normalisation. On label vectors and without bias, it is a label embedding."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.normalised(), self.bias)
