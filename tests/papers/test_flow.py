"""The flow against its equations: the loss, the optimum, guidance and the solvers."""

from math import log
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from condgen.nets.field import signed
from condgen.nets.solver import solve, stages
from condgen.noise import draw_at, reseed
from condgen.options import filled
from condgen.system import ENCODERS, System
from condgen.systems import SYSTEMS, preset
from condgen.systems.flow import ENCODED_AT, ENCODING_STEPS, Config, Flow
from condgen.testing.trainings import streaming
from conftest import toy_data

SMALL = {"width": 16, "blocks": 2, "condition": 16}


USUAL: dict[str, Any] = filled(Flow.options, {})


def flow(kind: str = "digits", **settings: Any) -> Any:
    reseed(0, "init", 0)
    return preset("flow").build(toy_data(kind).spec, Config(**SMALL).with_overrides(settings))


@pytest.mark.parametrize("loss", ["cross_entropy", "squared"])
def test_the_loss_is_the_weighted_error_of_the_image(loss: str) -> None:
    """E loss(D(t x + (1 - t) z, t, y), x) / max(1 - t, 0.05), with the label left out where it is dropped."""
    data, system = toy_data("attributes"), flow("attributes", label_dropout=0.5, loss=loss)
    x, y = next(streaming(data))
    reseed(0, "step", 0)
    known = torch.rand(len(x), 1) >= 0.5
    t = torch.sigmoid(log(0.31 / 0.69) + torch.randn(len(x)))
    z = torch.randn(len(x), data.spec.pixels).view(len(x), *data.spec.shape)
    left = (1 - t).view(-1, 1, 1, 1)
    out = system.G.net((1 - left) * x + left * z, t, (2 * y - 1) * known)
    p, q = out.sigmoid(), (x + 1) / 2
    losses = -(q * p.log() + (1 - q) * (1 - p).log()) if loss == "cross_entropy" else (out - x) ** 2
    images = 2 * p - 1 if loss == "cross_entropy" else out
    reseed(0, "step", 0)
    logs = system.step(streaming(data), 0)
    assert torch.allclose(logs["loss/flow"], (losses / left.clamp(min=0.05)).mean(), rtol=1e-4)
    assert torch.allclose(logs["loss/image"], ((images - x) ** 2).mean(), rtol=1e-4)


def test_from_any_z_the_flow_of_one_image_ends_at_it() -> None:
    data, system = toy_data("colour", 1), flow("colour", lr=1e-2, images=20_000, warmup=0)
    stream = streaming(data)
    x, y = next(stream)
    for images in range(0, 20_000, 64):
        reseed(0, "step", images)
        system.step(stream, images)
    z = torch.randn(6, data.spec.pixels)
    with torch.no_grad():
        for options in ({}, {"steps": 1}, {"guidance": 1.0}, {"solver": "euler", "steps": 7}):
            assert (system.generator(z, y[:1].expand(6, -1), **USUAL | options) - x[:1]).abs().max() < 0.1, options


def test_encoding_is_the_path_backwards() -> None:
    """From the z of an image, the path leads to 0.9 of the image and 0.1 of the noise where the way back began."""
    data, system = toy_data("digits", 20), flow()
    x, y = next(streaming(data))
    with torch.no_grad():
        z = system.encode(x, y)
        way = stages("heun", ENCODING_STEPS, 0, ENCODED_AT)
        end = solve(lambda p, t: system.G.velocity(p, t, signed(y, data.spec)), z.view_as(x), way)
    noise = draw_at(system.prior, 0, [0]).view(1, *data.spec.shape)
    assert (end - (0.9 * x + 0.1 * noise)).abs().max() < 0.02


def test_those_that_can_encode_are_named() -> None:
    able = [name for name in SYSTEMS if preset(name).system.encode is not System.encode]
    assert set(ENCODERS.replace(" or ", ", ").split(", ")) == set(able)


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("heun", 2)])
def test_a_solver_converges_at_its_order_to_the_closed_form(solver: str, order: int) -> None:
    """If images are N(0, s^2), the best prediction is x t s^2 / (t^2 s^2 + (1 - t)^2): the path of z ends at s z."""
    s, z = 0.5, torch.tensor([1.0, -2.0], dtype=torch.float64)

    def velocity(x: Tensor, t: float | Tensor) -> Tensor:
        assert isinstance(t, float)
        predicted = x * t * s**2 / (t**2 * s**2 + (1 - t) ** 2)
        return (predicted - x) / (1 - t)

    coarse, fine = (float((solve(velocity, z, stages(solver, n)) - s * z).abs().max()) for n in (32, 64))
    assert 0.8 * 2**order < coarse / fine < 1.3 * 2**order
    assert fine < 0.03


def test_a_stage_is_an_evaluation_of_the_network() -> None:
    assert [len(stages("heun", n)) for n in (1, 4)] == [1, 7]
    assert [len(stages("euler", n)) for n in (1, 4)] == [1, 4]


def test_guidance_moves_from_the_unlabelled_prediction_through_the_labelled_one() -> None:
    data, system = toy_data("attributes"), flow("attributes")
    _, y = next(streaming(data))
    z, unknown = torch.randn(len(y), data.spec.pixels), torch.full_like(y, 0.5)

    def generator(z: Tensor, y: Tensor, **options: float) -> Tensor:
        return torch.as_tensor(system.generator.eval()(z, y, **USUAL | options))

    with torch.no_grad():
        plain, none = generator(z, y, guidance=1.0), generator(z, y, guidance=0.0, guidance_interval=1.0)
        assert torch.equal(none, generator(z, unknown, guidance=1.0)), "unknown attributes are no label"
        assert not torch.equal(none, generator(z, torch.zeros_like(y), guidance=1.0)), "absent ones are a label"
        assert torch.equal(plain, generator(z, y, guidance=5.0, guidance_interval=0.0))
        assert not torch.equal(plain, generator(z, y, guidance=5.0, guidance_interval=0.1))
        x, label = torch.randn(len(y), *data.spec.shape), signed(y, data.spec)
        low, middle, high = (system.G.predict(x, 0.3, label, scale) for scale in (0.0, 1.0, 2.5))
    assert torch.allclose(high, low + 2.5 * (middle - low), atol=1e-5)


def test_the_last_layers_in_colour_see_the_noisy_image() -> None:
    """The output is two 3x3 convolutions of the map's pixels and the noisy image, written out once more."""
    net, data = flow("colour").G.net, toy_data("colour")
    x, t, label = torch.randn(2, *data.spec.shape), torch.rand(2), torch.eye(len(data.labels))[:2]
    maps: list[Tensor] = []
    net.last.register_forward_hook(lambda layer, given, out: maps.append(out))
    found = net(x, t, label)
    pixels = F.pixel_shuffle(maps[0], 4)[:, :, : x.shape[2], : x.shape[3]]
    h = torch.cat([pixels, x], 1)
    h = h + F.silu(F.conv2d(F.silu(h), net.pixels.join.weight, net.pixels.join.bias, padding=1))
    assert torch.allclose(found, F.conv2d(h, net.pixels.colours.weight, net.pixels.colours.bias, padding=1), atol=1e-6)
    assert (pixels.shape[1], flow().G.net.pixels) == (8, None)
    assert flow("colour", pixel_channels=0).G.net.last.out_channels == 3 * 16
