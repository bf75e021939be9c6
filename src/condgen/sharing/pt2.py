"""A generator as torch's own exported program, which torch draws from without condgen.

A .pt2 file is a zip that also holds a pickle of torch's: to be made, given away and loaded by whoever trusts the giver.
condgen itself never loads one that it has not just written.
"""

import copy
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
    net = copy.deepcopy(net).cpu().eval().requires_grad_(False)
    batch = torch.export.Dim("batch", min=1, max=4096)
    example = torch.zeros(2, prior.dim), torch.zeros(2, len(spec.labels))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about its own insides
        program = torch.export.export(parity.Drawing(net), example, dynamic_shapes={"z": {0: batch}, "y": {0: batch}})
        torch.export.save(program, path)
        drawing = torch.export.load(path).module()

    def again(z: Tensor, y: Tensor) -> NDArray[np.uint8]:
        drawn: NDArray[np.uint8] = drawing(z, y).numpy()
        return drawn

    return parity.check(net, spec, prior, again)
