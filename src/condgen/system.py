"""The interface between systems and the trainer: a system performs one training step per call of `step`.

A system owns its networks, its players (a network with its optimizer) and its algorithm. All other code uses only its
trained generator: ``generator(z, y) -> images in [-1, 1]``.
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
from condgen.errors import CondgenError
from condgen.labels import ANY
from condgen.options import Option, Values, with_precision
from condgen.spec import Prior, Spec

ENCODERS = "vae, vae-2d, cvae or flow"
"""The presets that can encode images, for the message that others cannot."""
Batches = Iterator[tuple[Tensor, Tensor]]
"""Infinite iterator of batches: images x (b, c, h, w) in [-1, 1] and labels y (b, K) of zeros and ones.

If c is 4, the last channel is alpha, and the colours are multiplied by it."""


class Optimizer(Protocol):
    """The part of torch's optimizer interface that `descend` uses. `condgen.adam.Adam` implements it too."""

    param_groups: list[dict[str, Any]]

    def zero_grad(self, set_to_none: bool = True) -> None: ...

    def step(self) -> Any: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> None: ...


@dataclass
class Player:
    """A trained network and its optimizer. make_optimizer: `adam(...)`, or any function of the parameters."""

    net: nn.Module
    make_optimizer: Callable[[list[nn.Parameter]], Optimizer]
    after_move: Callable[[], None] = lambda: None
    """Called after each update, for constraints on the weights."""
    lr_scale: float = 1.0
    """Factor on the system's learning rate; below 1 after a roll-back."""
    nonfinite: Tensor | None = None
    """1 if an update was skipped because a gradient was not finite, else 0; None if there was none since the last
    reset. Stays on the player's device."""

    @cached_property
    def parameters(self) -> list[nn.Parameter]:
        return list(self.net.parameters())

    @cached_property
    def sentinels(self) -> list[nn.Parameter]:
        """Parameters whose gradients are checked for NaN and inf: the one-dimensional ones of each layer, or all
        parameters of a layer that has none."""
        layers = [list(layer.parameters(recurse=False)) for layer in self.net.modules()]
        return [p for own in layers for p in ([p for p in own if p.ndim < 2] or own)]

    @cached_property
    def optimizer(self) -> Optimizer:
        """Created on first use, since sampling needs none."""
        return self.make_optimizer(self.parameters)

    def set_lr(self, lr: float) -> None:
        """Set the learning rate. Checkpoints do not store it, so a schedule has to set it in every step."""
        for group in self.optimizer.param_groups:
            group["lr"] = lr * self.lr_scale

    def scale_lr(self, factor: float) -> None:
        """Multiply the system's learning rate by `factor` from now on. Replaces any earlier factor."""
        for group in self.optimizer.param_groups:
            group["lr"] *= factor / self.lr_scale
        self.lr_scale = factor

    def move(self, skip_if: Tensor) -> None:
        """One optimizer step, skipped if `skip_if` is 1. Adam evaluates `skip_if` on the device and does not
        synchronise."""
        if isinstance(self.optimizer, Adam):
            self.optimizer.step(skip_if)
        elif not skip_if:
            self.optimizer.step()
        self.after_move()
        self.nonfinite = skip_if if self.nonfinite is None else torch.maximum(self.nonfinite, skip_if)

    @property
    def size(self) -> int:
        """Number of trainable parameters."""
        return sum(p.numel() for p in self.parameters)


@dataclass(frozen=True)
class Paper:
    """The publication that a system implements. `condgen cite` prints the BibTeX."""

    short: str
    """Short citation, such as 'Mirza & Osindero 2014, arXiv 1411.1784'."""
    bibtex: str


class System(nn.Module, ABC):
    """A generative model with its training algorithm. Subclasses set `prior` and `players` in `__init__`, and implement
    `generator` and `step`.

    players: the trained networks, by the name used in logs (``loss/g``) and parameter counts.
    batches_per_step: number of batches that one step takes from the stream.
    takes_label: whether the generator is conditional, that is, uses y.
    takes_mixes: whether the generator accepts weights between 0 and 1 in y, so that labels can be mixed.
    options: sampling options of the generator, which is called as ``net(z, y, guidance=...)`` with a value for each,
        a number or a scalar tensor.
    reconstruction: sampling options with which the generator reconstructs an encoded image best.
    passes: evaluations of a network that an image takes, under the default sampling options. Trainings of systems that
        generate slowly are evaluated less often.
    parts: parts of a training whose steps take different times: the fraction of the images that each part takes, and
        the number of images at which it begins.
    still_parameters: names (as in `named_parameters`) of the parameters that steps may leave unchanged, for a
        mathematical reason. The contract tests require all others to change.
    """

    paper: ClassVar[Paper]
    batches_per_step: int = 1
    takes_label: bool = True
    takes_mixes: bool = True
    options: ClassVar[tuple[Option, ...]] = ()
    reconstruction: ClassVar[Values] = {}
    passes: int = 1
    parts: tuple[tuple[float, int], ...] = ((1.0, 0),)
    still_parameters: tuple[str, ...] = ()

    prior: Prior
    players: dict[str, Player]

    def __init__(self, spec: Spec, cfg: Any) -> None:
        """spec: shape and labels of the images. cfg: an instance of the `Config` in the same module."""
        super().__init__()
        self.spec, self.cfg = spec, cfg

    @property
    def generator_spec(self) -> Spec:
        """Shape and labels of generated images: those of the data, or the single label `any` if the generator is
        unconditional."""
        return self.spec if self.takes_label else replace(self.spec, labels=ANY)

    def autocast(self, device: torch.device) -> torch.autocast:
        """Context manager of a training step. With precision bf16, matrix products are bf16; weights, optimizer states
        and losses stay fp32."""
        return torch.autocast(device.type, torch.bfloat16, enabled=self.cfg.precision == "bf16")

    @property
    def sampling_options(self) -> tuple[Option, ...]:
        """The sampling options of the prior, those of the generator, and the precision."""
        return with_precision((*self.prior.options, *self.options))

    @property
    @abstractmethod
    def generator(self) -> nn.Module:
        """z (b, prior.dim), y (b, K) -> images (b, *spec.shape) in [-1, 1]. An unconditional generator ignores y."""

    def encode(self, x: Tensor, y: Tensor) -> Tensor:
        """Latent vectors, (b, prior.dim), from which the generator reconstructs images x (b, c, h, w) in [-1, 1] with
        labels y (b, K).

        Raises CondgenError for a system that cannot encode images.
        """
        raise CondgenError(f"a {type(self).__name__} cannot encode images; this needs a run of {ENCODERS}.")

    @abstractmethod
    def step(self, batches: Batches, images: int) -> dict[str, Tensor]:
        """Perform one training step. Returns detached scalars to log, by name.

        batches: infinite; the step takes `batches_per_step` of them.
        images: number of training images before this step. Schedules have to be functions of it.
        """


def descend(*moves: tuple[Player, Tensor]) -> None:
    """Update each player by one optimizer step on its own scalar loss. All gradients are computed before any update.

    Each loss gives gradients to its own player only (`inputs=`), so networks need not be frozen and no gradients are
    left over. Players that share a forward pass have to be updated in one call. If any gradient is not finite, no
    player is updated and `Player.nonfinite` is set to 1. In distributed training, gradients are averaged over all
    processes here, so losses should be means over the batch.
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
    """1.0 if a loss or a gradient is not finite, else 0.0; a scalar on their device, without a synchronisation.

    Only the losses and the gradients of `Player.sentinels` are checked. The gradient of a weight matrix is the product
    of the layer's input, which also affects the loss, and of the output's gradient, which is the gradient of the bias.
    Checking all matrices would cost 5 % of a step; this costs under 1 % timed alone, and up to 3 % in paired runs
    (docs/reliability.md).
    """
    gradients = [p.grad for player in players for p in player.sentinels if p.grad is not None]
    norms = torch._foreach_norm(gradients) if gradients else []
    signs = torch.stack([*norms, *losses])
    return signs.isfinite().all().logical_not().float()


def adam(
    lr: float, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8
) -> Callable[[list[nn.Parameter]], Optimizer]:
    """Adam for a Player, as one fused kernel: a third of the time of the looped one on two cores
    (benchmarks/speed.py)."""
    return partial(Adam, lr=lr, betas=betas, eps=eps)


def accuracy(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """The share of real and generated images that a discriminator classifies correctly: scores above and below 0."""
    return torch.cat([real_scores > 0, fake_scores < 0]).float().mean()


def logged(**scalars: Tensor) -> dict[str, Tensor]:
    """Scalars to log, detached from the graph. `loss_g` becomes the key `loss/g`."""
    return {name.replace("_", "/", 1): value.detach() for name, value in scalars.items()}


def state_of(optimizer: Optimizer) -> dict[str, Tensor]:
    """An optimizer's state as a flat dictionary, with keys such as ``0/exp_avg``. Hyperparameters are not included;
    they come from the Config."""
    state: dict[int, dict[str, Any]] = optimizer.state_dict()["state"]
    return {f"{index}/{key}": value for index, entry in state.items() for key, value in entry.items()}


def restore_state(optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    """The inverse of `state_of`. Tensors get the memory format of their parameter, which fused kernels rely on."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split("/", 1)
        like = parameters[int(index)]
        fitting = torch.empty_like(like, dtype=value.dtype).copy_(value) if value.shape == like.shape else value
        state.setdefault(int(index), {})[key] = fitting
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
