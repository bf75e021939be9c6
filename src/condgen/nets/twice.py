"""Faster double backward on a CPU, for losses of a gradient such as a gradient penalty. The results are the same.

torch differentiates the gradient of a convolution by a convolution with batch and channels exchanged, for which there
are no fast kernels, and propagates the zero second derivative of LeakyReLU through the whole network. Here the gradient
of a convolution is a transposed convolution, which torch differentiates efficiently (as in the code of Karras et al.
2020, arXiv 2006.06676), and the second derivative of LeakyReLU is omitted.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.overrides import TorchFunctionMode


class TwiceDifferentiable(TorchFunctionMode):
    """Within the context, use `torch.autograd.grad(..., x, create_graph=True)` for the gradient of x only."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[Any], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        instead: dict[Any, Callable[..., Any]] = {F.conv2d: _conv2d, F.leaky_relu: _leaky_relu}
        return instead.get(func, func)(*args, **(kwargs or {}))


def _conv2d(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1,
) -> Any:  # fmt: skip
    if isinstance(padding, str) or _pair(dilation) != (1, 1):
        return F.conv2d(x, weight, bias, stride, padding, dilation, groups)
    return _Convolution.apply(x, weight, bias, _pair(stride), _pair(padding), groups)  # type: ignore[no-untyped-call]


def _leaky_relu(x: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    return _LeakyReLU.apply(x, negative_slope)  # type: ignore[no-untyped-call]


class _Convolution(Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, groups: int
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding, ctx.groups = stride, padding, groups
        ctx.biases = None if bias is None else [len(bias)]
        return F.conv2d(x, weight, bias, stride, padding, groups=groups)

    @staticmethod
    def backward(ctx: Any, out: Tensor) -> Any:
        """out: the gradient with respect to the outputs."""
        x, weight = (saved.to(out.dtype) for saved in ctx.saved_tensors)
        if torch.is_grad_enabled():  # first backward of a double backward: only the gradient of x
            cut = [
                side - ((steps - 1) * stride - 2 * padding + kernel)
                for side, steps, stride, padding, kernel in zip(
                    x.shape[2:], out.shape[2:], ctx.stride, ctx.padding, weight.shape[2:], strict=True
                )
            ]
            gradient = F.conv_transpose2d(out, weight, None, ctx.stride, ctx.padding, cut, ctx.groups)
            return gradient, *[None] * 5
        gradients = torch.ops.aten.convolution_backward(
            out, x, weight, ctx.biases, ctx.stride, ctx.padding, (1, 1), False, (0, 0), ctx.groups,
            ctx.needs_input_grad[:3],
        )  # fmt: skip
        return *gradients, None, None, None


class _LeakyReLU(Function):
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


def _pair(number: Any) -> tuple[int, int]:
    return (number, number) if isinstance(number, int) else tuple(number)
