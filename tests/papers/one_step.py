"""One step of a system whose networks stay as they are, so that its losses can be written out once more beside it."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import torch
from torch import Tensor

from condgen.noise import reseed
from condgen.system import Player, System
from condgen.systems import preset
from condgen.testing.toys import toy_data
from condgen.testing.trainings import streaming


@dataclass
class Step:
    before: Any
    """The system, as it was before the step; typed loosely, since each test knows its own networks."""
    x: Tensor
    y: Tensor
    gradients: dict[str, list[list[Tensor]]]
    """Of each player: the gradients of its parameters at each of its updates."""
    logs: dict[str, Tensor]

    def agrees(self, player: str, loss: Tensor) -> None:
        """Raise AssertionError unless the first update had the gradients of this loss of `before`."""
        parameters = list(self.before.players[player].net.parameters())
        expected = torch.autograd.grad(loss, parameters, retain_graph=True)
        for found, gradient in zip(self.gradients[player][0], expected, strict=True):
            assert torch.allclose(found, gradient, atol=1e-5, rtol=1e-3)


def one_step(name: str, kind: str = "colour", images: int = 0, **settings: Any) -> Step:
    """A step at learning rate 0. Whoever calls `seeded()` afterwards repeats its noise."""
    data = toy_data(kind)
    reseed(0, "init", 0)
    system = preset(name).build(data.spec, preset(name).config.with_overrides({"batch": 8} | settings))
    before = copy.deepcopy(system)
    gradients: dict[str, list[list[Tensor]]] = {}
    for name, player in system.players.items():
        player.scale_lr(0.0)
        player.optimizer.step = noting(player, gradients.setdefault(name, []))  # type: ignore[method-assign]
    x, y = next(streaming(data))
    seeded()
    logs = system.step(repeat((x.clone(), y)), images)
    return Step(before, x, y, gradients, logs)


def noting(player: Player, found: list[list[Tensor]]) -> Callable[..., Any]:
    step = player.optimizer.step

    def note(*skip_if: Tensor) -> None:
        found.append([torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in player.parameters])
        step(*skip_if)

    return note


def seeded() -> None:
    reseed(0, "step", 0)


def sizes(system: System) -> list[int]:
    """Numbers of parameters of generator and discriminator."""
    return [system.players[name].size for name in ("g", "d")]
