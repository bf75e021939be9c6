"""Layers with Keras' defaults, for systems whose source is Keras code; PyTorch's differ in every one of them."""

from torch import nn

ADAM_EPS = 1e-7
EMBEDDING_INIT = 0.05
"""Keras' Embedding starts from U(-0.05, 0.05)."""


def dense(inputs: int, outputs: int) -> nn.Linear:
    """A linear layer that starts from Glorot uniform weights and zero biases."""
    layer = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def batch_norm(features: int, momentum: float = 0.99) -> nn.BatchNorm1d:
    """Batch norm with eps 1e-3. `momentum` is Keras': the share of the old average that stays (PyTorch's is 1 - it)."""
    return nn.BatchNorm1d(features, eps=1e-3, momentum=1 - momentum)
