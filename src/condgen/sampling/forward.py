"""One forward pass of a generator under sampling options, and the rounding of its images."""

from collections.abc import Callable, Mapping
from itertools import chain

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from condgen.errors import CondgenError
from condgen.noise import truncated
from condgen.options import PRECISION, TRUNCATION, Value

Forward = Callable[..., Tensor]
"""z (b, dim), y (b, K) and the generator's own options -> images (b, c, h, w)."""


def generated(net: nn.Module, z: Tensor, y: Tensor, options: Mapping[str, Value | Tensor]) -> Tensor:
    """Images (b, *spec.shape) in [-1, 1]. options: a value for each sampling option of the generator."""
    own = dict(options)
    forward: Forward = net
    if own.pop(PRECISION.name, PRECISION.default) == "fp64":
        forward, z, y, own = _forward_fp64(net), z.double(), y.double(), _options_fp64(own)
    truncation = own.pop(TRUNCATION.name, 1.0)
    if not isinstance(truncation, float) or truncation != 1:
        assert not isinstance(truncation, str)
        z = truncated(z, truncation)
    return forward(z, y, **own)


def _forward_fp64(net: nn.Module) -> Forward:
    """The forward pass with weights and buffers in fp64. The network itself stays as it is."""
    tensors = list(chain(net.named_parameters(), net.named_buffers()))
    if any(tensor.device.type == "mps" for _, tensor in tensors):
        raise CondgenError("this device has no fp64; choose --precision fp32, or --device cpu.")
    weights = {name: tensor.double() for name, tensor in tensors if tensor.is_floating_point()}
    return lambda z, y, **own: functional_call(net, weights, (z, y), own)


def _options_fp64(options: Mapping[str, Value | Tensor]) -> dict[str, Value | Tensor]:
    """Real numbers are rounded to fp32 first, as they are where they are inputs of an exported program."""
    real = {name: value for name, value in options.items() if isinstance(value, float | Tensor)}
    found = {name: v.double() if isinstance(v, Tensor) else float(np.float32(v)) for name, v in real.items()}
    return {**options, **found}


def to_uint8(x: Tensor) -> Tensor:
    """Convert images (n, c, h, w) in [-1, 1] to uint8 (n, h, w, c). -1 becomes 0, 1 becomes 255; values are rounded.

    With alpha (c = 4), colours are divided by it, as files store them (the inverse of `stream.to_range`).
    """
    levels = x.float().add(1).mul(127.5)
    if x.shape[1] == 4:
        alpha = levels[:, 3:].round().clamp(0, 255)
        colour = levels[:, :3].clamp(min=0) * (255 / alpha.clamp(min=1)) * alpha.clamp(max=1)  # 0 where it is invisible
        levels = torch.cat([colour, alpha], 1)
    return levels.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
