"""SNGAN: hinge, projection, conditional batch norm and the networks of the papers."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from condgen import losses
from condgen.labels import Labels
from condgen.nets.condition import ConditionalBatchNorm2d, Projection
from condgen.nets.residual import Down, Up
from condgen.noise import draw
from condgen.spec import Spec
from condgen.systems import CIFAR, preset
from condgen.systems.sngan import Config
from papers.one_step import one_step, seeded, sizes


def test_the_networks_have_the_papers_parameters() -> None:
    """4,276,739 and 1,053,825 without labels; conditional batch norm has K scales and shifts, D an embedding."""
    for K in (1, 10, 100):
        spec = Spec(CIFAR.shape, Labels(tuple(map(str, range(K)))))
        config = preset("sngan").config.with_overrides({"width": 256, "width_d": 128})
        system = preset("sngan").build_on_meta(spec, config)
        assert sizes(system) == [4_276_739 + 6 * (K - 1) * 2 * 256, 1_053_825 + K * 128]


def test_both_networks_get_the_gradients_of_the_hinge() -> None:
    """G's loss has no hinge; fakes have the labels of the batch; D's pass moves its singular vectors once."""
    step = one_step("sngan", d_steps=1)
    G, D, x, y = step.before.G, step.before.D, step.x, step.y
    seeded()
    fake = G(draw(step.before.prior, len(x)), y).detach()
    scores = D(torch.cat([x, fake]), torch.cat([y, y]))
    loss_d = (1 - scores[:8]).clamp(min=0).mean() + (1 + scores[8:]).clamp(min=0).mean()
    step.agrees("d", loss_d)
    assert step.logs["loss/d"].item() == pytest.approx(loss_d.item(), rel=1e-4)
    step.agrees("g", -D(G(draw(step.before.prior, len(x)), y), y).mean())


def test_d_is_updated_five_times_and_the_learning_rate_falls_to_nothing() -> None:
    step = one_step("sngan", d_steps=5)
    assert [len(step.gradients[name]) for name in "dg"] == [5, 1]
    config = Config(images=1000)
    assert [config.lr_at(images) / config.lr for images in (0, 500, 1000, 2000)] == [1, 0.5, 0, 0]


def test_the_hinge_by_hand() -> None:
    scores = torch.tensor([[-2.0], [0.5], [3.0]])
    assert losses.hinge_real(scores).item() == pytest.approx((3 + 0.5 + 0) / 3)
    assert losses.hinge_fake(scores).item() == pytest.approx((0 + 1.5 + 4) / 3)


def test_projection_by_hand() -> None:
    """Eq. 3: a class adds the product of the features with its row; attributes add up; none leaves the linear term."""
    layer, h = Projection(6, 4), torch.randn(5, 6)
    rows = layer.label.weight.T
    plain = h @ layer.any.weight.T + layer.any.bias
    for number in range(4):
        one = torch.eye(4)[[number] * 5]
        assert torch.allclose(layer(h, one), plain + (h @ rows[number])[:, None], atol=1e-5)
    both = torch.tensor([[1.0, 0, 1, 0]] * 5)
    assert torch.allclose(layer(h, both), plain + (h @ (rows[0] + rows[2]))[:, None], atol=1e-5)
    assert torch.allclose(layer(h, torch.zeros(5, 4)), plain, atol=1e-6)


def test_conditional_batch_norm_is_one_batch_norm_per_class() -> None:
    """torch's own with the class's scale and shift; statistics are those of the whole batch, not of the class."""
    layer, x, y = ConditionalBatchNorm2d(6, 3), torch.randn(8, 6, 4, 5), torch.eye(3)[torch.arange(8) % 3]
    nn.init.normal_(layer.scale.weight)
    nn.init.normal_(layer.shift.weight)
    out = layer(x, y)
    for number in range(3):
        plain = nn.BatchNorm2d(6)
        plain.weight.data = 1 + layer.scale.weight[:, number].detach()
        plain.bias.data = layer.shift.weight[:, number].detach()
        rows = y[:, number] > 0
        assert torch.allclose(out[rows], plain(x)[rows], atol=1e-5)
        assert torch.equal(plain.running_var, layer.norm.running_var)  # type: ignore[arg-type]
    assert torch.allclose(layer(x, 0 * y), nn.BatchNorm2d(6)(x), atol=1e-5), "no attribute does not erase the image"


def repeated(x: Tensor) -> Tensor:
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


def test_the_blocks_are_those_of_figure_8() -> None:
    """The shortcuts on the other side of the change of resolution, as the papers draw them."""
    torch.manual_seed(0)
    up, down, x, y = Up(4, 6, 3).eval(), Down(4, 6, halves=True).eval(), torch.randn(2, 4, 6, 6), torch.eye(3)[:2]
    h = up.conv_1(repeated(F.relu(up.norm_1(x, y))))
    h = up.conv_2(F.relu(up.norm_2(h, y)))
    assert torch.allclose(up(x, y), h + up.shortcut(repeated(x)), atol=1e-5)
    h = down.conv_2(F.relu(down.conv_1(F.relu(x))))
    pooled = (h + down.shortcut(x)).unfold(2, 2, 2).unfold(3, 2, 2).mean((4, 5))
    assert torch.allclose(down(x), pooled, atol=1e-5)


@pytest.mark.parametrize(("side", "last"), [(28, 7), (32, 8), (64, 8), (40, 5)])
def test_d_halves_until_both_sides_are_at_most_eight(side: int, last: int) -> None:
    D: Any = preset("sngan").build(Spec((1, side, side), Labels(("a", "b")))).players["d"].net
    assert D.blocks(torch.zeros(1, 1, side, side)).shape[2:] == (last, last)
