"""What several tests need: small images of several kinds, and a training in a folder of its own.

`make test` runs a worker per core (pytest-xdist); each test sees the threads, folders and fixtures of its worker alone.
"""

import copy
import functools
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image

from condgen.data import SOURCES
from condgen.disk import write_bytes
from condgen.judging.classifier import Recipe
from condgen.sampling.canvas import png
from condgen.testing.toys import KINDS as KINDS
from condgen.testing.toys import toy_data as toy_data
from condgen.training import recorder
from reliability.filesystem import in_memory

pytest_plugins = ["sharing.fixtures"]
pytest.register_assert_rewrite("condgen.testing.system_laws", "condgen.testing.training_laws")
os.environ["MPLBACKEND"] = "Agg"
os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the processes that tests start: the other cores have tests to run
DOT = png(Image.new("L", (1, 1)))
SHARED = Path(__file__).parents[2] / "shared"
"""Where development data may lie; tests that want it skip without it."""


def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of this test run, the same for all of its workers."""
    place = tmp_path_factory.getbasetemp()
    return place.parent if "PYTEST_XDIST_WORKER" in os.environ else place


def made_once(name: str, make: Callable[[Path], None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This worker's own copy of a folder that the first worker to need it makes, while the others wait."""
    original = shared(tmp_path_factory) / "made" / name
    original.parent.mkdir(exist_ok=True)
    with FileLock(f"{original}.lock"):
        if not original.exists():
            half = original.with_suffix(".half")
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir()
            make(half)
            half.rename(original)
    return Path(shutil.copytree(original, tmp_path_factory.mktemp("made") / name))


@pytest.fixture(autouse=True, scope="session")
def _a_cache_of_our_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Judges and the numbers of real images are kept between commands and workers, but not between test runs."""
    os.environ["XDG_CACHE_HOME"] = str(shared(tmp_path_factory) / "cache")


@pytest.fixture(autouse=True, scope="session")
def _no_waiting_for_the_disk() -> Iterator[None]:
    """A third of a short training is spent on flushing its files. What must be flushed is recorded (test_powerloss)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def _trainings_without_curves() -> Iterator[None]:
    """matplotlib takes longer for them than a training of a few steps; test_killed looks at those of a real process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder, "draw_curves", lambda run: write_bytes(run.folder / "curves.png", DOT))
        yield


@pytest.fixture(autouse=True, scope="session")
def _digits_unpacked_once() -> Iterator[None]:
    """Every caller gets a copy of what the first one read: unpacking MNIST takes most of a second."""
    source = SOURCES["mnist"]
    read = functools.cache(source.load)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SOURCES, "mnist", replace(source, load=lambda: copy.deepcopy(read())))
        yield


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Tiny networks gain nothing from threads, and parallel test runs lose by them."""
    torch.set_num_threads(1)


def with_planes(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The image with one constant plane per label behind its channels: (b, c, h, w), (b, K) -> (b, c + K, h, w)."""
    return torch.cat([x, y[:, :, None, None].expand(-1, -1, *x.shape[2:])], 1)


@pytest.fixture
def npz(tmp_path: Path) -> Callable[..., Path]:
    """Writes a small .npz of `toy_data(kind, n)` and returns its path, for the command line."""

    def write(kind: str = "digits", n: int = 60) -> Path:
        data = toy_data(kind, n)
        path = tmp_path / f"{kind}.npz"
        np.savez(path, images=data.train.images, labels=data.train.labels, names=np.array(data.labels.names))
        return path

    return write


@pytest.fixture(scope="module")
def cheap() -> Iterator[None]:
    """Trainings without judging, for tests that need many."""
    from reliability import crashes

    with pytest.MonkeyPatch.context() as patch:
        crashes.cheaply(patch)
        yield


@pytest.fixture
def brief_classifiers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Feature classifiers of 60 steps, where it does not matter how good they are."""
    monkeypatch.setattr(Recipe, "for_data", lambda dataset: Recipe(width=4, shift=1, at_least=60, epochs=0))


@pytest.fixture
def memory() -> Iterator[Path]:
    with in_memory() as place:
        yield place


@pytest.fixture(scope="session")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 tiny images of two classes."""
    path = tmp_path_factory.mktemp("data") / "pets.npz"
    images = np.random.default_rng(0).integers(0, 256, (40, 4, 4), np.uint8)
    np.savez(path, images=images, labels=np.arange(40) % 2)
    return path


@pytest.fixture(scope="session")
def tiny_run(pets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run trained for a moment on `pets`, for what needs a generator but no quality."""
    from condgen import api

    folder = tmp_path_factory.mktemp("runs") / "pets"
    api.train("cgan-concat", data=pets, out=folder, images=64, batch=32, evaluate_every=0, quiet=True)
    return folder


def one_kind(system: str) -> str:
    """The kind of images for laws that are checked on one kind only: with alpha for some presets of every family."""
    return (
        "alpha"
        if system in ("gan-plain", "cgan-maxout", "cdcgan", "cwgan-gp", "swift", "flow", "cvae", "sngan", "r3gan")
        else "colour"
    )
