"""What the laws are stated with: one case of a law, small systems, and a training that can be stopped anywhere."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from condgen.data import Dataset
from condgen.noise import reseed
from condgen.options import filled
from condgen.progress import Progress
from condgen.sampling.forward import generated
from condgen.spec import Spec
from condgen.stream import Stream
from condgen.system import System
from condgen.systems import Preset
from condgen.systems import preset as named
from condgen.testing.toys import toy_data
from condgen.training.run import Run, RunConfig
from condgen.training.state import Training
from condgen.training.trainer import Plan, train

BATCH = 8


@dataclass(frozen=True)
class Case:
    """What one law is checked on."""

    system: str
    """A preset's name, or module:Class."""
    data: Dataset
    folder: Path
    """An empty folder for runs."""
    device: str = "cpu"


def preset(name: str) -> Preset:
    """The preset, or the class that module:Class names: the user who runs the tests has chosen it."""
    return named(name, chosen=True)


def build(name: str, spec: Spec, seed: int = 0, device: str = "cpu", precision: str = "fp32") -> System:
    reseed(seed, "init", 0)
    return preset(name).build(spec, preset(name).config.with_overrides({"precision": precision})).to(device)


def images_of(system: System, z: Tensor, y: Tensor) -> Tensor:
    """Generated images with the default sampling options of the system."""
    return generated(system.generator.eval(), z, y, filled(system.sampling_options, {}))


def start(case: Case, seed: int = 0) -> tuple[System, Stream]:
    """The system of a case, newly initialised, and the batches to train it on."""
    return build(case.system, case.data.spec, seed, case.device), streaming(case.data, seed, case.device)


def streaming(data: Dataset, seed: int = 0, device: str = "cpu") -> Stream:
    return Stream(data.train, data.labels, BATCH, seed, device)


def begin(
    name: str, folder: Path, data: Dataset | None = None, seed: int = 0, images: int = 0, precision: str = "fp32"
) -> Training:
    """A training of a system, at image 0 of a run in `folder`, or where a run that is there stopped."""
    data = data or toy_data("colour")
    config = preset(name).config.with_overrides({"batch": BATCH, "images": max(images, 10_000), "precision": precision})
    identity = RunConfig(name, config.model_dump(), data.name, data.fingerprint, data.spec.to_json(), seed)
    with Run.open(folder, identity) as run:
        training = Training(
            run, build(name, data.spec, seed, precision=precision), streaming(data, seed), data, half_life=50
        )
    training.restore()
    return training


def round_of(training: Training) -> int:
    """Images that one step takes."""
    return BATCH * training.system.batches_per_step


def run_to(training: Training, rounds: int, stop_at: int | None = None) -> Training:
    """Play `rounds` in all, a line of log after every third, or be stopped as by Ctrl-C after `stop_at`."""
    images = round_of(training)
    plan = Plan(rounds * images, log_every=3 * images, grid_every=10**9)
    stop = lambda: stop_at is not None and training.images >= stop_at * images  # noqa: E731
    train(training, plan, Progress(quiet=True), stop)
    return training


def everything(training: Training) -> dict[str, Tensor]:
    """Every number the training depends on or leaves behind."""
    return {name: value.clone() for name, value in training._tensors().items()}


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def labels_of(data: Dataset, n: int) -> Tensor:
    return torch.from_numpy(data.labels.encode(data.train.labels[:n]))


def logged(training: Training) -> bytes:
    return (training.run.folder / "log.jsonl").read_bytes()
