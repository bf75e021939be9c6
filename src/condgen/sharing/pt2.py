"""Exports a generator as torch's own exported program, for torch without condgen.

A .pt2 file is a zip archive that contains a pickle of torch, so it should only be loaded by users who trust its author.
condgen itself loads no .pt2 file except the one that it has just written.
"""

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from condgen.sampling.sampler import Sampler
from condgen.sharing import parity


def export(sampler: Sampler, path: Path) -> parity.Difference:
    """Write the generator to `path`; inputs z and y, output and check are those of `sharing.onnx`.

    Sampling options are fixed at the sampler's values.
    """
    traced = parity.Traceable.of(sampler, free_options=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings about torch's internals
        program = traced.program()
        torch.export.save(program, path)
        loaded = torch.export.load(path).module()

    def again(z: Tensor, y: Tensor, options: Mapping[str, float]) -> NDArray[np.uint8]:
        generated: NDArray[np.uint8] = loaded(z, y).numpy()
        return generated

    return parity.check(sampler, again)
