"""Networks of the documents that are written in Keras, against Keras itself: equal weights, equal outputs."""

import os
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from condgen.labels import Labels
from condgen.noise import reseed
from condgen.spec import Spec
from condgen.systems import DIGITS, preset
from conftest import with_planes

os.environ["KERAS_BACKEND"] = "torch"
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    keras: Any = pytest.importorskip("keras")
K = keras.layers

FACES = Spec((3, 64, 64), Labels(("not Blond_Hair", "Blond_Hair")))
B = 3


def built(name: str, spec: Spec) -> Any:
    """One of our systems after a moment's training, so that no bias, scale or running mean is at its first value."""
    reseed(0, "init", 0)
    system = preset(name).build(spec)
    with torch.no_grad():
        for tensor in (*system.parameters(), *system.buffers()):
            if tensor.is_floating_point():
                tensor.add_(0.1 * (torch.rand_like(tensor) - 0.5))
    return system.eval()


def transplant(ours: nn.Module, theirs: Any) -> None:
    """Our weights into a Keras model of the same layers in the same order."""
    layers = [m for m in ours.modules() if list(m.parameters(recurse=False)) and not list(m.children())]
    homes = [layer for layer in theirs.layers if layer.weights]
    assert len(layers) == len(homes)
    for layer, home in zip(layers, homes, strict=True):
        home.set_weights([value.detach().numpy() for value in in_keras_order(layer)])


def in_keras_order(layer: nn.Module) -> Iterator[torch.Tensor]:
    if isinstance(layer, nn.Linear):
        yield layer.weight.T
    elif isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        yield layer.weight.permute(2, 3, 1, 0)
    else:
        assert isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)
        yield from (layer.weight, layer.bias, layer.running_mean, layer.running_var)  # type: ignore[misc]
        return
    if layer.bias is not None:
        yield layer.bias


def said_by(model: Any, *inputs: torch.Tensor) -> torch.Tensor:
    """A Keras model's answer, maps with their channels first as ours."""
    given = [x.permute(0, 2, 3, 1) if x.ndim == 4 else x for x in inputs]
    with torch.no_grad():
        out = model(given if len(given) > 1 else given[0], training=False)
    out = torch.as_tensor(np.asarray(out.detach()))
    return out.permute(0, 3, 1, 2) if out.ndim == 4 else out


def dense_generator() -> Any:
    """Documents 001 and 004: build_generator, from the noise on."""
    stack: list[Any] = [keras.Input((100,))]
    for units in (256, 512, 1024):
        stack += [K.Dense(units), K.LeakyReLU(negative_slope=0.2), K.BatchNormalization(momentum=0.8)]
    return keras.Sequential([*stack, K.Dense(784, activation="tanh"), K.Reshape((28, 28, 1))])


def test_gan() -> None:
    """Document 001, build_generator and build_discriminator."""
    D = keras.Sequential([
        keras.Input((28, 28, 1)), K.Flatten(),
        K.Dense(512), K.LeakyReLU(negative_slope=0.2),
        K.Dense(256), K.LeakyReLU(negative_slope=0.2),
        K.Dense(1, activation="sigmoid"),
    ])  # fmt: skip
    G, ours = dense_generator(), built("gan", DIGITS)
    transplant(ours.G, G)
    transplant(ours.D, D)
    z = torch.randn(B, 100)
    fake = ours.G(z, torch.zeros(B, 10))
    assert torch.allclose(said_by(G, z), fake, atol=1e-5)
    assert torch.allclose(said_by(D, fake), ours.D(fake).sigmoid(), atol=1e-5)
    assert (G.count_params(), D.count_params()) == (1_493_520, 533_505)  # the document's summary(), buffers included


def test_cgan_multiply() -> None:
    """Document 004: an Embedding, flattened, times the noise and times the flat image."""
    ours, noise, label = built("cgan-multiply", DIGITS), keras.Input((100,)), keras.Input((1,), dtype="int32")
    body = dense_generator()
    embedding = K.Embedding(10, 100)
    G = keras.Model([noise, label], body(K.multiply([noise, K.Flatten()(embedding(label))])))
    transplant(ours.G.body, body)
    embedding.set_weights([ours.G.embed.rows.weight.T.detach().numpy()])

    image, many = keras.Input((28, 28, 1)), K.Embedding(10, 784)
    stack = keras.Sequential([
        keras.Input((784,)), K.Dense(512), K.LeakyReLU(negative_slope=0.2),
        K.Dense(512), K.LeakyReLU(negative_slope=0.2), K.Dropout(0.4),
        K.Dense(512), K.LeakyReLU(negative_slope=0.2), K.Dropout(0.4),
        K.Dense(1, activation="sigmoid"),
    ])  # fmt: skip
    joined = K.multiply([K.Flatten()(image), K.Flatten()(many(label))])
    D = keras.Model([image, label], stack(joined))
    transplant(ours.D.body, stack)
    many.set_weights([ours.D.embed.rows.weight.T.detach().numpy()])

    z, digits = torch.randn(B, 100), torch.tensor([[8], [0], [3]])
    y = torch.eye(10)[digits[:, 0]]
    fake = ours.G(z, y)
    assert torch.allclose(said_by(G, z, digits), fake, atol=1e-5)
    assert torch.allclose(said_by(D, fake, digits), ours.D(fake, y).sigmoid(), atol=1e-5)


def test_cwgan_gp() -> None:
    """Document 003, generator and critic as printed."""
    stack: list[Any] = [keras.Input((1, 1, 34))]
    for filters, strides, padding in ((128, 1, "valid"), (128, 2, "same"), (128, 2, "same"), (64, 2, "same")):
        up = K.Conv2DTranspose(filters, kernel_size=4, strides=strides, padding=padding, use_bias=False)
        stack += [up, K.BatchNormalization(momentum=0.9), K.LeakyReLU(negative_slope=0.2)]
    last = K.Conv2DTranspose(3, kernel_size=4, strides=2, padding="same", activation="tanh")
    G = keras.Sequential([*stack, last])
    D = keras.Sequential([
        keras.Input((64, 64, 5)),
        K.Conv2D(64, kernel_size=4, strides=2, padding="same"), K.LeakyReLU(negative_slope=0.2),
        K.Conv2D(128, kernel_size=4, strides=2, padding="same"), K.LeakyReLU(), K.Dropout(0.3),
        K.Conv2D(128, kernel_size=4, strides=2, padding="same"), K.LeakyReLU(negative_slope=0.2), K.Dropout(0.3),
        K.Conv2D(128, kernel_size=4, strides=2, padding="same"), K.LeakyReLU(negative_slope=0.2), K.Dropout(0.3),
        K.Conv2D(1, kernel_size=4, strides=1, padding="valid"), K.Flatten(),
    ])  # fmt: skip
    ours = built("cwgan-gp", FACES)
    transplant(ours.G, G)
    transplant(ours.D, D)
    z, y = torch.randn(B, 32), torch.eye(2)[torch.tensor([0, 1, 1])]
    fake = ours.G(z, y)
    assert torch.allclose(said_by(G, torch.cat([z, y], 1)[:, :, None, None]), fake, atol=1e-5)
    planes = with_planes(fake, y)
    assert torch.allclose(said_by(D, planes), ours.D(fake, y), atol=1e-5)


def test_first_weights_and_batch_norm_are_keras_own() -> None:
    made: Any = preset("gan").build(DIGITS)
    dense, ours = K.Dense(512), made.D[1]
    dense.build((None, 784))
    theirs = dense.kernel.value.detach()
    assert theirs.std().item() == pytest.approx(ours.weight.std().item(), rel=0.02)
    assert theirs.abs().max().item() == pytest.approx(ours.weight.abs().max().item(), rel=0.01)

    norm, ours_norm = K.BatchNormalization(momentum=0.8), made.G.body[2]
    x = torch.randn(64, 256) * 3 + 1
    said = torch.as_tensor(np.asarray(norm(x, training=True).detach()))
    assert torch.allclose(said, ours_norm.train()(x), atol=1e-5)
    mean, variance = (v.value.detach().numpy() for v in (norm.moving_mean, norm.moving_variance))
    assert np.allclose(mean, ours_norm.running_mean.numpy(), atol=1e-6)
    # torch averages the unbiased variance, Keras the biased one: 64/63 apart in what the batch contributes
    assert np.allclose((variance - 0.8) * 64 / 63 + 0.8, ours_norm.running_var.numpy(), atol=1e-5)
