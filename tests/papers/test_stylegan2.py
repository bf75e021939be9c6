"""StyleGAN2 with ADA: its layers by the papers' equations, its losses and its parameter counts."""

import pytest
import torch
import torch.nn.functional as F

from condgen.labels import Labels
from condgen.nets.equalized import TINY, EqualConv2d, EqualLinear, ModulatedConv2d, blur, spread
from condgen.noise import draw
from condgen.spec import Spec
from condgen.systems import preset
from papers.one_step import one_step, seeded, sizes


@pytest.mark.parametrize("demodulates", [True, False])
def test_modulation_equals_a_convolution_with_the_weights_of_each_image(demodulates: bool) -> None:
    torch.manual_seed(0)
    layer = ModulatedConv2d(5, 7, 3, 4, demodulates=demodulates)
    x, styles = torch.randn(3, 5, 8, 6), torch.randn(3, 5)
    for image, style, found in zip(x, styles, layer.modulated(x, styles), strict=True):
        weight = layer.weight * layer.scale * style[None, :, None, None]  # Eq. 1
        if demodulates:
            weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + TINY).sqrt()  # Eq. 3
        assert torch.allclose(F.conv2d(image[None], weight, padding=1)[0], found, atol=1e-5)


def test_resolution_is_doubled_and_halved_without_a_change_of_level() -> None:
    flat = torch.ones(1, 3, 8, 6)
    assert torch.allclose(blur(flat, 0), torch.ones(1, 3, 5, 3))
    up, down = ModulatedConv2d(3, 2, 3, 4, doubles=True), EqualConv2d(3, 2, 3, halves=True)
    assert up.modulated(flat, torch.ones(1, 3)).shape == (1, 2, 16, 12)
    assert down(flat).shape == (1, 2, 4, 3)
    constant = up.modulated(flat, torch.ones(1, 3))[..., 4:-4, 4:-4]  # away from the borders
    assert constant.std(dim=(2, 3)).max() < 1e-5


def test_equalised_layers_keep_the_variance_at_any_rate() -> None:
    torch.manual_seed(0)
    x = torch.randn(256, 400)
    assert EqualLinear(400, 50, rate=0.01)(x).std().item() == pytest.approx(1, rel=0.1)
    assert (EqualLinear(4, 3, rate=0.01, bias=2.0)(torch.zeros(1, 4)) == 2).all()


def test_deviation_of_the_minibatch_is_zero_for_equal_images_only() -> None:
    images = torch.randn(8, 3, 4, 4)
    assert spread(images[:1].expand(8, -1, -1, -1), 4).max() < 1e-3
    by_group = images.view(4, 2, -1).var(0, unbiased=False).sqrt().mean(1)  # images 0, 2, 4, 6 and 1, 3, 5, 7
    assert torch.allclose(spread(images, 4)[:, 0, 0, 0], by_group.repeat(4), atol=1e-4)


def test_the_networks_have_the_papers_parameters() -> None:
    """At 256x256: 30,034,338 and 28,864,129 without labels. Ours has no noise, which has a strength per convolution of
    3x3; the labels are embedded in both, and in G make the input of the mapping twice as large."""
    K, paper = 7, {"z_dim": 512, "mapping_layers": 8, "width": 128, "most": 512}
    spec = Spec((3, 256, 256), Labels(tuple(map(str, range(K)))))
    system = preset("stylegan2").build_on_meta(spec, preset("stylegan2").config.with_overrides(paper))
    convolutions = 1 + 2 * 6
    assert sizes(system) == [30_034_338 - convolutions + 512 * K + 512 * 512, 28_864_129 + 512 * K]


def test_both_networks_get_the_gradients_of_the_papers() -> None:
    """R1 in every sixteenth step, sixteen times as heavy; the weight grows with the pixels and falls with the batch."""
    penalised, plain = (one_step("stylegan2", images=images, augmentation="none") for images in (0, 8))
    for step, heavy in ((penalised, 16 * 2e-4 * 64 / 8), (plain, 0.0)):
        G, D, y = step.before.G, step.before.D, step.y
        seeded()
        fake, real = G(draw(step.before.prior, 8), y).detach(), step.x.clone().requires_grad_()
        scores = D(real, y)
        (slope,) = torch.autograd.grad(scores.sum(), real, create_graph=True)
        loss_d = -scores.sigmoid().log().mean() - (1 - D(fake, y).sigmoid()).log().mean()
        step.agrees("d", loss_d + heavy / 2 * slope.square().sum((1, 2, 3)).mean())
        step.agrees("g", -D(G(draw(step.before.prior, 8), y), y).sigmoid().log().mean())
