"""Convolutions as matrix products, for ONNX files in fp64, beside those of torch."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from condgen.sharing import fp64

SHAPES = [
    {"padding": (1, 1)},
    {"stride": (2, 2), "padding": (2, 2)},
    {"stride": (2, 1), "padding": (0, 2), "dilation": (2, 1)},
    {"groups": 2, "padding": (1, 0)},
]


def tensors(*shapes: tuple[int, ...]) -> list[torch.Tensor]:
    torch.manual_seed(0)
    return [torch.randn(shape, dtype=torch.float64) for shape in shapes]


@pytest.mark.parametrize("options", SHAPES)
def test_convolutions(options: dict[str, Any]) -> None:
    x, weight, bias = tensors((2, 4, 9, 7), (6, 4 // options.get("groups", 1), 3, 4), (6,))
    torch.testing.assert_close(fp64.conv2d(x, weight, bias, **options), F.conv2d(x, weight, bias, **options))
    torch.testing.assert_close(fp64.conv2d(x, weight, **options), F.conv2d(x, weight, **options))


@pytest.mark.parametrize("options", [*SHAPES, {"stride": (3, 2), "output_padding": (2, 1), "padding": (1, 1)}])
def test_transposed_convolutions(options: dict[str, Any]) -> None:
    x, weight, bias = tensors((2, 4, 5, 6), (4, 6 // options.get("groups", 1), 3, 4), (6,))
    ours = fp64.conv_transpose2d(x, weight, bias, **options)
    torch.testing.assert_close(ours, F.conv_transpose2d(x, weight, bias, **options))


def test_norms() -> None:
    x, weight, bias, mean = tensors((5, 6, 3, 2), (6,), (6,), (6,))
    ours, *_ = fp64.batch_norm(x, weight, bias, mean, mean.abs(), 0.1, 1e-5)
    torch.testing.assert_close(ours, F.batch_norm(x, mean, mean.abs(), weight, bias, eps=1e-5))
    sides = x.permute(0, 2, 3, 1)
    ours = fp64.layer_norm(sides, [6], weight, bias, 1e-5)
    torch.testing.assert_close(ours, F.layer_norm(sides, [6], weight, bias, 1e-5))


@pytest.mark.parametrize("value", [3.141592653589793, 1e-5, -2 / 3, 1.0, 1e30])
def test_a_number_has_all_its_digits(value: float) -> None:
    assert fp64.number(value).item() == value


def test_a_leaky_relu() -> None:
    (x,) = tensors((50,))
    torch.testing.assert_close(fp64.leaky_relu(x, 0.2), F.leaky_relu(x, 0.2))
