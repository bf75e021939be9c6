"""The contract while training: a system plays one round of its own game per `step`.

A system owns its networks, its players and its rules; the trainer only asks. After training everybody sees no more
than its generator: ``generator(z, y) -> pictures in [-1, 1]``.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from condgen import parallel
from condgen.adam import Adam
from condgen.labels import ANY
from condgen.options import Option
from condgen.spec import Prior, Spec

Batches = Iterator[tuple[Tensor, Tensor]]
"""Endless (x (b, c, h, w) in [-1, 1], y (b, K) of zeros and ones)."""


class Optimizer(Protocol):
    """What `descend` asks of one; torch's own are such, and so is our Adam."""

    param_groups: list[dict[str, Any]]

    def zero_grad(self, set_to_none: bool = True) -> None: ...

    def step(self) -> Any: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> None: ...


@dataclass
class Player:
    """A network that moves, and how: `adam(...)` or any other function from parameters to an optimizer."""

    net: nn.Module
    make_optimizer: Callable[[list[nn.Parameter]], Optimizer]
    after_move: Callable[[], None] = lambda: None
    """Called after each move, for constraints on the weights."""
    lr_scale: float = 1.0
    """Part of the system's own step size that is taken; less after a roll-back."""
    nonfinite: Tensor | None = None
    """On the player's device, 1 if a move was left out since this was last set to None: a gradient was not finite."""

    @cached_property
    def parameters(self) -> list[nn.Parameter]:
        return list(self.net.parameters())

    @cached_property
    def sentinels(self) -> list[nn.Parameter]:
        """Those whose gradients tell of anything not finite: the vectors of each layer, all of one that has none."""
        layers = [list(layer.parameters(recurse=False)) for layer in self.net.modules()]
        return [p for own in layers for p in ([p for p in own if p.ndim < 2] or own)]

    @cached_property
    def optimizer(self) -> Optimizer:
        """Made when first asked for: whoever only draws needs none."""
        return self.make_optimizer(self.parameters)

    def set_lr(self, rate: float) -> None:
        """Change the optimizer's step size. To be done every step, if at all: no checkpoint holds it."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate * self.lr_scale

    def scale_lr(self, part: float) -> None:
        """Take steps of this part of the system's own size from now on."""
        for group in self.optimizer.param_groups:
            group["lr"] *= part / self.lr_scale
        self.lr_scale = part

    def move(self, skip_if: Tensor) -> None:
        """One step of the optimizer, or none if `skip_if` is 1; Adam looks there itself, so that nobody waits for
        a GPU."""
        if isinstance(self.optimizer, Adam):
            self.optimizer.step(skip_if)
        elif not skip_if:
            self.optimizer.step()
        self.after_move()
        self.nonfinite = skip_if if self.nonfinite is None else torch.maximum(self.nonfinite, skip_if)

    @property
    def size(self) -> int:
        """Count of trainable numbers."""
        return sum(p.numel() for p in self.parameters)


@dataclass(frozen=True)
class Paper:
    """Where a system comes from; `condgen cite` prints the BibTeX."""

    short: str
    """As it is spoken of: 'Mirza & Osindero 2014, arXiv 1411.1784'."""
    bibtex: str


class System(nn.Module, ABC):
    """One paper's game. A final class sets `prior` and `players`, and writes `generator` and `step`.

    players: who moves, by the name used in logs (``loss/g``) and in parameter counts.
    batches_per_step: how many batches one step draws from the stream.
    takes_label: whether the generator heeds y.
    options: what may be chosen when images are generated; the generator is called as net(z, y, guidance=...), with
        a value for each option of this list, a number or a scalar tensor.
    """

    paper: ClassVar[Paper]
    batches_per_step: int = 1
    takes_label: bool = True
    options: ClassVar[tuple[Option, ...]] = ()

    prior: Prior
    players: dict[str, Player]

    def __init__(self, spec: Spec, cfg: Any) -> None:
        """spec: the pictures to learn. cfg: the Config of the same module."""
        super().__init__()
        self.spec, self.cfg = spec, cfg

    @property
    def generator_spec(self) -> Spec:
        """What can be asked of the generator: pictures as in the data, of any label if it takes none."""
        return self.spec if self.takes_label else replace(self.spec, labels=ANY)

    def autocast(self, device: torch.device) -> torch.autocast:
        """What a step is played in: products of matrices may be bf16; weights, optimizers and losses stay fp32."""
        return torch.autocast(device.type, torch.bfloat16, enabled=self.cfg.precision == "bf16")

    @property
    def sampling_options(self) -> tuple[Option, ...]:
        """Everything that may be chosen when images are generated: of the prior, and of this system."""
        return (*self.prior.options, *self.options)

    @property
    @abstractmethod
    def generator(self) -> nn.Module:
        """z (b, prior.dim), y (b, K) -> pictures (b, *spec.shape) in [-1, 1]; an unconditional one ignores y."""

    @abstractmethod
    def step(self, batches: Batches, images: int) -> dict[str, Tensor]:
        """Play one round and return what to log, as detached scalars.

        batches: the endless stream; draw `batches_per_step` batches.
        images: how many images were seen before this step, the only clock; schedules are functions of it.
        """


def descend(*moves: tuple[Player, Tensor]) -> None:
    """Move each player one step down its own scalar loss, all from the same point of the game.

    Gradients go to the moving player alone (`inputs=`), so nobody freezes networks and no stale gradient lingers.
    Players that share a forward pass belong into one call: all are differentiated before any of them steps. If any
    gradient is not finite nobody moves, and `Player.nonfinite` tells. Processes that train as one average their
    gradients here, each of its own part of the batch, so losses should be means over pictures.
    """
    for player, _ in moves:
        player.optimizer.zero_grad(set_to_none=True)
    for number, (player, loss) in enumerate(moves, start=1):
        loss.backward(inputs=player.parameters, retain_graph=number < len(moves))
    losses = [loss.detach().clone() for _, loss in moves]
    parallel.average([*(p.grad for player, _ in moves for p in player.parameters if p.grad is not None), *losses])
    broken = not_finite(losses, *(player for player, _ in moves))
    for player, _ in moves:
        player.move(skip_if=broken)


def not_finite(losses: list[Tensor], *players: Player) -> Tensor:
    """1.0 if a loss or its gradient is not finite, else 0.0, on their device; nobody waits for it.

    Looks at losses and at `Player.sentinels`. A matrix's gradient is a product of what its layer saw, and that shows in
    the loss, and of what came back through the layer, and that shows in the bias beside it. Looking at all matrices
    would cost 5 % of a step; this costs under 1 %, timed alone, and up to 3 % in paired runs (docs/reliability.md).
    """
    gradients = [p.grad for player in players for p in player.sentinels if p.grad is not None]
    norms = torch._foreach_norm(gradients) if gradients else []
    signs = torch.stack([*norms, *losses])
    return signs.isfinite().all().logical_not().float()


def adam(
    lr: float, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8
) -> Callable[[list[nn.Parameter]], Optimizer]:
    """Adam for a Player, in one fused kernel: a third of the looped one's time on two cores (benchmarks/speed.py)."""
    return partial(Adam, lr=lr, betas=betas, eps=eps)


def logged(**scalars: Tensor) -> dict[str, Tensor]:
    """Scalars to log, cut from the graph; `loss_g` becomes the key `loss/g`."""
    return {name.replace("_", "/", 1): value.detach() for name, value in scalars.items()}


def state_of(optimizer: Optimizer) -> dict[str, Tensor]:
    """An optimizer's memory as flat named tensors, such as ``0/exp_avg``; settings come from the Config again."""
    state: dict[int, dict[str, Any]] = optimizer.state_dict()["state"]
    return {f"{index}/{key}": value for index, entry in state.items() for key, value in entry.items()}


def restore_state(optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    """The inverse of `state_of`. Memory formats follow the parameters: fused kernels walk both side by side."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split("/", 1)
        like = parameters[int(index)]
        fitting = torch.empty_like(like, dtype=value.dtype).copy_(value) if value.shape == like.shape else value
        state.setdefault(int(index), {})[key] = fitting
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
