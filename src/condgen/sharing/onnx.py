"""Exports a generator as one ONNX file, for onnxruntime without condgen or torch.

    z  float32 (batch, dim)    y  float32 (batch, K)    ->    images  uint8 (batch, height, width, channels)

The batch size is free. The graph includes the rounding to 0 ... 255, so that every runtime returns the same grey
levels. Sampling options that are real numbers, such as truncation, are optional inputs (float32 scalars) with the value
of the export as default. The other options are fixed at that value. docs/export.md has an example.
"""

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from condgen.errors import CondgenError, needs
from condgen.options import PRECISION, filled
from condgen.sampling.sampler import Sampler
from condgen.sharing import card, fp64, parity

Precision = Literal["fp32", "fp16", "int8", "fp64"]
ALLOWED = {
    "fp32": parity.Difference(1, 1.0),
    "fp16": parity.Difference(255, 1.0),  # rounding may flip single pixels at an edge, but changes the mean little
    "int8": parity.Difference(255, 16.0),
    "fp64": parity.Difference(0, 0.0),
}


def export(sampler: Sampler, path: Path, precision: Precision = "fp32", optional: bool = True) -> parity.Difference:
    """Write the generator to `path`, and compare its images with those of eager torch at several batch sizes.

    optional: whether the sampling options are optional inputs, which onnxruntime-web does not support.
    precision: precision of the weights. fp16 halves the file size; int8 reduces it to a third, makes onnxruntime
        faster and changes images visibly (docs/export.md has figures). fp64 is for a sampler with that precision.

    Raises CondgenError if any of 256 images over all labels differs by more than one grey level, or, with another
    precision, if they differ by more than `ALLOWED`.
    """
    with needs("export"):
        import onnxruntime  # noqa: F401, for the check
        import onnxscript  # noqa: F401, torch's exporter is built on it

    traced = parity.Traceable.of(sampler, free_options=precision in ("fp32", "fp64"))
    _write(traced, _metadata(sampler), path, optional)
    if precision == "fp16":
        _halve(path)
    elif precision == "int8":
        _quantize(path, parity.points(sampler.spec, sampler.prior))
    program = runner(path, {} if optional else {name: value.item() for name, value in traced.options.items()})
    parity.check_inputs(sampler, program, traced.free, ALLOWED[precision])
    return parity.check(sampler, program, ALLOWED[precision])


def _write(traced: parity.Traceable, metadata: dict[str, str], path: Path, optional: bool) -> None:
    exported, is_fp64 = traced.program(), traced.net.values.get(PRECISION.name) == "fp64"
    with _quietly():
        program = torch.onnx.export(
            fp64.rewritten(exported) if is_fp64 else exported, dynamo=True, verbose=False,
            optimize=not is_fp64,  # the optimizer takes additions of less than 1e-8 for additions of 0
            input_names=["z", "y", *traced.free], output_names=["images"],
            dynamic_shapes=[{0: "batch"}, {0: "batch"}, *({} for _ in traced.free)],
        )  # fmt: skip
        assert program is not None
        program.model.metadata_props.update(metadata)
        program.save(path)
    _forget_sources(path)
    if optional:
        _give_defaults(path, traced.options)


def _forget_sources(path: Path) -> None:
    """Remove the exporter's notes on the source of each operation, which contain paths on this machine."""
    import onnx

    model = onnx.load(path)
    graphs = [model.graph, *model.functions]
    while graphs:
        part = graphs.pop()
        for entry in (*part.node, *part.value_info):
            del entry.metadata_props[:]
        graphs += [inner.g for node in part.node for inner in node.attribute if inner.HasField("g")]  # bodies of loops
    onnx.save(model, path)


def _give_defaults(path: Path, options: Mapping[str, Tensor]) -> None:
    """Make inputs optional by adding initializers of the same names with their defaults (ONNX IR, "Graphs")."""
    import onnx

    model = onnx.load(path)
    model.graph.initializer.extend(onnx.numpy_helper.from_array(value.numpy(), name) for name, value in options.items())
    onnx.save(model, path)


def _halve(path: Path) -> None:
    """Convert weights and computations to fp16; the inputs stay fp32."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    onnx.save(convert_float_to_float16(onnx.load(path), keep_io_types=True), path)


def _quantize(path: Path, points: tuple[Tensor, Tensor]) -> None:
    """Quantize matrix products to int8 with a scale per channel.

    points: z and y from which the ranges of activations are calibrated.
    """
    import onnx
    from onnxruntime import quantization

    batches = ({"z": z.numpy(), "y": y.numpy()} for z, y in zip(*(some.split(32) for some in points), strict=True))

    class Points(quantization.CalibrationDataReader):  # type: ignore[misc]
        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            return next(batches, None)

    if any(node.op_type == "Scan" for node in onnx.load(path).graph.node):
        raise CondgenError("--precision int8 cannot quantize the steps of a solver; use fp16, or fp32.")
    with _quietly():
        quantization.quantize_static(
            path, path, Points(), per_channel=True, op_types_to_quantize=["Conv", "ConvTranspose", "Gemm", "MatMul"]
        )


def runner(path: Path, defaults: Mapping[str, float] = {}) -> parity.Program:
    """A function that runs the file in onnxruntime on the CPU, with as many threads as torch.

    defaults: values of sampling options that the file does not make optional.
    """
    with needs("export"):
        import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors only
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def program(z: Tensor, y: Tensor, options: Mapping[str, float] = {}) -> NDArray[np.uint8]:
        scalars = {name: np.array(value, np.float32) for name, value in {**defaults, **options}.items()}
        generated: NDArray[np.uint8] = session.run(None, {"z": z.numpy(), "y": y.numpy(), **scalars})[0]
        return generated

    return program


def _metadata(sampler: Sampler) -> dict[str, str]:
    """The metadata of the file: labels, range, prior and sampling options, each as JSON."""
    labels, prior = sampler.spec.to_json()["labels"], asdict(sampler.prior)
    about = {"labels": labels, "range": card.RANGE, "prior": prior, "sampling": filled(sampler.options, sampler.chosen)}
    return {key: json.dumps(value, ensure_ascii=False) for key, value in about.items()}


@contextmanager
def _quietly() -> Iterator[None]:
    """Context manager that hides the exporter's warnings about a missing torchvision and about its internals."""
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
