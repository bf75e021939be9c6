"""Several processes that train as one: `torchrun` starts them, torch.distributed carries numbers between them.

Each plays its own part of every batch. Gradients are averaged, so all of them hold the same weights; the first one
writes. In a single process everything here does nothing.
"""

import os
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from condgen.errors import CondgenError, shortened

TIMEOUT = 20
"""Seconds that a process waits for the others within a step; then one of them is dead or hangs."""
MAIN_TIMEOUT = 1800
"""Seconds that it waits while the first one evaluates, draws or saves."""

_groups: "dict[str, dist.ProcessGroup]" = {}
"""What agrees on small things, on the CPU also where gradients are on GPUs: `step` where all are equally busy, `first`
where the others wait for the first one, which itself never waits long for them."""


_neighbours: list[int] = []
"""Process ids of the others on this machine."""


class PeerTimeout(CondgenError):
    """The other processes do not answer."""

    def __init__(self, doing: str) -> None:
        super().__init__(
            f"process {rank()} of {world_size()} got no answer while {doing}: another one is dead or hangs. "
            "The same command goes on from the newest checkpoint."
        )


def placed() -> tuple[int, int]:
    """Number of this process and count of all, as torchrun's RANK and WORLD_SIZE say; (0, 1) without it.

    Raises CondgenError if they make no sense.
    """
    rank, count = from_torchrun("RANK", 0), from_torchrun("WORLD_SIZE", 1)
    if not 0 <= rank < count:
        raise CondgenError(f"RANK={rank} and WORLD_SIZE={count} do not fit; torchrun sets both, else unset them.")
    return rank, count


def from_torchrun(name: str, default: int) -> int:
    """A whole number of 0 or more in the environment. Raises CondgenError if it is anything else."""
    text = os.environ.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise CondgenError(
            f"{name}={shortened(text)} in the environment is no number; torchrun sets it, else unset it."
        )
    return int(text)


def launched() -> bool:
    """Whether torchrun started this process beside others."""
    return placed()[1] > 1


@contextmanager
def process_group(device: torch.device, batch: int) -> Iterator[None]:
    """Join the processes that torchrun started, if it did, and leave them at the end. batch: images of a step of all
    of them; raises CondgenError if that cannot be shared out."""
    if not launched() or dist.is_initialized():
        yield
        return
    if batch % placed()[1]:
        raise CondgenError(f"--batch {batch} cannot be shared out among {placed()[1]} processes equally.")
    backend = "nccl" if device.type == "cuda" else "gloo"
    store, rank, count = _meeting_place()
    attempt = from_torchrun("TORCHELASTIC_RESTART_COUNT", 0)  # torchrun's store still has the addresses of the dead
    dist.init_process_group(
        backend,
        store=dist.PrefixStore(f"attempt {attempt}", store),  # type: ignore[attr-defined]
        rank=rank,
        world_size=count,
        timeout=timedelta(seconds=TIMEOUT),
    )
    for name, seconds in (("step", TIMEOUT), ("first", TIMEOUT if is_main_process() else MAIN_TIMEOUT)):
        _groups[name] = dist.new_group(backend="gloo", timeout=timedelta(seconds=seconds))
    _neighbours[:] = _met(dist.PrefixStore(f"met in attempt {attempt}", store))  # type: ignore[attr-defined]
    yield
    _groups.clear()
    dist.destroy_process_group()  # not after an error: it would wait for the others


def _meeting_place() -> "tuple[torch._C._distributed_c10d.Store, int, int]":
    """The store that the processes share, number and count. Raises CondgenError if nobody answers there."""
    try:
        return next(rendezvous("env://"))  # type: ignore[no-any-return]
    except (ValueError, RuntimeError) as error:
        where = ":".join(os.environ.get(name, f"(no {name})") for name in ("MASTER_ADDR", "MASTER_PORT"))
        raise CondgenError(
            f"the other processes were not met at {shortened(where)} ({shortened(str(error).splitlines()[0])}); start "
            "them with torchrun, or unset RANK and WORLD_SIZE."
        ) from None


def world_size() -> int:
    """How many processes train as one."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Which of them this is, from 0."""
    return dist.get_rank() if world_size() > 1 else 0


def is_main_process() -> bool:
    """Whether this is the one that writes."""
    return rank() == 0


def local_slice(count: int) -> slice:
    """Which rows of a whole batch of `count` this process plays."""
    each = count // world_size()
    return slice(rank() * each, (rank() + 1) * each)


def average(tensors: Sequence[Tensor]) -> None:
    """Replace each by its mean over all processes: one message, the same bits everywhere."""
    if world_size() == 1 or not tensors:
        return
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    with _answering("averaging gradients"):
        dist.all_reduce(flat)
    flat /= world_size()
    for tensor, mean in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(mean.view_as(tensor))


def any_rank(*flags: bool) -> tuple[bool, ...]:
    """Each flag, true if it is so in any process."""
    if world_size() == 1:
        return flags
    votes = torch.tensor(flags, dtype=torch.int32)
    with _answering("agreeing on what to do next"):
        dist.all_reduce(votes, dist.ReduceOp.MAX, group=_groups["step"])
    return tuple(bool(vote) for vote in votes)


def broadcast(number: int) -> int:
    """The number that the first process has."""
    if world_size() == 1:
        return number
    told = torch.tensor(number)
    with _answering("waiting for the first one"):
        dist.broadcast(told, 0, group=_groups["first"])
    return int(told)


def barrier() -> None:
    """Until all processes are here: the others wait long for the first one, which may be evaluating or saving."""
    if world_size() > 1:
        with _answering("waiting for the others" if is_main_process() else "waiting for the first one"):
            dist.barrier(_groups["first"])


def _met(store: torch._C._distributed_c10d.Store) -> list[int]:
    """Ids of the other processes on this machine. Each tells its own in the store that all of them share."""
    here = socket.gethostname()
    store.set(str(rank()), f"{os.getpid()} {here}")
    told = [store.get(str(other)).decode().split(" ", 1) for other in range(world_size()) if other != rank()]
    return [int(process) for process, machine in told if machine == here]


@contextmanager
def _answering(doing: str) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        for process in _neighbours:  # one that was stopped would hear torchrun's SIGTERM only when it goes on
            with suppress(OSError):
                os.kill(process, signal.SIGCONT)
        raise PeerTimeout(doing) from error
