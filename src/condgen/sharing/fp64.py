"""Operations that onnxruntime computes in fp32 only, rewritten with those that it computes in fp64 too.

Convolutions become products of shifted images and one matrix. Norms are here because their epsilon, an attribute in
ONNX, is fp32. The signatures are those of torch's operators.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch._decomp import get_decompositions

aten = torch.ops.aten
Pair = Sequence[int]
"""Of the vertical and the horizontal direction."""


def rewritten(program: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    """The same program without these operations."""
    known = get_decompositions(KNOWN_TO_TORCH)
    found: torch.export.ExportedProgram = program.run_decompositions({**REWRITTEN, **known})
    return found


def with_number(operator: Any) -> Callable[..., Any]:
    """An operator of two tensors, the second of which may be a number. NotImplemented tells torch to keep it."""

    def operation(x: Any, other: Any, **more: Any) -> Any:
        return operator(x, number(other), **more) if isinstance(other, float) else NotImplemented

    return operation


def number(value: float) -> Tensor:
    """A number as a sum of three in fp32: torch's exporter writes numbers in fp32, and these have all digits of one in
    fp64."""
    total = torch.scalar_tensor(0, dtype=torch.float64)
    for _ in range(3):
        part = float(np.float32(value))
        total, value = total + torch.scalar_tensor(part, dtype=torch.float64), value - part
    return total


def conv2d(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Pair = (1, 1), padding: Pair = (0, 0),
    dilation: Pair = (1, 1), groups: int = 1,
) -> Tensor:  # fmt: skip
    padded = F.pad(x, (padding[1], padding[1], padding[0], padding[0]))
    return _convolved(padded, weight, bias, stride, dilation, groups)


def conv_transpose2d(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Pair = (1, 1), padding: Pair = (0, 0),
    output_padding: Pair = (0, 0), groups: int = 1, dilation: Pair = (1, 1),
) -> Tensor:  # fmt: skip
    """The convolution of an image with zeros between its pixels and the mirrored kernel (Dumoulin & Visin 2016, arXiv
    1603.07285, section 4)."""
    mirrored = weight.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1).flip(2, 3)
    down, right = (d * (size - 1) - p for d, size, p in zip(dilation, weight.shape[2:], padding, strict=True))
    padded = F.pad(_spread(x, stride), (right, right + output_padding[1], down, down + output_padding[0]))
    return _convolved(padded, mirrored, bias, (1, 1), dilation, groups)


def leaky_relu(x: Tensor, negative_slope: float = 0.01) -> Tensor:
    return torch.where(x > 0, x, negative_slope * x)


def layer_norm(
    x: Tensor, shape: Sequence[int], weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5,
    cudnn: bool = True,
) -> Tensor:  # fmt: skip
    sides = [*range(-len(shape), 0)]
    centred = x - x.mean(sides, keepdim=True)
    out = centred / (centred.square().mean(sides, keepdim=True) + eps).sqrt()
    out = out if weight is None else out * weight
    return out if bias is None else out + bias


def batch_norm(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, mean: Tensor, variance: Tensor, momentum: float, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """With running statistics, as in generated images. The last two outputs are empty."""

    def of_channels(some: Tensor) -> Tensor:
        return some.view(-1, *[1] * (x.ndim - 2))

    out = (x - of_channels(mean)) / (of_channels(variance) + eps).sqrt()
    out = out if weight is None else out * of_channels(weight)
    out = out if bias is None else out + of_channels(bias)
    return out, x.new_empty(0), x.new_empty(0)


def _convolved(x: Tensor, weight: Tensor, bias: Tensor | None, stride: Pair, dilation: Pair, groups: int) -> Tensor:
    """Convolution without padding."""
    parts = zip(x.chunk(groups, 1), weight.chunk(groups), strict=True)
    out = torch.cat([_product(some, kernel, stride, dilation) for some, kernel in parts], 1)
    return out if bias is None else out + bias[:, None, None]


def _product(x: Tensor, kernel: Tensor, stride: Pair, dilation: Pair) -> Tensor:
    """Convolution of all channels (b, c, h, w) with one kernel (outputs, c, height, width)."""
    rows, columns = (_reach(*sizes) for sizes in zip(x.shape[2:], kernel.shape[2:], stride, dilation, strict=True))
    shifted = [x[:, :, row, column] for row in rows for column in columns]
    product = torch.cat(shifted, 1).permute(0, 2, 3, 1) @ kernel.permute(2, 3, 1, 0).flatten(0, 2)
    return product.permute(0, 3, 1, 2)


def _reach(side: int, size: int, stride: int, dilation: int) -> list[slice]:
    """The pixels of a side that each element of a kernel is multiplied by."""
    starts = range(0, dilation * size, dilation)
    return [slice(start, side - starts[-1] + start, stride) for start in starts]


def _spread(x: Tensor, stride: Pair) -> Tensor:
    """The image with stride - 1 zeros between its pixels."""
    (down, right), (height, width) = stride, x.shape[2:]
    spread = F.pad(x[:, :, :, None, :, None], (0, right - 1, 0, 0, 0, down - 1)).flatten(4, 5).flatten(2, 3)
    return spread[:, :, : down * (height - 1) + 1, : right * (width - 1) + 1]


REWRITTEN: Mapping[Any, Callable[..., Any]] = {
    aten.conv2d.default: conv2d,
    aten.conv_transpose2d.input: conv_transpose2d,
    aten.leaky_relu.default: leaky_relu,
    aten.layer_norm.default: layer_norm,
    aten._native_batch_norm_legit_no_training.default: batch_norm,
    aten.rsub.Scalar: lambda x, other, alpha=1: number(other) - alpha * x,
    **{each: with_number(each) for each in (aten.add.Tensor, aten.sub.Tensor, aten.mul.Tensor, aten.div.Tensor)},
}
KNOWN_TO_TORCH = (aten.upsample_nearest2d.vec, aten.upsample_bilinear2d.vec)
"""Operations that torch itself can rewrite."""
