"""What is installed on this machine, and known problems with it."""

import locale
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from condgen.disk import cache
from condgen.disk_errors import free
from condgen.version import __version__

PACKAGES = ("torch", "numpy", "pillow", "safetensors", "matplotlib", "tensorboardX")
EXTRAS = {
    "data": "pyarrow",
    "export": "onnxruntime",
    "metrics": "scikit-learn",
    "serve": "fastapi",
    "inception": "torch-fidelity",
}
"""A package of each optional set, whose presence shows that the set is installed."""
OLDEST_TORCH = (2, 10)
SCARCE = 2 * 2**30
"""Free space in bytes below which there may be too little for the checkpoints of a training."""


@dataclass(frozen=True)
class Machine:
    """Facts about this machine."""

    condgen: str
    """Versions of condgen, Python and the operating system."""
    packages: Mapping[str, str | None]
    """Versions of the packages; None for one that is not installed."""
    extras: Mapping[str, str | None]
    """The same for the optional sets of packages."""
    devices: Sequence[str]
    """For `--device`, best first."""
    threads: Mapping[str, int | str]
    places: Mapping[str, str]
    """Folders that condgen writes to, with their free space."""
    traps: Sequence[str]
    """A sentence for each problem to solve."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def inspected() -> Machine:
    """The facts about this machine."""
    packages = {name: installed(name) for name in PACKAGES}
    places = {"working folder": Path.cwd(), "cache": cache(), "temporary": Path(tempfile.gettempdir())}
    return Machine(
        f"{__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}",
        packages,
        {name: installed(package) for name, package in EXTRAS.items()},
        devices(),
        {"torch": torch.get_num_threads(), "cores": cores(), "kernels": torch.backends.cpu.get_cpu_capability()},
        {name: f"{place} ({free(place) / 2**30:.1f} GiB free)" for name, place in places.items()},
        [*traps(packages | {"torchvision": installed("torchvision")}, places)],
    )


def traps(packages: Mapping[str, str | None], places: Mapping[str, Path]) -> Iterator[str]:
    """A sentence for each known problem of this machine: its cause, and how to solve it."""
    yield from of_builds(packages)
    if torch.get_num_threads() > cores():
        yield (
            f"torch uses {torch.get_num_threads()} threads on {cores()} cores, which slows it down; "
            f"set OMP_NUM_THREADS={cores()}."
        )
    if locale.getencoding().lower().replace("-", "") != "utf8":
        yield f"the text encoding is {locale.getencoding()}, so label names may appear as '?'; set PYTHONUTF8=1."
    for name, place in places.items():
        if free(place) < SCARCE:
            yield f"only {free(place) / 2**30:.1f} GiB are free at {place} ({name}); make room."
        if not os.access(_nearest(place), os.W_OK):
            remedy = "; set CONDGEN_CACHE to a writable folder." if name == "cache" else "."
            yield f"{place} ({name}) cannot be written{remedy}"


def _nearest(place: Path) -> Path:
    """The folder itself if it exists, or else its nearest parent that does."""
    return next(folder for folder in (place, *place.absolute().parents) if folder.exists())


def of_builds(packages: Mapping[str, str | None]) -> Iterator[str]:
    """A sentence for each package whose build does not fit the machine or another package."""
    ours, vision = packages["torch"] or "0", packages["torchvision"]
    if tuple(int(part) for part in ours.split(".")[:2]) < OLDEST_TORCH:
        yield f"torch {ours} is older than 2.10, which is the first that reads files safely; upgrade it."
    if vision and build(vision) != build(ours):
        yield (
            f"torchvision {vision} and torch {ours} are different builds and cannot be imported together; "
            "install both from one index."
        )
    if not torch.cuda.is_available() and shutil.which("nvidia-smi"):
        why = "is a CPU build" if build(ours) == "cpu" else "cannot use it (driver older than CUDA?)"
        yield f"this machine has an NVIDIA GPU but torch {ours} {why}; see pytorch.org for the right build."


def devices() -> list[str]:
    """The devices of this machine for `--device`, best first."""
    cuda = [
        f"cuda:{i} {torch.cuda.get_device_name(i)}, {torch.cuda.get_device_properties(i).total_memory / 2**30:.0f} GiB"
        for i in range(torch.cuda.device_count())
    ]
    other = torch.accelerator.current_accelerator(check_available=True)
    return [*cuda, *([other.type] if other and other.type != "cuda" else []), "cpu"]


def cores() -> int:
    """Number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def build(version: str) -> str:
    """The build in a package's version: cpu for 2.13.0+cpu, and default for a version without one, as on PyPI."""
    return version.partition("+")[2] or "default"


def installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
