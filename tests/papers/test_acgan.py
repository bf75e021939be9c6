"""AC-GAN: the losses of the paper, the head that public copies get wrong, and the networks of its table."""

from math import log

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from condgen import losses
from condgen.noise import draw
from condgen.systems import CIFAR, preset
from papers.one_step import one_step, seeded


def test_both_networks_get_the_gradients_of_eq_2_and_3() -> None:
    step = one_step("acgan", dropout=0.0)
    G, D, x, classes = step.before.G, step.before.D, step.x, step.y.argmax(1)
    seeded()
    fake = G(draw(step.before.prior, len(x)), step.y)
    (real_source, real_class), (fake_source, fake_class) = D(x), D(fake.detach())
    L_S = real_source.sigmoid().log().mean() + (1 - fake_source.sigmoid()).log().mean()
    L_C = sum(logits.softmax(1)[torch.arange(8), classes].log().mean() for logits in (real_class, fake_class))
    step.agrees("d", -(L_S + L_C) / 2)
    source, label = D(fake)
    step.agrees("g", -(source.sigmoid().log().mean() + label.softmax(1)[torch.arange(8), classes].log().mean()))
    assert step.logs["loss/d"].item() == pytest.approx(-(L_S + L_C).item() / 2, rel=1e-4)


def test_a_sure_head_has_no_loss_left() -> None:
    """Copies that put a softmax before the cross-entropy stay above log(1 + 9 / e) and hardly learn."""
    y = torch.eye(10)
    assert losses.says_label(100 * y, y, "classes").item() == pytest.approx(0, abs=1e-6)
    assert losses.says_label(0 * y, y, "classes").item() == pytest.approx(log(10))
    wide = {type(layer): layer for layer in preset("acgan").build_on_meta().players["d"].net.modules()}
    assert nn.Softmax not in wide
    assert nn.Sigmoid not in wide


def test_attributes_are_predicted_one_by_one() -> None:
    logits, y = torch.randn(5, 4), (torch.rand(5, 4) > 0.5).float()
    right = torch.where(y > 0, logits.sigmoid(), 1 - logits.sigmoid())
    assert losses.says_label(logits, y, "attributes").item() == pytest.approx(-right.log().sum(1).mean().item(), 1e-5)


def test_the_discriminator_is_that_of_table_2() -> None:
    D = preset("acgan").build_on_meta(CIFAR).players["d"].net
    convs = [layer for layer in D.modules() if isinstance(layer, nn.Conv2d)]
    assert [(c.out_channels, c.stride[0], c.kernel_size[0]) for c in convs] == [
        (16, 2, 3), (32, 1, 3), (64, 2, 3), (128, 1, 3), (256, 2, 3), (512, 1, 3),
    ]  # fmt: skip
    norms = [layer for layer in D.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert [norm.num_features for norm in norms] == [32, 64, 128, 256, 512]
    assert {norm.eps for norm in norms} == {1e-5}, "copies pass 0.8, meant as momentum, as eps"
    heads = [layer for layer in D.modules() if isinstance(layer, nn.Linear)]
    assert [head.out_features for head in heads] == [11]


def test_the_generator_is_that_of_table_2() -> None:
    G = preset("acgan").build_on_meta(CIFAR).players["g"].net
    (first,) = (layer for layer in G.modules() if isinstance(layer, nn.Linear))
    assert (first.in_features, first.out_features) == (110, 384 * 4 * 4)
    ups = [layer for layer in G.modules() if isinstance(layer, nn.ConvTranspose2d)]
    assert [(up.out_channels, up.stride[0], up.kernel_size[0]) for up in ups] == [(192, 2, 5), (96, 2, 5), (3, 2, 5)]


def test_a_transposed_convolution_doubles_the_sides() -> None:
    system = preset("acgan").build(CIFAR)
    up = next(layer for layer in system.generator.modules() if isinstance(layer, nn.ConvTranspose2d))
    assert F.relu(up(torch.zeros(1, 384, 4, 4))).shape == (1, 192, 8, 8)
