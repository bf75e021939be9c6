"""BigGAN: its parameter counts, attention, orthogonality, and where each part of z enters."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from condgen import losses
from condgen.labels import Labels
from condgen.nets.attention import SelfAttention
from condgen.noise import draw
from condgen.spec import Spec
from condgen.systems import biggan, preset
from papers.one_step import one_step, seeded, sizes


def test_the_networks_have_the_papers_parameters() -> None:
    """At 128x128 with 1000 classes: 158 million in table 1, of which the authors' code prints these two numbers."""
    spec = Spec((3, 128, 128), Labels(tuple(map(str, range(1000)))))
    system = preset("biggan").build_on_meta(spec, preset("biggan").config.with_overrides({"width": 96, "width_d": 96}))
    assert sizes(system) == [70_433_988, 87_982_370]
    assert system.prior.dim == 120


@pytest.mark.parametrize(
    ("side", "g", "d", "attended"),
    [
        (32, [16, 8, 4], [1, 2, 4, 8], 16),
        (64, [16, 8, 4, 2], [1, 2, 4, 8, 16], 32),
        (128, [16, 8, 4, 2, 1], [1, 2, 4, 8, 16, 16], 64),
        (256, [16, 8, 8, 4, 2, 1], [1, 2, 4, 8, 8, 16, 16], 64),
    ],
)
def test_channels_and_attention_by_resolution(side: int, g: list[int], d: list[int], attended: int) -> None:
    """Those of the paper at 128x128, and of the authors' PyTorch code at 64x64 and 256x256."""
    config = preset("biggan").config.with_overrides({"width": 1, "width_d": 1})
    system = preset("biggan").build(Spec((3, side, side), Labels(("a",))), config).eval()
    seen: list[tuple[int, ...]] = []
    for layer in system.modules():
        if isinstance(layer, SelfAttention):
            layer.register_forward_hook(lambda layer, given, out: seen.append(out.shape[2:]))
    networks: list[Any] = [system.players[name].net for name in "gd"]
    G, D = networks
    with torch.no_grad():
        D(G(torch.randn(1, system.prior.dim), torch.ones(1, 1)), torch.ones(1, 1))
    assert seen == [(attended, attended)] * 2
    assert [block.conv_2.out_channels for block in G.blocks] == g
    assert [block.conv_2.out_channels for block in D.blocks if not isinstance(block, SelfAttention)] == d


def test_attention_is_torchs_own_with_a_gate() -> None:
    torch.manual_seed(0)
    layer, x = SelfAttention(16).eval(), torch.randn(2, 16, 6, 4)
    assert torch.equal(layer(x), x), "gamma is 0 at initialisation"
    layer.gamma.data.fill_(0.7)

    def rows(maps: Tensor) -> Tensor:
        return maps.flatten(2).transpose(1, 2)

    keys, values = (rows(F.max_pool2d(one(x), 2)) for one in (layer.key, layer.value))
    mean = F.scaled_dot_product_attention(rows(layer.query(x)), keys, values, scale=1.0)
    expected = x + 0.7 * layer.out(mean.transpose(1, 2).unflatten(2, (6, 4)))
    assert torch.allclose(layer(x), expected, atol=1e-5)


def test_orthogonality_is_eq_3() -> None:
    """Against the matrix of ones written out, for wide and tall weights, and the gradient in closed form."""
    torch.manual_seed(0)
    for shape in ((5, 3, 3, 3), (12, 4)):
        weight = torch.randn(shape, requires_grad=True)
        W = weight.flatten(1)
        off = (W @ W.T) * (1 - torch.eye(len(W)))
        found = losses.orthogonality([weight])
        assert found.item() == pytest.approx(off.square().sum().item(), rel=1e-4)
        (gradient,) = torch.autograd.grad(found, weight)
        assert torch.allclose(gradient, (4 * off @ W).view(shape), rtol=1e-3, atol=1e-2)
    scaled = torch.linalg.qr(torch.randn(6, 6))[0] * torch.rand(6, 1)
    assert losses.orthogonality([scaled]).item() == pytest.approx(0, abs=1e-4), "lengths are free"


def test_both_networks_get_the_gradients_of_the_paper() -> None:
    step = one_step("biggan", d_steps=1)
    G, D, x, y = step.before.G, step.before.D, step.x, step.y
    seeded()
    fake = G(draw(step.before.prior, len(x)), y).detach()
    scores = D(torch.cat([x, fake]), torch.cat([y, y]))
    step.agrees("d", (1 - scores[:8]).clamp(min=0).mean() + (1 + scores[8:]).clamp(min=0).mean())
    loss_g = -D(G(draw(step.before.prior, len(x)), y), y).mean()
    weights = [w.flatten(1) for name, w in G.named_parameters() if w.ndim > 1 and not name.startswith("label")]
    off = [(W @ W.T) * (1 - torch.eye(len(W))) for W in weights]
    step.agrees("g", loss_g + 1e-4 * sum(matrix.square().sum() for matrix in off))


def test_each_part_of_z_enters_at_its_own_block() -> None:
    spec = Spec((1, 32, 32), Labels(("a", "b")))
    system = preset("biggan").build(spec).eval()
    G: biggan.Generator = system.generator  # type: ignore[assignment]
    maps: list[Tensor] = []
    for block in G.blocks:
        block.register_forward_hook(lambda layer, given, out: maps.append(out))
    z, y = torch.randn(1, 80), torch.eye(2)[:1]
    for part in range(1, 4):
        other = z.clone()
        other[:, 20 * part : 20 * part + 20] += 1
        maps.clear()
        G(z, y)
        G(other, y)
        same = [torch.equal(*pair) for pair in zip(maps[:3], maps[3:], strict=True)]
        assert same == [number < part - 1 for number in range(3)]
    assert sum(isinstance(layer, nn.Linear) and layer.in_features == 2 for layer in G.modules()) == 1, "shared"
