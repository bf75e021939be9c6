"""Features that a seed makes, as from a ReLU layer: correlated, many zeros. tools/golden_metrics.py makes the same."""

import numpy as np
import torch
from torch import Tensor


def features(n: int, seed: int, shift: float = 0.0, dim: int = 64) -> Tensor:
    """(n, dim), float64."""
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(0).standard_normal((dim, dim)) / dim**0.5
    return torch.from_numpy(np.maximum(0, random.standard_normal((n, dim)) @ mixing + shift))
