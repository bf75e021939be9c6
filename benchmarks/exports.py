"""What lower precisions cost and bring: bytes, images per second, FD, and the largest change of a grey level.

    python benchmarks/exports.py RUN [--folder 10000] [--out benchmarks/results/exports.json]

Every program draws the same 10,000 images, which the judge of the run's data sees; speeds are medians of turns in
which all programs take part one after the other, so only their ratios count on a machine that is not idle.
"""

import argparse
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any, get_args

import numpy as np
import onnxruntime
import torch

from condgen import api
from condgen.disk import write_json
from condgen.judging.generated_set import generate
from condgen.measuring import reference_for
from condgen.metrics import frechet
from condgen.noise import draw_at
from condgen.sampling.sampler import MICRO_BATCH, Sampler
from condgen.sharing import onnx, parity, pt2
from condgen.training.kernels import environment

TURNS, BATCHES = 15, 20


class Program(torch.nn.Module):
    """A program in the place of a network, so that it is measured as every generator is."""

    def __init__(self, program: parity.Program) -> None:
        super().__init__()
        self.program = program

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Back to [-1, 1]: the sampler rounds to the same grey levels again."""
        generated = torch.from_numpy(self.program(z.contiguous(), y.contiguous(), {}))
        return generated.permute(0, 3, 1, 2) / 127.5 - 1


def programs(sampler: Sampler, folder: Path) -> tuple[dict[str, parity.Program], dict[str, dict[str, Any]]]:
    """Eager torch and every export: to draw with, and what is known of each."""
    drawing = parity.Traceable.of(sampler, free_options=False).net

    @torch.no_grad()
    def eager(z: torch.Tensor, y: torch.Tensor, options: Mapping[str, float]) -> np.ndarray:
        return drawing(z, y).numpy()

    found: dict[str, parity.Program] = {"torch": eager}
    weights = sum(value.numel() * value.element_size() for value in sampler.net.state_dict().values())
    told: dict[str, dict[str, Any]] = {"torch": {"bytes": weights, "largest": 0, "mean": 0.0}}
    for precision in get_args(onnx.Precision):
        path = folder / f"{precision}.onnx"
        difference = onnx.export(sampler, path, precision)
        told[f"onnx {precision}"] = {"bytes": path.stat().st_size, **asdict(difference)}
        found[f"onnx {precision}"] = onnx.runner(path)
    difference = pt2.export(sampler, folder / "model.pt2")
    told["pt2"] = {"bytes": (folder / "model.pt2").stat().st_size, **asdict(difference)}
    module = torch.export.load(folder / "model.pt2").module()

    @torch.no_grad()
    def exported(z: torch.Tensor, y: torch.Tensor, options: Mapping[str, float]) -> np.ndarray:
        return module(z, y).numpy()

    return found | {"pt2": exported}, told


def seconds(program: parity.Program, z: torch.Tensor, y: torch.Tensor) -> float:
    began = time.perf_counter()
    for _ in range(BATCHES):
        program(z, y, {})
    return time.perf_counter() - began


def speeds(found: dict[str, parity.Program], sampler: Sampler) -> dict[str, float]:
    """Images per second, in micro-batches."""
    z = draw_at(sampler.prior, 0, range(MICRO_BATCH))
    y = parity.points(sampler.spec, sampler.prior)[1][:MICRO_BATCH]
    turns: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(TURNS):
        for name, program in found.items():
            turns[name].append(seconds(program, z, y))
    return {name: round(BATCHES * MICRO_BATCH / median(times)) for name, times in turns.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--folder", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/exports.json"))
    asked = parser.parse_args()
    sampler = api.load(asked.run)
    reference, _ = reference_for(api.data_of(asked.run), print)
    with tempfile.TemporaryDirectory() as folder:
        found, told = programs(sampler, Path(folder))
        rates = speeds(found, sampler)
        for name, program in found.items():
            stand_in = Sampler(Program(program), sampler.spec, sampler.prior)
            generated = generate(stand_in, reference, asked.images, seed=0)
            number = frechet.fd(reference.moments, reference.judge.predict(generated.images).features)
            told[name] |= {"pictures_per_second": rates[name], "fd": number.to_json()}
            print(name, told[name], flush=True)
    card = sampler.card.to_json()
    about = {key: card.get(key) for key in ("system", "images", "seed", "sha256", "data")}
    here = environment("cpu") | {"onnxruntime": onnxruntime.__version__}
    write_json(asked.out, {"run": about, "images": asked.images, "here": here, "programs": told})


if __name__ == "__main__":
    main()
