"""A generator as torch's own exported program, which torch draws from without condgen.

A .pt2 file is a zip that also holds a pickle of torch's: to be made, given away and loaded by whoever trusts the giver.
condgen itself never loads one that it has not just written.
"""

import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from condgen.sharing import parity
from condgen.spec import Prior, Spec


def export(net: nn.Module, spec: Spec, prior: Prior, path: Path) -> parity.Difference:
    """Write `net`, a generator in eval mode, to `path`: inputs, output and check as in `sharing.onnx`."""
    traced, example, free = parity.traceable(net, spec, prior)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about its own insides
        program = torch.export.export(traced, example, dynamic_shapes=free)
        torch.export.save(program, path)
        drawing = torch.export.load(path).module()

    def again(z: Tensor, y: Tensor) -> NDArray[np.uint8]:
        drawn: NDArray[np.uint8] = drawing(z, y).numpy()
        return drawn

    return parity.check(traced.net, spec, prior, again)
