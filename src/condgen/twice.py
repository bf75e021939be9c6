"""Passes whose gradient is differentiated once more, as a penalty on it is: the same numbers, less work for a CPU.

torch differentiates a convolution's gradient by a convolution whose batch and channels have changed places, which no
kernel is good at, and sends the zeros of a LeakyReLU's second derivative back through the whole network. Here a
convolution's gradient is a transposed convolution, which torch differentiates well (Karras et al. 2020, arXiv
2006.06676, do so for the same reason), and a LeakyReLU bends nowhere but at 0.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.overrides import TorchFunctionMode


class TwiceDifferentiable(TorchFunctionMode):
    """A pass made inside can be asked by `torch.autograd.grad(..., x, create_graph=True)` for x's gradient alone."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[Any], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is F.conv2d:
            return _convolved(*args, **(kwargs or {}))
        if func is F.leaky_relu:
            return _bent(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _convolved(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = (1, 1), padding: Any = (0, 0), *others: Any
) -> Any:
    return _Convolution.apply(x, weight, bias, stride, padding)  # type: ignore[no-untyped-call]


def _bent(x: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    return _Bend.apply(x, negative_slope)  # type: ignore[no-untyped-call]


class _Convolution(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding, ctx.bias = stride, padding, bias
        return F.conv2d(x, weight, bias, stride, padding)

    @staticmethod
    def backward(ctx: Any, out: Tensor) -> Any:
        """out: the gradient of what came out."""
        x, weight = ctx.saved_tensors
        x, weight = x.to(out.dtype), weight.to(out.dtype)
        if not torch.is_grad_enabled():
            sizes, (first, *_) = None if ctx.bias is None else list(ctx.bias.shape), ctx.needs_input_grad
            return *torch.ops.aten.convolution_backward(
                out, x, weight, sizes, ctx.stride, ctx.padding, (1, 1), False, (0, 0), 1,
                (first, True, ctx.bias is not None),
            ), None, None  # fmt: skip
        short = [
            side - ((small - 1) * stride - 2 * pad + kernel)
            for side, small, stride, pad, kernel in zip(
                x.shape[2:], out.shape[2:], ctx.stride, ctx.padding, weight.shape[2:], strict=True
            )
        ]
        return F.conv_transpose2d(out, weight, None, ctx.stride, ctx.padding, short), None, None, None, None


class _Bend(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: float) -> Tensor:
        bent = F.leaky_relu(x, slope)
        ctx.save_for_backward(bent)
        ctx.slope = slope
        return bent

    @staticmethod
    def backward(ctx: Any, out: Tensor) -> Any:
        (bent,) = ctx.saved_tensors
        return torch.ops.aten.leaky_relu_backward(out, bent.detach(), ctx.slope, True), None
