"""Wasserstein loss and gradient penalty, by hand and against a loop."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from condgen import losses
from condgen.systems import preset
from condgen.testing.trainings import build, streaming
from conftest import toy_data


def slope_of(weight: Tensor) -> nn.Module:
    """A critic whose gradient is `weight` at every image, whatever the label."""

    class Linear(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return (x * weight).flatten(1).sum(1, keepdim=True)

    return Linear()


def test_the_penalty_of_a_linear_critic_is_known() -> None:
    """grad = w everywhere, so the penalty is (||w|| - 1)^2 with ||w|| over the whole image: 3 x 4 x 4 halves."""
    weight = torch.full((3, 4, 4), 0.5)
    x, y = torch.randn(6, 3, 4, 4), torch.zeros(6, 2)
    penalty = losses.gradient_penalty(slope_of(weight), x, -x, y)
    assert penalty.item() == pytest.approx((48**0.5 / 2 - 1) ** 2, rel=1e-5)


def test_the_penalty_against_a_loop_over_images() -> None:
    """Of a critic with curvature: each image's own point, gradient and norm, then the mean."""
    curved: Any = lambda x, y: (x.square().flatten(1) @ torch.arange(1.0, 13.0)[:, None]) * (1 + y[:, :1])  # noqa: E731
    real, fake, y = torch.randn(5, 3, 2, 2), torch.randn(5, 3, 2, 2), torch.rand(5, 2)
    torch.manual_seed(7)
    penalty = losses.gradient_penalty(curved, real, fake, y)
    torch.manual_seed(7)
    shares, each = torch.rand(5), []
    for i in range(5):
        point = (shares[i] * real[i] + (1 - shares[i]) * fake[i]).requires_grad_()
        (gradient,) = torch.autograd.grad(curved(point[None], y[i : i + 1]).sum(), point)
        each.append((gradient.square().sum().sqrt() - 1) ** 2)
    assert penalty.item() == pytest.approx(torch.stack(each).mean().item(), rel=1e-5)


def test_points_lie_between_with_one_share_per_image() -> None:
    """Between all-zero and all-one images each point is a constant image: its share, another for each."""
    seen: list[Tensor] = []

    def critic(x: Tensor, y: Tensor) -> Tensor:
        seen.append(x.detach())
        return x.flatten(1).sum(1, keepdim=True)

    losses.gradient_penalty(critic, torch.ones(64, 1, 3, 3), torch.zeros(64, 1, 3, 3), torch.zeros(64, 2))
    points = seen[0].flatten(1)
    assert torch.equal(points, points[:, :1].expand(-1, 9))
    assert len(points[:, 0].unique()) > 60
    assert 0 <= points.min() < 0.1
    assert 0.9 < points.max() < 1


def test_the_penalty_reaches_the_critics_weights() -> None:
    weight = torch.full((1, 2, 2), 2.0, requires_grad=True)
    losses.gradient_penalty(
        slope_of(weight), torch.ones(3, 1, 2, 2), torch.zeros(3, 1, 2, 2), torch.zeros(3, 1)
    ).backward()
    assert weight.grad is not None
    assert torch.allclose(weight.grad, 2 * (4.0 - 1) * weight.detach() / 4.0)  # d/dw (||w|| - 1)^2, ||w|| = 4


def test_the_logged_loss_is_its_parts() -> None:
    data = toy_data("colour")
    logs = build("cwgan-gp", data.spec).step(streaming(data), 0)
    whole = logs["loss/wasserstein"] + preset("cwgan-gp").config.model_dump()["penalty_weight"] * logs["loss/penalty"]
    assert logs["loss/c"].item() == pytest.approx(whole.item(), rel=1e-5)


def test_the_critic_moves_three_times_for_one_move_of_the_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    data = toy_data("colour")
    system = build("cwgan-gp", data.spec)
    moves: list[str] = []
    for name, player in system.players.items():
        player.after_move = partial(moves.append, name)
    system.step(streaming(data), 0)
    assert moves == ["c", "c", "c", "g"]


class Brightness(nn.Module):
    """A critic that scores an image by its mean, times a weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.weight * x.flatten(1).mean(1, keepdim=True)


class Grey(nn.Module):
    """A generator that draws one grey, which it may move."""

    def __init__(self) -> None:
        super().__init__()
        self.grey = nn.Parameter(torch.tensor(-0.5))

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.grey.expand(len(z), 3, 8, 8)


def test_one_round_by_hand() -> None:
    """Real images are white (1), generated ones -0.5, D scores twice the mean: E D(fake) - E D(real) = -1 - 2."""
    data = toy_data("colour")
    data.train.images[:] = 255
    system = preset("cwgan-gp").system(data.spec, preset("cwgan-gp").config.with_overrides({"critic_steps": 1}))
    system.D, system.G = Brightness(), Grey()
    system.players["c"].net, system.players["g"].net = system.D, system.G
    logs = system.step(streaming(data), 0)
    assert logs["loss/wasserstein"].item() == pytest.approx(-3.0)
    slope = 2.0 / 192**0.5  # of the mean of 3 x 8 x 8 numbers
    assert logs["loss/penalty"].item() == pytest.approx((slope - 1) ** 2, rel=1e-5)
    assert system.D.weight.item() > 2.0, "the critic widens the difference"
    assert logs["loss/g"].item() == pytest.approx(0.5 * system.D.weight.item(), rel=1e-5)
    assert system.G.grey.item() > -0.5, "the generator gets brighter"
