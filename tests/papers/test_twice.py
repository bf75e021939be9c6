"""The cheap way to differentiate a gradient again gives what torch's own gives."""

from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from condgen.nets.twice import TwiceDifferentiable


def net(*, bend: nn.Module, bias: bool = True, padding: int = 1) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 4, 2, 1, bias=bias), bend,
        nn.Conv2d(8, 6, 3, 2, padding, bias=bias), bend, nn.Dropout(0.3),
        nn.Conv2d(6, 4, (1, 3), bias=bias), nn.Flatten(), nn.LazyLinear(1),
    )  # fmt: skip


def gradients(D: nn.Module, x: Tensor, *, twice: bool, also: float = 0.0) -> list[Tensor | None]:
    """Of a penalty on the slope, and `also` times the score itself, with respect to all of D's weights."""
    torch.manual_seed(1)
    x = x.clone().requires_grad_()
    with TwiceDifferentiable() if twice else nullcontext():
        scores = D(x)
    (slope,) = torch.autograd.grad(scores.sum(), x, create_graph=True)
    loss = (slope.flatten(1).norm(dim=1) - 1).square().mean()
    if also:
        loss = loss + also * scores.square().mean()
    return list(torch.autograd.grad(loss, list(D.parameters()), allow_unused=True))


@pytest.mark.parametrize("also", [0.0, 1.0], ids=["penalty alone", "and the score"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("bend", [nn.LeakyReLU(0.2), nn.SiLU(), nn.Tanh()], ids=["leaky", "silu", "tanh"])
@pytest.mark.parametrize("sides", [(16, 16), (15, 18)], ids=["even", "odd"])
def test_a_penaltys_gradients_are_torchs_own(bend: nn.Module, bias: bool, sides: tuple[int, int], also: float) -> None:
    x = torch.randn(5, 3, *sides).to(memory_format=torch.channels_last)
    D = net(bend=bend, bias=bias)
    D(x)
    for ours, theirs in zip(
        gradients(D, x, twice=True, also=also), gradients(D, x, twice=False, also=also), strict=True
    ):
        if theirs is None or not theirs.any():  # torch says zeros where nothing depends on it
            assert ours is None or not ours.any()
        else:
            assert ours is not None
            assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_it_does_no_convolution_that_is_not_needed() -> None:
    """Of three layers: three forward, three back, and of those the gradients; no zeros through the first."""
    x, D = torch.randn(5, 3, 16, 16), net(bend=nn.LeakyReLU(0.2))
    D(x)
    with torch.profiler.profile() as told:
        gradients(D, x, twice=True)
    counts = {event.key: event.count for event in told.key_averages()}
    assert counts["aten::convolution"] == 6
    assert counts["aten::convolution_backward"] == 3


@pytest.mark.parametrize(
    "odd", [{"padding": "same"}, {"dilation": 2}, {"groups": 3}, {"stride": 3, "padding": 2}], ids=str
)
def test_every_kind_of_convolution(odd: dict[str, Any]) -> None:
    """What is not made cheaper is left to torch."""
    torch.manual_seed(0)
    D = nn.Sequential(nn.Conv2d(3, 6, 3, **odd), nn.LeakyReLU(0.2), nn.Flatten(), nn.LazyLinear(1))
    x = torch.randn(4, 3, 9, 9)
    D(x)
    for ours, theirs in zip(gradients(D, x, twice=True, also=1.0), gradients(D, x, twice=False, also=1.0), strict=True):
        assert ours is not None
        assert theirs is not None
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_in_bf16_too() -> None:
    x, D = torch.randn(5, 3, 16, 16), net(bend=nn.LeakyReLU(0.2))
    D(x)
    with torch.autocast("cpu", torch.bfloat16):
        rough = gradients(D, x, twice=True, also=1.0)
    for ours, theirs in zip(rough, gradients(D, x, twice=False, also=1.0), strict=True):
        assert ours is not None
        assert theirs is not None
        assert ours.dtype == torch.float32
        assert (ours - theirs).norm() < 0.1 * theirs.norm()


def test_whoever_asks_for_the_gradient_of_a_weight_is_refused() -> None:
    x, D = torch.randn(5, 3, 16, 16), net(bend=nn.LeakyReLU(0.2))
    D(x)
    with TwiceDifferentiable():
        scores = D(x.requires_grad_())
    with pytest.raises(RuntimeError, match="not have been used"):
        torch.autograd.grad(scores.sum(), next(D.parameters()), create_graph=True)
