"""The conditional GAN's game, on networks small enough to work out by hand."""

import math
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from condgen import losses
from condgen.spec import Spec
from condgen.stream import Stream
from condgen.system import Player
from condgen.systems import cgan, preset
from conftest import toy_data


class Constant(nn.Module):
    """A player of one number: a generator of flat grey, or a discriminator with one score for all."""

    def __init__(self, spec: Spec, value: float) -> None:
        super().__init__()
        self.spec, self.value = spec, nn.Parameter(torch.tensor(value))

    def forward(self, a: Tensor, y: Tensor) -> Tensor:
        if a.ndim == 4:
            return self.value * a.mean((1, 2, 3))[:, None]  # score = slope x brightness
        return self.value.expand(len(y), *self.spec.shape)


@pytest.fixture
def game() -> Any:
    """G draws grey -0.5, D scores 2 x brightness; both move by plain gradient steps of 1."""
    data = toy_data("digits")
    system = cgan.CGAN(data.spec, cgan.Config())
    system.G, system.D = Constant(data.spec, -0.5), Constant(data.spec, 2.0)
    system.players = {
        name: Player(net, partial(torch.optim.SGD, lr=1.0)) for name, net in (("g", system.G), ("d", system.D))
    }
    return system


def test_one_round_by_hand(game: Any) -> None:
    data = toy_data("digits")
    data.train.images[:] = 255  # every real image is white: brightness 1
    logs = game.step(Stream(data.train, data.labels, 8, seed=0), 0)

    # D's loss: mean of softplus(-2 * 1) and softplus(2 * -0.5)
    assert logs["loss/d"].item() == pytest.approx((math.log1p(math.exp(-2)) + math.log1p(math.exp(-1))) / 2, rel=1e-5)
    assert logs["accuracy/d"] == 1
    # D moved by -d/dslope: real pulls up by sigmoid(-2) * 1 / 2, fake by sigmoid(-1) * 0.5 / 2
    slope = 2 + (1 / (1 + math.exp(2)) + 0.5 / (1 + math.exp(1))) / 2
    assert game.D.value.item() == pytest.approx(slope, rel=1e-5)
    # G's loss is asked of the moved D: softplus(-(slope * -0.5)); its pull is sigmoid(slope / 2) * slope
    assert logs["loss/g"].item() == pytest.approx(math.log1p(math.exp(slope / 2)), rel=1e-5)
    assert game.G.value.item() == pytest.approx(-0.5 + slope / (1 + math.exp(-slope / 2)), rel=1e-5)


def test_at_the_equilibrium_d_loses_log_two_and_is_right_half_the_time(game: Any) -> None:
    """Goodfellow et al. 2014, Theorem 1: where G draws the data, the best D says 1/2 to everything."""
    data = toy_data("digits")
    data.train.images[:] = 255
    game.G.value.data.fill_(1.0)
    logs = game.step(Stream(data.train, data.labels, 8, seed=0), 0)
    assert logs["accuracy/d"] == 0.5
    assert logs["loss/d"].item() == pytest.approx(
        (losses.says_real(torch.tensor([2.0])) + losses.says_fake(torch.tensor([2.0]))).item() / 2, rel=1e-5
    )


def test_fake_labels_are_uniform_or_the_batchs_own() -> None:
    spec = toy_data("digits").spec
    y = torch.eye(10)[torch.zeros(4000, dtype=torch.long)]
    uniform = cgan.CGAN(spec, cgan.Config(fake_labels="uniform")).labels_like(y)
    assert (uniform.sum(1) == 1).all()
    assert uniform.mean(0) == pytest.approx([0.1] * 10, abs=0.02)
    assert torch.equal(cgan.CGAN(spec, cgan.Config(fake_labels="data")).labels_like(y), y)
    attributes = toy_data("attributes").spec
    multi = torch.tensor([[1.0, 1, 0, 0]])
    assert torch.equal(cgan.CGAN(attributes, cgan.Config(fake_labels="uniform")).labels_like(multi), multi)


def test_multiply_multiplies() -> None:
    """With its embeddings at one, the wiring is a plain GAN; at zero it sees nothing."""
    spec = toy_data("digits").spec
    G, D = cgan.MultiplyGenerator(spec, 100).eval(), cgan.MultiplyDiscriminator(spec, 0.4).eval()
    z, y, x = torch.randn(2, 100), torch.eye(10)[:2], torch.randn(2, 1, 28, 28)
    for net in (G, D):
        net.embed.rows.weight.data.fill_(1.0)
    assert torch.equal(G(z, y), G.body(z))
    assert torch.equal(D(x, y), D.body(x.flatten(1)))
    for net in (G, D):
        net.embed.rows.weight.data.zero_()
    assert torch.equal(G(z, y), G(-z, y))
    assert torch.equal(D(x, y), D(-x, y))


def test_maxout_noise_is_uniform_and_its_range_is_the_contracts() -> None:
    system: Any = preset("cgan-maxout").build(toy_data("digits").spec)
    assert (system.prior.kind, system.prior.dim) == ("uniform", 100)
    system.G.joint[4].weight.data.fill_(1e4)  # drive the sigmoid to its ends
    x = system.G.train()(torch.rand(32, 100), torch.eye(10)[torch.arange(32) % 10])
    assert (x.min().item(), x.max().item()) == pytest.approx((-1, 1), abs=1e-3)


def test_one_pass_over_real_and_fake_is_two_passes() -> None:
    """D has no batch statistics in any wiring, so joining the halves changes nothing."""
    spec = toy_data("digits").spec
    for _, make in cgan.ARCHITECTURES.values():
        D = make(spec, 0.4).eval()
        assert not any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in D.modules())
        x, y = torch.randn(6, 1, 28, 28), torch.eye(10)[:6]
        assert torch.allclose(D(x, y), torch.cat([D(x[:3], y[:3]), D(x[3:], y[3:])]), atol=1e-6)
