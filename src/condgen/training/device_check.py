"""Compares one training step on a device with the same step on the CPU, before a training starts on it.

Some devices compute some layers wrongly and without an error, so that a training there only seems to learn nothing
(pytorch issues 175189 and 192212, both on Apple's GPUs).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from condgen.device import CPU
from condgen.noise import preserve_rng, reseed
from condgen.stream import Stream
from condgen.system import System

TOLERANCE = 0.1
"""Relative error of a gradient that is accepted: TF32, in which cuDNN convolves, is far below."""
NEGLIGIBLE = 1e-3
"""Gradients below this fraction of the largest one of their network are rounding errors, and are not compared."""

Build = Callable[[torch.device], tuple[System, Stream]]
"""Builds the system and its data stream on a device. Initial weights and batches are the same on every device."""


class RandomFromCPU(TorchDispatchMode):
    """Within the context, random numbers on every device come from the CPU's generator."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded not in func.tags:
            return func(*args, **kwargs)
        place = next((each.device for each in args if isinstance(each, Tensor)), kwargs.get("device") or CPU)
        args_here, kwargs_here = tree_map_only(Tensor, Tensor.cpu, (args, kwargs))
        found = func(*args_here, **kwargs_here | ({"device": CPU} if "device" in kwargs else {}))
        if func.overloadpacket.__name__.endswith("_"):  # in place
            return args[0].copy_(found)
        return tree_map_only(Tensor, lambda tensor: tensor.to(place), found)


def difference(build: Build, device: torch.device) -> str | None:
    """What differs between a step on the device and on the CPU, in words; None if it is the same up to rounding."""
    with preserve_rng(device):
        ours, theirs = gradients(build, CPU), gradients(build, device)
    for player, there in theirs.items():
        largest = max(gradient.norm() for gradient in ours[player].values())
        for name, gradient in ours[player].items():
            error = (there[name] - gradient).norm()
            if gradient.norm() > NEGLIGIBLE * largest and not error <= TOLERANCE * gradient.norm():
                share = float(error / gradient.norm())
                return f"the gradient of {player}'s {name} differs from that of the CPU by {share:.0%}"
    return None


def gradients(build: Build, device: torch.device) -> dict[str, dict[str, Tensor]]:
    """The gradients of each player after one step on a device, by the names of its parameters; on the CPU."""
    system, stream = build(device)
    with without_dropout(system), RandomFromCPU():  # type: ignore[no-untyped-call]
        reseed(0, "step", 0, device)
        system.step(stream, 0)
    return {
        player: {name: p.grad.double().cpu() for name, p in found.net.named_parameters() if p.grad is not None}
        for player, found in system.players.items()
    }


@contextmanager
def without_dropout(system: System) -> Iterator[None]:
    """Dropout is off: devices have kernels of their own for it, which use the random numbers otherwise."""
    layers = [layer for layer in system.modules() if isinstance(layer, nn.Dropout)]
    rates = [layer.p for layer in layers]
    for layer in layers:
        layer.p = 0.0
    yield
    for layer, rate in zip(layers, rates, strict=True):
        layer.p = rate
