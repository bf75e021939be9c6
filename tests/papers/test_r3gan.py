"""R3GAN: both penalties, pairs, fix-up, resampling, and the parameter counts of the authors' networks."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from condgen.labels import Labels
from condgen.noise import draw
from condgen.spec import Spec
from condgen.systems import CIFAR, preset, r3gan
from condgen.systems.r3gan import Config, Residual
from condgen.testing.trainings import build
from conftest import toy_data
from papers.one_step import one_step, seeded, sizes


def test_the_networks_have_the_papers_parameters() -> None:
    """CIFAR-10: 20.8 and 21.3 million. FFHQ at 64x64: 22.4 million each without labels; here with one."""
    config = preset("r3gan").config.with_overrides({"width": 768, "blocks": 2})
    assert sizes(preset("r3gan").build_on_meta(CIFAR, config)) == [20_781_952, 21_280_512]
    faces = preset("r3gan").build_on_meta(Spec((3, 64, 64), Labels(("face",))), config)
    label = {"g": 64 + 64 * 768, "d": 768 * 768}  # without labels, D's last layer has one output
    assert [size - label[name] for name, size in zip("gd", sizes(faces), strict=True)] == [22_429_824, 22_381_440]


def test_both_networks_get_the_gradients_of_the_relativistic_loss_with_r1_and_r2() -> None:
    """Penalties at real *and* generated images, over the whole image; pairs of one label; other noise for G."""
    step = one_step("r3gan", images=5_000_000)
    G, D, y = step.before.G, step.before.D, step.y
    seeded()
    fake = G(draw(step.before.prior, 8), y).detach().requires_grad_()
    real = step.x.clone().requires_grad_()
    loss_d = -(D(real, y) - D(fake, y)).sigmoid().log().mean()
    slopes = [torch.autograd.grad(D(x, y).sum(), x, create_graph=True)[0] for x in (real, fake)]
    gamma = step.before.cfg.at(5_000_000, 0.05, 0.005)
    penalty = sum(slope.square().sum((1, 2, 3)).mean() for slope in slopes)
    step.agrees("d", loss_d + gamma / 2 * penalty)
    fake = G(draw(step.before.prior, 8), y)
    step.agrees("g", -(D(fake, y) - D(step.x, y)).sigmoid().log().mean())


def test_schedules_follow_a_half_cosine_and_then_rest() -> None:
    config = Config(images=1000, burn_in=400)
    values = [config.at(images, 2.0, 1.0) for images in (0, 200, 400, 900)]
    assert values == pytest.approx([2.0, 1.5, 1.0, 1.0])
    assert Config(images=100).at(50, 2.0, 1.0) == pytest.approx(1.5), "at most the whole training"
    step = one_step("r3gan")
    system = build("r3gan", toy_data("colour").spec)
    system.schedule(20_000_000)  # type: ignore[operator]
    for player in system.players.values():
        assert player.optimizer.param_groups[0]["betas"] == (0.0, 0.99)
        assert player.optimizer.param_groups[0]["lr"] == pytest.approx(system.cfg.lr_last)
    assert step.logs["loss/d"].isfinite()


def test_at_initialisation_no_block_adds_anything_and_the_rest_keeps_the_variance() -> None:
    torch.manual_seed(0)
    block, x = Residual(64, depth=8), torch.randn(4, 64, 8, 8)
    assert torch.equal(block(x), x)
    inner = F.leaky_relu(block.grouped(F.leaky_relu(block.expand(x), 0.2)), 0.2)
    assert inner[..., 1:-1, 1:-1].std().item() == pytest.approx(8**-0.5, rel=0.25), "L^(-1/4) for each of two layers"
    assert (block.grouped.groups, block.grouped.in_channels) == (8, 128)


def test_resampling_is_the_filter_1_2_1() -> None:
    x = torch.randn(2, 3, 4, 6)
    taps = torch.tensor([1.0, 2, 1]) / 4
    padded = F.pad(x, (1, 1, 1, 1))
    expected: Any = sum(
        taps[i] * taps[j] * padded[:, :, i : i + 4 : 2, j : j + 6 : 2] for i in range(3) for j in range(3)
    )
    assert torch.allclose(r3gan.halved(x), expected, atol=1e-6)
    up = r3gan.doubled(x)
    assert torch.allclose(up[:, :, ::2, ::2], x)
    assert torch.allclose(up[:, :, ::2, 1:-1:2], (x[..., :-1] + x[..., 1:]) / 2, atol=1e-6)


def test_an_image_without_attributes_is_judged_too() -> None:
    """Without a bias, its score would be 0 whatever the image."""
    system = build("r3gan", toy_data("attributes").spec)
    D: Any = system.players["d"].net
    nn.init.normal_(D.label.bias)
    scores = D(torch.randn(6, 1, 12, 8), torch.zeros(6, 4))
    assert scores.std() > 0
    classes: Any = build("r3gan", toy_data("colour").spec).players["d"].net
    assert classes.label.bias is None
