"""Network parts against loops and textbook numbers."""

import pytest
import torch
from torch import nn

from condgen.nets import keras
from condgen.nets.condition import LabelEmbedding, PlanesConv2d
from condgen.nets.dropout import Dropout
from condgen.nets.maxout import Maxout, hold_norms
from condgen.nets.strided import FromPixel
from conftest import with_planes


def test_maxout_is_the_largest_of_k_affine_maps() -> None:
    layer, x = Maxout(7, 5, k=3, std=1.0), torch.randn(4, 7)
    out = layer(x)
    for b in range(4):
        for j in range(5):
            pieces = [x[b] @ layer.weight[j * 3 + i] + layer.bias[j * 3 + i] for i in range(3)]
            assert torch.allclose(out[b, j], torch.stack(pieces).max(), atol=1e-6)


def test_maxout_starts_with_noise_in_weights_and_biases() -> None:
    layer = Maxout(784, 240, k=5)
    for values in (layer.weight.data, layer.bias.data):
        assert values.mean().abs() < 0.003
        assert values.std() == pytest.approx(0.02, rel=0.1)


def test_label_embedding_is_a_look_up_of_the_class() -> None:
    ours, theirs = LabelEmbedding(6, 4), nn.Embedding(6, 4)
    theirs.weight.data = ours.rows.weight.data.T.clone()
    classes = torch.tensor([0, 5, 3])
    assert torch.allclose(ours(torch.eye(6)[classes]), theirs(classes))
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in theirs.parameters())


def test_label_embedding_adds_up_attributes() -> None:
    embed = LabelEmbedding(3, 4)
    one, two, both = embed(torch.tensor([[1.0, 0, 0], [0, 0, 1], [1, 0, 1]]))
    assert torch.allclose(one + two, both, atol=1e-6)


def test_label_embedding_starts_as_its_source_does() -> None:
    assert LabelEmbedding(100, 100).rows.weight.data.std() == pytest.approx(1, rel=0.05)
    uniform = LabelEmbedding(100, 100, keras.EMBEDDING_INIT).rows.weight.data
    assert uniform.abs().max() <= 0.05
    assert uniform.std() == pytest.approx(0.1 / 12**0.5, rel=0.05)


def test_keras_dense_starts_glorot_uniform_with_zero_bias() -> None:
    layer = keras.dense(300, 200)
    assert (layer.bias == 0).all()
    limit = (6 / 500) ** 0.5
    assert layer.weight.abs().max() <= limit
    assert layer.weight.data.std() == pytest.approx(limit / 3**0.5, rel=0.05)


def test_keras_batch_norm_by_hand() -> None:
    """Keras: moving = moving * momentum + batch * (1 - momentum); eps 1e-3 inside the root."""
    norm = keras.batch_norm(1, momentum=0.8)
    x = torch.tensor([[1.0], [3.0]])  # mean 2, variance 1
    assert torch.allclose(norm(x), (x - 2) / (1 + 1e-3) ** 0.5)
    assert norm.running_mean is not None
    assert norm.running_mean.item() == pytest.approx(0.8 * 0 + 0.2 * 2)


def test_maxout_norms_are_held() -> None:
    layer = Maxout(10, 4, k=2, std=1.0, max_norm=1.5)
    layer.weight.data[3] = 0.01
    small, directions = layer.weight.data[3].clone(), nn.functional.normalize(layer.weight.data)
    hold_norms(nn.Sequential(layer, Maxout(4, 4, k=2)))
    norms = layer.weight.data.norm(dim=1)
    assert norms[[0, 1, 2, 4, 5, 6, 7]] == pytest.approx([1.5] * 7, rel=1e-4)
    assert torch.equal(layer.weight.data[3], small)
    assert torch.allclose(nn.functional.normalize(layer.weight.data), directions, atol=1e-5)


@pytest.mark.parametrize("shape", [(3, 1, 28, 28), (2, 3, 10, 14)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_convolution_of_label_planes_needs_no_planes(shape: tuple[int, ...], bias: bool) -> None:
    """Borders included; and so do all of its gradients."""
    layer = PlanesConv2d(shape[1] + 4, 6, 4, 2, 1, bias=bias)
    plain = nn.Conv2d(shape[1] + 4, 6, 4, 2, 1, bias=bias)
    plain.load_state_dict(layer.state_dict())
    x, y = torch.randn(shape, requires_grad=True), (torch.rand(shape[0], 4) > 0.5).float().requires_grad_()
    ours, theirs = layer(x, y), plain(with_planes(x, y))
    assert torch.allclose(ours, theirs, atol=1e-5)
    weights = torch.randn_like(theirs)
    mine = torch.autograd.grad((ours * weights).sum(), [x, y, *layer.parameters()])
    others = torch.autograd.grad((theirs * weights).sum(), [x, y, *plain.parameters()])
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(mine, others, strict=True))


@pytest.mark.parametrize("channels_last", [True, False])
def test_from_a_pixel_is_a_transposed_convolution(channels_last: bool) -> None:
    layer, plain = FromPixel(10, 6, (4, 5), bias=False), nn.ConvTranspose2d(10, 6, (4, 5), bias=False)
    plain.load_state_dict(layer.state_dict())
    layer.to(memory_format=torch.channels_last if channels_last else torch.contiguous_format)  # type: ignore[call-overload]
    pixel = torch.randn(3, 10, 1, 1)
    assert torch.allclose(layer(pixel), plain(pixel), atol=1e-5)
    assert layer(pixel).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("share", [0.3, 0.4, 0.5])
def test_dropout_drops_its_share_and_keeps_the_mean(share: float) -> None:
    """Within four standard deviations of 400,000 units; neighbours fall apart from one another."""
    torch.manual_seed(0)
    x = torch.ones(100, 10, 20, 20).to(memory_format=torch.channels_last).requires_grad_()
    out = Dropout(share)(x)
    gone = (out == 0).float()
    assert gone.mean().item() == pytest.approx(share, abs=4 * (share * (1 - share) / x.numel()) ** 0.5)
    assert out.max().item() == pytest.approx(1 / (1 - share), rel=1e-4)
    flat = gone.permute(0, 2, 3, 1).flatten() - gone.mean()
    for lag in (1, 2, 3, 4, 8):
        assert abs((flat[lag:] * flat[:-lag]).mean() / flat.square().mean()) < 4 / x.numel() ** 0.5
    out.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, out.detach())


def test_dropout_is_another_every_time_but_for_the_seed_and_rests_when_drawing() -> None:
    layer, x = Dropout(0.5), torch.randn(8, 31)
    torch.manual_seed(3)
    first, second = layer(x), layer(x)
    torch.manual_seed(3)
    assert torch.equal(layer(x), first)
    assert not torch.equal(first, second)
    assert torch.equal(layer.eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)
