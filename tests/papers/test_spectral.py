"""Spectral normalisation against torch's own and against the singular values; and against the mistakes of copies."""

import copy
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from condgen.nets.spectral import SpectralConv2d, SpectralLinear

LAYERS = [
    (SpectralConv2d, nn.Conv2d, (3, 5, 3), torch.randn(2, 3, 6, 6)),
    (SpectralLinear, nn.Linear, (7, 4), torch.randn(3, 7)),
]


@pytest.mark.parametrize(("ours", "theirs", "sizes", "x"), LAYERS, ids=["conv", "linear"])
def test_outputs_and_gradients_are_those_of_torch(
    ours: type[nn.Module], theirs: type[nn.Module], sizes: tuple[int, ...], x: torch.Tensor
) -> None:
    """Once both have converged: torch begins its iteration with the other vector. Gradients pass through the singular
    value."""
    torch.manual_seed(0)
    mine: Any = ours(*sizes)
    plain = theirs(*sizes)
    plain.load_state_dict({key: value for key, value in mine.state_dict().items() if key != "u"})
    other: Any = spectral_norm(plain)
    for _ in range(300):
        a, b = mine(x), other(x)
    assert torch.allclose(a, b, atol=1e-5)
    weights = torch.randn_like(a)
    found = torch.autograd.grad((a * weights).sum(), list(mine.parameters()))
    names = [name for name, _ in other.named_parameters()]
    gradients = torch.autograd.grad((b * weights).sum(), list(other.parameters()))
    expected = dict(zip(names, gradients, strict=True))
    assert torch.allclose(found[0], expected["parametrizations.weight.original"], atol=1e-5)
    assert torch.allclose(found[1], expected["bias"], atol=1e-5)


@pytest.mark.parametrize("channels_last", [True, False])
def test_the_largest_singular_value_becomes_one(channels_last: bool) -> None:
    torch.manual_seed(0)
    layer = SpectralConv2d(4, 6, 3)
    layer.to(memory_format=torch.channels_last if channels_last else torch.contiguous_format)  # type: ignore[call-overload]
    for _ in range(200):
        weight = layer.normalised()
    assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, rel=1e-4)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.allclose(layer.normalised(), weight, atol=1e-5), "the estimate is not made in bf16"


def test_only_training_moves_the_estimate() -> None:
    layer = SpectralLinear(5, 3)
    before = layer.u.clone()
    layer.eval()(torch.randn(2, 5))
    assert torch.equal(layer.u, before)
    layer.train()(torch.randn(2, 5))
    assert not torch.equal(layer.u, before)
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]
    restored = SpectralLinear(5, 3)
    restored.load_state_dict(copy.deepcopy(layer.state_dict()))
    assert torch.equal(restored.normalised(), layer.normalised()), "a resumed training goes on from the same estimate"
