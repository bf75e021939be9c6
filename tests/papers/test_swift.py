"""Swift's step against its formulas, each written out once more."""

import copy
from collections.abc import Callable
from itertools import product
from math import cos, pi, sqrt
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from condgen import losses
from condgen.labels import Labels
from condgen.nets.modulated import Residual
from condgen.nets.patches import FrequencyConv, frequencies, from_patches, grid, to_patches
from condgen.noise import draw, reseed
from condgen.spec import Spec
from condgen.system import Player
from condgen.systems import preset, swift
from condgen.systems.swift import Config, Swift, exchanged
from condgen.testing.trainings import BATCH, streaming
from conftest import toy_data


def begun(**settings: float) -> tuple[Swift, Tensor, Tensor]:
    data = toy_data("digits")
    config = preset("swift").config.with_overrides({"batch": BATCH} | settings)
    reseed(0, "init", 0)
    system = preset("swift").build(data.spec, config)
    assert isinstance(system, Swift)
    x, y = next(streaming(data))
    return system, x, y


@pytest.mark.parametrize("mismatch", [0.0, 0.5])
@pytest.mark.parametrize("penalised", [False, True])
def test_the_players_get_the_gradients_of_the_papers_losses(penalised: bool, mismatch: float) -> None:
    """-log sigmoid of the margin, and the same turned round after D has moved; R1 eight times as heavy every eighth
    step; D also prefers a real image under its own label to the same under its neighbour's."""
    system, x, y = begun(lr=1e-3, mismatch=mismatch)
    given: dict[str, list[Tensor]] = {}
    for name, player in system.players.items():
        step = player.optimizer.step

        def note(skip_if: Tensor, name: str = name, player: Player = player, step: Callable[..., Any] = step) -> None:
            given[name] = [p.grad.clone() for p in player.parameters if p.grad is not None]
            step(skip_if)

        player.optimizer.step = note  # type: ignore[method-assign, assignment]
    reseed(0, "step", 0)
    before = copy.deepcopy(system)
    system.step(iter([(x.clone(), y)]), 0 if penalised else BATCH)

    reseed(0, "step", 0)
    fake = before.G(draw(before.prior, len(x)), y)
    real = x.clone().requires_grad_()
    loss_d = -torch.log(torch.sigmoid(before.D(real, y) - before.D(fake.detach(), y))).mean()
    if penalised:
        slopes = torch.autograd.grad(before.D(real, y).sum(), real, create_graph=True)[0]
        loss_d = loss_d + 8 * 0.3 / 2 * slopes.square().sum((1, 2, 3)).mean()
    if mismatch:
        wrong = y.view(-1, 2, y.shape[1]).flip(1).view_as(y)
        loss_d = loss_d + mismatch * -torch.log(torch.sigmoid(before.D(real, y) - before.D(real, wrong))).mean()
    loss_g = -torch.log(torch.sigmoid(system.D(fake, y) - system.D(x, y))).mean()  # D as it is after its move
    for name, loss, net in (("d", loss_d, before.D), ("g", loss_g, before.G)):
        expected = torch.autograd.grad(loss, list(net.parameters()), retain_graph=True)
        for found, gradient in zip(given[name], expected, strict=True):
            assert torch.allclose(found, gradient, atol=1e-6, rtol=1e-3), name


def test_labels_are_exchanged_two_and_two() -> None:
    y = torch.arange(5)[:, None]
    assert exchanged(y)[:, 0].tolist() == [1, 0, 3, 2, 4]
    halves = torch.cat([exchanged(half) for half in torch.arange(8).chunk(2)])
    assert torch.equal(halves, exchanged(torch.arange(8))), "several processes exchange as one does"


def test_r1_of_a_linear_score_is_its_squared_slope() -> None:
    x, slope = torch.randn(5, 1, 4, 4, requires_grad=True), torch.randn(16)
    assert losses.r1(x.flatten(1) @ slope, x).item() == pytest.approx(slope.square().sum().item(), rel=1e-5)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 30, 17), (1, 16, 64), (3, 5, 7), (3, 100, 100)])
def test_patches_and_back_is_the_same_image(shape: tuple[int, int, int]) -> None:
    spec, x = Spec(shape, Labels(("a",))), torch.randn(2, *shape)
    patches = to_patches(x)
    assert patches.shape == (2, 16 * shape[0], *grid(spec))
    assert torch.equal(from_patches(patches, spec), x)


@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 28, 28), (3, 33, 64), (1, 128, 100)])
def test_any_size_by_one_rule(shape: tuple[int, int, int]) -> None:
    spec = Spec(shape, Labels(("a", "b"), "attributes"))
    system = preset("swift").build(spec)
    y = torch.tensor([[1.0, 1.0], [0.0, 1.0]])
    x = system.generator(draw(system.prior, 2), y)
    assert x.shape == (2, *shape)
    assert system.D(x, y).shape == (2, 1)  # type: ignore[operator]


def test_the_step_size_rises_is_held_and_falls_to_nothing() -> None:
    config = Config(images=1000, lr=1e-3, warmup=200, decay=0.4, batch=50)
    moments = (0, 50, 150, 600, 800, 1000, 1100)
    assert [config.lr_at(images) for images in moments] == pytest.approx([2.5e-4, 5e-4, 1e-3, 1e-3, 5e-4, 0, 0])
    assert Config(warmup=0, decay=0).lr_at(0) == Config(warmup=0, decay=0).lr_at(10**9) == 2e-3


def test_a_step_moves_at_the_step_size_of_its_moment() -> None:
    system, x, y = begun(images=100, warmup=0)
    system.step(iter([(x, y)]), 80)
    assert [g["lr"] for p in system.players.values() for g in p.optimizer.param_groups] == pytest.approx([1e-3] * 2)


def test_a_residual_adds_the_same_whatever_the_size_of_its_input() -> None:
    block, x, zy = Residual(8, 4), torch.randn(2, 8, 5, 5), torch.randn(2, 4)
    assert torch.allclose(block(100 * x, zy) - 100 * x, block(x, zy) - x, atol=1e-3)


def test_noise_and_label_scale_and_shift_each_normalised_channel() -> None:
    """gamma(z, y) h + beta(z, y), gamma around 1 (Chen et al. 2019, arXiv 1810.01365)."""
    block, x, zy = Residual(8, 4), torch.randn(2, 8, 5, 5), torch.randn(2, 4)
    seen = F.leaky_relu(x, 0.2)
    seen = (seen - seen.mean(1, keepdim=True)) / (seen.var(1, keepdim=True, unbiased=False) + 1e-5).sqrt()
    styles = zy @ block.style.weight.T + block.style.bias
    gamma, beta = styles[:, :8, None, None], styles[:, 8:, None, None]
    assert torch.allclose(block(x, zy), x + block.conv(gamma * seen + beta), atol=1e-5)


def test_no_layer_of_the_discriminator_mixes_images() -> None:
    """So real and generated images may go through it together."""
    system, x, y = begun()
    alone = torch.cat([system.D(x[[i]], y[[i]]) for i in range(len(x))])
    assert torch.allclose(system.D(x, y), alone, atol=1e-5)
    assert not any(isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in system.modules())


def test_a_margin_of_nought_is_a_loss_of_log_two() -> None:
    system, x, y = begun()
    system.D.any.weight.data.zero_()
    system.D.label.rows.weight.data.zero_()
    logs = system.step(iter([(x, y)]), BATCH)
    assert logs["loss/d"].item() == pytest.approx(F.softplus(torch.tensor(0.0)).item())


def in_colour(**settings: int | str) -> Swift:
    reseed(0, "init", 0)
    config = preset("swift").config.with_overrides(settings)
    system = preset("swift").build(Spec((3, 16, 16), Labels(("a", "b"))), config)
    assert isinstance(system, Swift)
    return system


def test_the_discriminator_sees_a_colour_image_shifted(monkeypatch: pytest.MonkeyPatch) -> None:
    """By half a patch, or by any number of pixels, so that it has no grid in common with the generator."""
    reseed(0, "shifts", 0)
    shifts = {tuple(swift.shift(centred=False)) for _ in range(500)}
    assert shifts == {(down, right) for down in range(4) for right in range(4)}
    assert {tuple(swift.shift(centred=True)) for _ in range(20)} == {(2, 2)}

    D, x = in_colour().D, torch.randn(2, 3, 16, 16)
    monkeypatch.setattr(swift, "shift", lambda centred: [0, 0])
    shifted = D.features_of(x.roll((3, 1), (2, 3)))
    monkeypatch.setattr(swift, "shift", lambda centred: [3, 1])
    assert torch.equal(D.features_of(x), shifted)


@pytest.mark.parametrize(("kind", "share"), [("known", 0.5), ("random", 0.5), ("none", 0.0)])
def test_a_shift_by_half_a_patch_goes_with_translations_by_whole_ones(kind: str, share: float) -> None:
    """In half of the steps, for which D has a bias of its own if it is to know."""
    system = in_colour(shift=kind, batch=2)
    x, y, bias = torch.randn(2, 3, 16, 16), torch.eye(2), system.D.if_centred
    assert (bias is not None) == (kind == "known")
    centred = 0
    for images in range(0, 400, 2):
        before = bias.clone() if bias is not None else None
        system.step(iter([(x, y)]), images)
        assert system.T.step == (4 if system.D.centred else 1)
        if before is not None and bias is not None:
            assert torch.equal(before, bias) != system.D.centred
        centred += system.D.centred
    assert centred / 200 == pytest.approx(share, abs=0.1)


def test_no_layer_keeps_less_of_a_colour_patch_than_it_holds() -> None:
    """Until a 3x3 convolution joins it with its neighbours."""
    system = in_colour()
    layers = [layer for layer in system.D.convs if isinstance(layer, nn.Conv2d)]
    assert [layer.kernel_size for layer in layers[:2]] == [(1, 1), (3, 3)]
    assert (layers[0].in_channels, layers[0].out_channels, layers[1].in_channels) == (3 * 16, 6 * 16, 6 * 16)
    assert system.G.last.out_channels == 8 * 16
    assert in_colour(pixel_channels=0).G.last.out_channels == 3 * 16


def test_the_colour_discriminator_weighs_frequencies_and_amplifies_high_ones() -> None:
    """Of each patch: the cosine transform, by its formula, of brightness and two colour differences."""
    layer, patch = in_colour().D.convs[0], torch.randn(3, 4, 4)
    assert isinstance(layer, FrequencyConv)
    coefficients = []
    for mix in ((1, 1, 1), (1, -1, 0), (0.5, 0.5, -1)):
        grey = sum(part * channel for part, channel in zip(mix, patch, strict=True)) / sqrt(sum(m * m for m in mix))
        for u, v in product(range(4), repeat=2):
            waves = sum(grey[i, j] * wave(u, i) * wave(v, j) for i, j in product(range(4), repeat=2))
            coefficients.append(waves * sqrt(1 + u * u + v * v))
    assert layer.bias is not None
    expected = layer.weight[:, :, 0, 0] @ torch.stack(coefficients) + layer.bias
    assert torch.allclose(layer(to_patches(patch[None]))[0, :, 0, 0], expected, atol=1e-5)


def wave(u: int, i: int) -> float:
    """Pixel i of the wave of frequency u, of length 1."""
    return cos(pi * u * (2 * i + 1) / 8) * sqrt((1 if u == 0 else 2) / 4)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_without_emphasis_frequencies_are_a_rotation(channels: int) -> None:
    basis = frequencies(channels, 0.0)
    assert torch.allclose(basis @ basis.T, torch.eye(16 * channels), atol=1e-6)


def test_the_last_layers_of_a_colour_generator_join_its_patches() -> None:
    """The images are two 3x3 convolutions of maps at full resolution, written out once more."""
    G, z, y = in_colour().G, torch.randn(2, 64), torch.eye(2)
    maps: list[Tensor] = []
    G.last.register_forward_hook(lambda layer, given, out: maps.append(out))
    images = G(z, y)
    assert G.pixels is not None
    full = F.leaky_relu(F.pixel_shuffle(maps[0], 4), 0.2)
    join, colours = G.pixels.join, G.pixels.colours
    full = full + F.leaky_relu(F.conv2d(full, join.weight, join.bias, padding=1), 0.2)
    assert torch.allclose(images, torch.tanh(F.conv2d(full, colours.weight, colours.bias, padding=1)), atol=1e-6)
