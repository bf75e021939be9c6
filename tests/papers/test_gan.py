"""The plain and the convolutional GAN's game, on networks small enough to work out by hand."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from condgen.labels import Labels
from condgen.nets.condition import PlanesConv2d
from condgen.nets.strided import channels, pyramid
from condgen.spec import Spec
from condgen.systems import SYSTEMS, preset
from condgen.testing.trainings import build, streaming
from conftest import toy_data


class Logit(nn.Module):
    """A discriminator that scores every image alike."""

    def __init__(self, logit: float) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.tensor(logit))

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.logit.expand(len(x), 1) + 0 * x.flatten(1).sum(1, keepdim=True)


@pytest.mark.parametrize("name", ["gan", "gan-plain", "dcgan", "cdcgan"])
def test_losses_and_accuracy_of_a_discriminator_that_always_says_two(name: str) -> None:
    data = toy_data("digits")
    system = build(name, data.spec)
    system.D = Logit(2.0)
    system.players["d"].net = system.D
    logs = system.step(streaming(data), 0)
    p = 1 / (1 + math.exp(-2.0))
    assert logs["loss/d"].item() == pytest.approx((-math.log(p) - math.log(1 - p)) / 2, rel=1e-5)
    assert logs["accuracy/d"].item() == 0.5
    after = 1 / (1 + math.exp(-system.D.logit.item()))  # G plays against the D that has just moved
    assert logs["loss/g"].item() == pytest.approx(-math.log(after), rel=1e-5)


def test_label_planes_are_constant_and_in_order() -> None:
    x, y = torch.randn(2, 3, 4, 5), torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]])
    as_it_is = PlanesConv2d(6, 6, 1, bias=False)
    as_it_is.weight.data = torch.eye(6)[:, :, None, None]
    both = as_it_is(x, y)
    assert both.shape == (2, 6, 4, 5)
    assert torch.equal(both[:, :3], x)
    for image in range(2):
        for label in range(3):
            assert torch.equal(both[image, 3 + label], torch.full((4, 5), y[image, label].item()))


@pytest.mark.parametrize(
    ("size", "halvings", "base"),
    [
        ((64, 64), 4, (4, 4)),
        ((28, 28), 2, (7, 7)),
        ((32, 32), 3, (4, 4)),
        ((128, 128), 5, (4, 4)),
        ((48, 32), 3, (6, 4)),
    ],
)
def test_sizes_that_stride_two_makes(size: tuple[int, int], halvings: int, base: tuple[int, int]) -> None:
    assert pyramid(Spec((1, *size), Labels(("a",)))) == (halvings, base)
    assert base[0] * 2**halvings == size[0]


@pytest.mark.parametrize("name", ["dcgan", "cwgan-gp"])
@pytest.mark.parametrize("size", [28, 32, 64, 128])
def test_one_rule_makes_every_size(name: str, size: int) -> None:
    with torch.device("meta"):
        system: Any = preset(name).build(Spec((3, size, size), Labels(("a", "b"))))
        y = torch.zeros(2, 2)
        x = system.generator(torch.zeros(2, system.prior.dim), y)
        assert x.shape == (2, 3, size, size)
        assert system.D(x, y).shape == (2, 1)


def test_channels_double_as_sides_halve() -> None:
    assert channels(4, 64) == [512, 256, 128, 64]


def test_dcgan_starts_as_its_paper_says() -> None:
    system: Any = build("dcgan", SYSTEMS["dcgan"].source_spec)
    weights = [m.weight for m in system.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert torch.cat([w.flatten() for w in weights]).std().item() == pytest.approx(0.02, rel=0.01)
    assert not any(m.bias is not None for m in system.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d))
    assert isinstance(system.D.body[0], nn.LeakyReLU), "no batch norm on D's first layer"


def test_real_and_fake_never_meet_in_dcgans_batch_norm() -> None:
    data = toy_data("digits")
    system: Any = build("dcgan", data.spec)
    seen: list[torch.Tensor] = []
    system.D.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach().clone()))
    stream = streaming(data)
    x, _ = next(streaming(data))
    system.step(stream, 0)
    real, fake, fake_again = seen
    assert torch.equal(real, x)
    assert len(fake) == len(x)
    assert torch.equal(fake, fake_again)
