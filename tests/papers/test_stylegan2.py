"""The system that benchmarks compare with (benchmarks/peers/stylegan2_ada.py): its layers, by the papers' equations."""

import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from peers import stylegan2_ada as peer  # type: ignore[import-not-found]

from condgen.labels import Labels
from condgen.spec import Spec
from condgen.testing import system_laws
from condgen.testing.toys import toy_data
from condgen.testing.trainings import Case

NAME = "peers.stylegan2_ada:StyleGAN2"


@pytest.mark.parametrize("demodulates", [True, False])
def test_modulation_equals_a_convolution_with_the_weights_of_each_image(demodulates: bool) -> None:
    torch.manual_seed(0)
    layer = peer.ModulatedConv2d(5, 7, 3, 4, demodulates=demodulates)
    x, styles = torch.randn(3, 5, 8, 6), torch.randn(3, 5)
    for image, style, found in zip(x, styles, layer.modulated(x, styles), strict=True):
        weight = layer.weight * layer.scale * style[None, :, None, None]  # Eq. 1
        if demodulates:
            weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + peer.TINY).sqrt()  # Eq. 3
        assert torch.allclose(F.conv2d(image[None], weight, padding=1)[0], found, atol=1e-5)


def test_resolution_is_doubled_and_halved_without_a_change_of_level() -> None:
    flat = torch.ones(1, 3, 8, 6)
    assert torch.allclose(peer.blur(flat, 0), torch.ones(1, 3, 5, 3))
    up, down = peer.ModulatedConv2d(3, 2, 3, 4, doubles=True), peer.Conv2d(3, 2, 3, halves=True)
    assert up.modulated(flat, torch.ones(1, 3)).shape == (1, 2, 16, 12)
    assert down(flat).shape == (1, 2, 4, 3)
    constant = up.modulated(flat, torch.ones(1, 3))[..., 4:-4, 4:-4]  # away from the borders
    assert constant.std(dim=(2, 3)).max() < 1e-5


def test_deviation_of_the_minibatch_is_zero_for_equal_images_only() -> None:
    images = torch.randn(8, 3, 4, 4)
    assert peer.spread(images[:1].expand(8, -1, -1, -1)).max() < 1e-3
    by_group = images.view(4, 2, -1).var(0, unbiased=False).sqrt().mean(1)  # images 0, 2, 4, 6 and 1, 3, 5, 7
    assert torch.allclose(peer.spread(images)[:, 0, 0, 0], by_group.repeat(4), atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 64, 64)])
def test_parameters_are_those_of_the_papers_architecture(shape: tuple[int, int, int]) -> None:
    c, side, K, dim = shape[0], shape[1], 6, 128
    system = peer.StyleGAN2(Spec(shape, Labels(tuple("abcdef"))), peer.Config())
    maps = {28: [64, 32, 16], 32: [128, 64, 32, 16], 64: [128, 128, 64, 32, 16]}[side]
    base, pairs = side // 2 ** (len(maps) - 1), list(pairwise(maps))

    def modulated(one: int, two: int, kernel: int = 3) -> int:
        return (dim + 1) * one + kernel**2 * one * two + two

    mapping = (K + 1) * dim + (2 * dim + 1) * dim + (dim + 1) * dim
    convolutions = modulated(maps[0], maps[0]) + sum(modulated(a, b) + modulated(b, b) for a, b in pairs)
    G = mapping + maps[0] * base**2 + convolutions + sum(modulated(m, c, 1) for m in maps)
    blocks = sum(9 * b * b + b + 9 * b * a + a + b * a for a, b in pairs)
    last = 9 * (maps[0] + 1) * maps[0] + maps[0] + (maps[0] * base**2 + 1) * maps[0]
    D = (c + 1) * maps[-1] + blocks + last + maps[0] + 1 + (K + 1) * maps[0]
    assert [sum(p.numel() for p in net.parameters()) for net in (system.G, system.D)] == [G, D]


@pytest.mark.parametrize("kind", ["alpha", "attributes"])
@pytest.mark.parametrize(
    "law",
    [
        system_laws.generates_images_in_range,
        system_laws.uses_the_label_or_declares_that_it_does_not,
        system_laws.every_parameter_changes,
        system_laws.update_changes_only_its_player,
    ],
)
def test_laws(law: Callable[[Case], object], kind: str, tmp_path: Path) -> None:
    law(Case(NAME, toy_data(kind), tmp_path))
