"""Solvers of the differential equation of a flow, as tables: the same loop runs any of them."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor


class Stage(NamedTuple):
    """One evaluation of the velocity v at time t and point x, and what follows from it, with v' of the stage before:

    base += before * v' + now * v;   x = base + ahead * v
    """

    t: float
    before: float
    now: float
    ahead: float


def stages(solver: str, steps: int, start: float = 0, end: float = 1) -> list[Stage]:
    """The evaluations that take a point from time `start` to time `end`, which may be earlier, in equal steps.

    Euler's method evaluates the velocity once a step. Heun's (Karras et al. 2022, arXiv 2206.00364, algorithm 1)
    evaluates it also at the end of the step, and goes by the mean of both; its last step is one of Euler's, since the
    velocity has no value at time 1.
    """
    times = [start + (end - start) * step / steps for step in range(steps + 1)]
    found = []
    for t, after in pairwise(times):
        h = after - t
        if solver == "euler" or after >= 1:
            found.append(Stage(t, 0, h, 0))
        else:
            found += [Stage(t, 0, 0, h), Stage(after, h / 2, h / 2, 0)]
    return found


Velocity = Callable[[Tensor, float | Tensor], Tensor]
"""The velocity at points (b, ...) and a time, a number or a tensor (1,)."""


def solve(velocity: Velocity, x: Tensor, table: Sequence[Stage]) -> Tensor:
    """The point that the path from x at time 0 has reached after these stages.

    In an exported program this is a loop, so that the program contains the network once instead of once a stage.
    """
    if torch.compiler.is_exporting():
        return _as_loop(velocity, x, table)
    base, earlier = x, x
    for stage in table:
        v = velocity(x, stage.t)
        base = base + stage.before * earlier + stage.now * v
        x, earlier = base + stage.ahead * v, v
    return x


def _as_loop(velocity: Velocity, x: Tensor, table: Sequence[Stage]) -> Tensor:
    from torch._higher_order_ops.scan import scan

    def stage(carry: tuple[Tensor, Tensor, Tensor], row: Tensor) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
        base, x, earlier = carry
        v = velocity(x, row[:1])
        base = base + row[1] * earlier + row[2] * v
        return (base, base + row[3] * v, v), row[:1].clone()

    (_, end, _), _ = scan(stage, (x, x.clone(), torch.zeros_like(x)), torch.tensor(table, dtype=x.dtype))
    out: Tensor = end
    return out
