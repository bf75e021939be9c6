"""A generator as one ONNX file, which onnxruntime draws from without condgen or torch.

    z  float32 (batch, dim)    y  float32 (batch, K)    ->    pictures  uint8 (batch, height, width, channels)

The batch is free. The rounding to 0 ... 255 is inside, so that whoever runs it gets the same grey levels.
"""

import copy
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from condgen.errors import needs
from condgen.sharing import parity
from condgen.spec import Prior, Spec

RANGE = [0, 255]
"""Of the pictures that come out."""
LARGEST_BATCH = 4096


def export(net: nn.Module, spec: Spec, prior: Prior, path: Path) -> None:
    """Write `net`, a generator in eval mode, to `path`, and hold it against eager torch at several batch sizes.

    Raises CondgenError if any of 256 pictures over all labels differs by more than one grey level.
    """
    with needs("export"):
        import onnxruntime  # noqa: F401, for the check
        import onnxscript  # noqa: F401, torch's exporter is built on it

    net = copy.deepcopy(net).cpu().eval().requires_grad_(False)
    batch = torch.export.Dim("batch", min=1, max=LARGEST_BATCH)
    example = torch.zeros(2, prior.dim), torch.zeros(2, len(spec.labels))
    with _quietly():
        program = torch.onnx.export(
            parity.Drawing(net), example, dynamo=True, verbose=False, input_names=["z", "y"],
            output_names=["pictures"], dynamic_shapes={"z": {0: batch}, "y": {0: batch}},
        )  # fmt: skip
        assert program is not None
        program.model.metadata_props.update(_told(spec, prior))
        program.save(path)
    parity.check(net, spec, prior, runner(path))


def runner(path: Path) -> parity.Program:
    """The file in onnxruntime, on one thread of this machine's CPU."""
    with needs("export"):
        import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors alone
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def program(z: Tensor, y: Tensor) -> NDArray[np.uint8]:
        drawn: NDArray[np.uint8] = session.run(None, {"z": z.numpy(), "y": y.numpy()})[0]
        return drawn

    return program


def _told(spec: Spec, prior: Prior) -> dict[str, str]:
    """What the file says of itself, each as JSON."""
    about = {"labels": spec.to_json()["labels"], "range": RANGE, "prior": asdict(prior)}
    return {key: json.dumps(value, ensure_ascii=False) for key, value in about.items()}


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what the exporter says of a torchvision that is not here, and of its own insides."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
