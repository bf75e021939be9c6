"""A generator as one ONNX file, which onnxruntime draws from without condgen or torch.

    z  float32 (batch, dim)    y  float32 (batch, K)    ->    pictures  uint8 (batch, height, width, channels)

The batch is free. The rounding to 0 ... 255 is inside, so that whoever runs it gets the same grey levels.
"""

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from condgen.errors import needs
from condgen.sharing import card, parity
from condgen.spec import Prior, Spec

Precision = Literal["fp32", "fp16", "int8"]
ALLOWED = {
    "fp32": parity.Difference(1, 1.0),
    "fp16": parity.Difference(255, 1.0),  # at an edge a rounding may turn black into white; not in the mean
    "int8": parity.Difference(255, 16.0),
}


def export(net: nn.Module, spec: Spec, prior: Prior, path: Path, precision: Precision = "fp32") -> parity.Difference:
    """Write `net`, a generator in eval mode, to `path`, and hold it against eager torch at several batch sizes.

    precision: of the numbers inside. fp16 halves the file; int8 makes it a third and onnxruntime faster, and changes
        pictures visibly (docs/export.md has figures).

    Raises CondgenError if any of 256 pictures over all labels differs by more than one grey level, or, with a lower
    precision, if they differ by more than `ALLOWED` in the mean.
    """
    with needs("export"):
        import onnxruntime  # noqa: F401, for the check
        import onnxscript  # noqa: F401, torch's exporter is built on it

    traced, example, free = parity.traceable(net, spec, prior)
    _write(traced, example, free, _told(spec, prior), path)
    if precision == "fp16":
        _halve(path)
    elif precision == "int8":
        _quantize(path, parity.points(spec, prior))
    return parity.check(traced.net, spec, prior, runner(path), ALLOWED[precision])


def _write(
    traced: parity.Drawing, example: tuple[Tensor, Tensor], free: dict[str, Any], told: dict[str, str], path: Path
) -> None:
    with _quietly():
        program = torch.onnx.export(
            traced, example, dynamo=True, verbose=False, input_names=["z", "y"],
            output_names=["pictures"], dynamic_shapes=free,
        )  # fmt: skip
        assert program is not None
        program.model.metadata_props.update(told)
        program.save(path)


def _halve(path: Path) -> None:
    """Numbers inside as fp16; z and y stay fp32."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    onnx.save(convert_float_to_float16(onnx.load(path), keep_io_types=True), path)


def _quantize(path: Path, points: tuple[Tensor, Tensor]) -> None:
    """Products of matrices in int8, a scale per channel; how far activations reach is seen at `points`."""
    from onnxruntime import quantization

    batches = ({"z": z.numpy(), "y": y.numpy()} for z, y in zip(*(some.split(32) for some in points), strict=True))

    class Points(quantization.CalibrationDataReader):  # type: ignore[misc]
        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            return next(batches, None)

    with _quietly():
        quantization.quantize_static(
            path, path, Points(), per_channel=True, op_types_to_quantize=["Conv", "ConvTranspose", "Gemm", "MatMul"]
        )


def runner(path: Path) -> parity.Program:
    """The file in onnxruntime, on this machine's CPU with as many threads as torch has."""
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
    about = {"labels": spec.to_json()["labels"], "range": card.RANGE, "prior": asdict(prior)}
    return {key: json.dumps(value, ensure_ascii=False) for key, value in about.items()}


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what the exporter says of a torchvision that is not here, and of its own insides."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx._internal.exporter._registration", "root")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
