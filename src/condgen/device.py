"""Choice of the compute device."""

import os

import torch

from condgen.errors import CondgenError, shortened
from condgen.parallel import from_torchrun


def pick(name: str) -> torch.device:
    """The device of this name; auto is the first available of CUDA, MPS (Apple) and CPU.

    Raises CondgenError for an unknown or unavailable device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if name == "cuda" and "LOCAL_RANK" in os.environ:  # set by torchrun: one GPU per process
        name = f"cuda:{from_torchrun('LOCAL_RANK', 0)}"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise CondgenError(f"unknown device {shortened(name)!r}; available: auto, cpu, cuda, cuda:N, mps.") from None
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(device.type):
        raise CondgenError(
            f"device {name!r} is not available on this machine (torch {torch.__version__}); use --device auto."
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise CondgenError(f"device {name!r} is not available; this machine has {torch.cuda.device_count()} GPUs.")
    return device
