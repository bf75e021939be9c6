"""Network parts against loops and textbook numbers."""

import pytest
import torch
from torch import nn

from condgen.nets import keras
from condgen.nets.condition import LabelEmbedding
from condgen.nets.maxout import Maxout, hold_norms


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
