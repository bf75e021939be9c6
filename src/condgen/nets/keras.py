"""Layers with the defaults of Keras, for systems that are specified by Keras code; PyTorch's defaults all differ."""

from torch import nn

from condgen.spec import Spec

ADAM_EPS = 1e-7
EMBEDDING_INIT = 0.05
"""Keras initialises an Embedding from U(-0.05, 0.05)."""


def dense(inputs: int, outputs: int) -> nn.Linear:
    """Linear layer, initialised with Glorot uniform weights and zero biases."""
    layer = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def batch_norm(features: int, momentum: float = 0.99) -> nn.BatchNorm1d:
    """Batch norm with eps 1e-3. `momentum` is that of Keras, the weight of the old average (PyTorch: 1 - momentum)."""
    return nn.BatchNorm1d(features, eps=1e-3, momentum=1 - momentum)


def batch_norm_2d(features: int, momentum: float = 0.99) -> nn.BatchNorm2d:
    """The same for feature maps."""
    return nn.BatchNorm2d(features, eps=1e-3, momentum=1 - momentum)


def start(layer: nn.Module) -> None:
    """Initialise a convolution with Glorot uniform weights and zero biases; for `net.apply(start)`."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def gan_generator(z_dim: int, spec: Spec) -> nn.Sequential:
    """z (b, z_dim) -> images (b, *spec.shape): the generator of Keras-GAN's `gan` and `cgan`, with batch norm after the
    activations."""
    return nn.Sequential(
        dense(z_dim, 256), nn.LeakyReLU(0.2), batch_norm(256, 0.8),
        dense(256, 512), nn.LeakyReLU(0.2), batch_norm(512, 0.8),
        dense(512, 1024), nn.LeakyReLU(0.2), batch_norm(1024, 0.8),
        dense(1024, spec.pixels), nn.Tanh(), nn.Unflatten(1, spec.shape),
    )  # fmt: skip
