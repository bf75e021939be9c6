"""Choice of the compute device, and what depends on it.

A device other than the CPU is found through torch.accelerator, so that it need not be listed here: cuda, xpu, npu, mps.
"""

import os

import torch

from condgen.errors import CondgenError, shortened
from condgen.parallel import from_torchrun

CPU = torch.device("cpu")
NEVER_AUTO = {"mps"}
"""Accelerators that `auto` does not choose. The contract tests have never run on one of Apple's, where torch 2.13 has
known faults in convolutions and batch norm (pytorch issues 175189, 192212)."""


def pick(name: str) -> torch.device:
    """The device of this name; auto is the accelerator of the machine, or the CPU if it has none or is a Mac.

    Raises CondgenError for an unknown or unavailable device.
    """
    there = accelerator()
    if name == "auto":
        name = there.type if there and there.type not in NEVER_AUTO else "cpu"
    if there and name == there.type and "LOCAL_RANK" in os.environ:  # set by torchrun: one GPU per process
        name = f"{name}:{from_torchrun('LOCAL_RANK', 0)}"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise CondgenError(f"unknown device {shortened(name)!r}; available: {', '.join(available())}.") from None
    if device.type != "cpu" and (there is None or device.type != there.type):
        raise CondgenError(
            f"device {name!r} is not available on this machine (torch {torch.__version__}); use --device auto."
        )
    if there and device.type == there.type and (device.index or 0) >= (count := torch.accelerator.device_count()):
        raise CondgenError(f"device {name!r} is not available; this machine has {count} of them.")
    return device


def accelerator() -> torch.device | None:
    """The kind of accelerator that this build of torch supports and finds, without an index."""
    return torch.accelerator.current_accelerator(check_available=True)


def available() -> list[str]:
    """Values of --device on this machine."""
    there = accelerator()
    return ["auto", "cpu", *([there.type, f"{there.type}:N"] if there else [])]


def layout(device: torch.device) -> torch.memory_format:
    """The memory format of convolutions and images on a device: channels-last on the CPU, where it is 10 % faster on
    two cores (docs/LOG.md). Elsewhere it was not measured, and torch computes some of it wrongly on Apple's GPUs."""
    return torch.channels_last if device.type == "cpu" else torch.contiguous_format
