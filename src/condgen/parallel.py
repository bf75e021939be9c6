"""Distributed data-parallel training: `torchrun` starts the processes, torch.distributed connects them.

Each process trains on its own part of every batch. Gradients are averaged, so that the weights stay equal; only the
main process (rank 0) writes files. In a single process, all functions here are no-ops.
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
"""Seconds that a process waits for the others within a step, before it concludes that one is dead or hangs."""
MAIN_TIMEOUT = 1800
"""Seconds that the others wait while the main process evaluates, generates images or saves."""

_groups: "dict[str, dist.ProcessGroup]" = {}
"""Process groups for small messages, on the CPU even if gradients are on GPUs: `step`, with the short timeout, and
`main`, with the long timeout for all but the main process."""


_peers: list[int] = []
"""Ids of the other processes on this machine."""


class PeerTimeout(CondgenError):
    """Another process did not answer within the timeout."""

    def __init__(self, doing: str) -> None:
        super().__init__(
            f"process {rank()} of {world_size()} got no answer while {doing}: another process is dead or hangs. "
            "The same command resumes from the newest checkpoint."
        )


def placed() -> tuple[int, int]:
    """Rank of this process and number of processes, from torchrun's RANK and WORLD_SIZE; (0, 1) without torchrun.

    Raises CondgenError if they are inconsistent.
    """
    rank, count = from_torchrun("RANK", 0), from_torchrun("WORLD_SIZE", 1)
    if not 0 <= rank < count:
        raise CondgenError(f"RANK={rank} and WORLD_SIZE={count} do not match; start with torchrun, or unset both.")
    return rank, count


def from_torchrun(name: str, default: int) -> int:
    """An integer of 0 or more from the environment. Raises CondgenError for any other value."""
    text = os.environ.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise CondgenError(
            f"{name}={shortened(text)} in the environment is not a number; start with torchrun, or unset it."
        )
    return int(text)


def launched() -> bool:
    """Whether torchrun started this process as one of several."""
    return placed()[1] > 1


@contextmanager
def process_group(device: torch.device, batch: int) -> Iterator[None]:
    """Join the process group that torchrun started, if it did, and leave it at the end.

    batch: global batch size. Raises CondgenError if it is not divisible by the number of processes.
    """
    if not launched() or dist.is_initialized():
        yield
        return
    if batch % placed()[1]:
        raise CondgenError(f"--batch {batch} is not divisible by the number of processes, {placed()[1]}.")
    backend = "nccl" if device.type == "cuda" else "gloo"
    if device.type != "cpu" and device.index is not None:
        torch.accelerator.set_device_index(device.index)  # else every process also opens the first GPU
    store, rank, count = _meeting_place()
    attempt = from_torchrun("TORCHELASTIC_RESTART_COUNT", 0)  # torchrun's store keeps addresses of dead processes
    dist.init_process_group(
        backend,
        store=dist.PrefixStore(f"attempt {attempt}", store),  # type: ignore[attr-defined]
        rank=rank,
        world_size=count,
        timeout=timedelta(seconds=TIMEOUT),
    )
    for name, seconds in (("step", TIMEOUT), ("main", TIMEOUT if is_main_process() else MAIN_TIMEOUT)):
        _groups[name] = dist.new_group(backend="gloo", timeout=timedelta(seconds=seconds))
    _peers[:] = _local_peers(dist.PrefixStore(f"met in attempt {attempt}", store))  # type: ignore[attr-defined]
    yield
    _groups.clear()
    dist.destroy_process_group()  # not after an error, since it would wait for the others


def _meeting_place() -> "tuple[torch._C._distributed_c10d.Store, int, int]":
    """The store that the processes share, the rank and the number of processes. Raises CondgenError if nothing answers
    at the address."""
    try:
        return next(rendezvous("env://"))  # type: ignore[no-any-return]
    except (ValueError, RuntimeError) as error:
        where = ":".join(os.environ.get(name, f"(no {name})") for name in ("MASTER_ADDR", "MASTER_PORT"))
        raise CondgenError(
            f"no connection to the other processes at {shortened(where)} ({shortened(str(error).splitlines()[0])}); "
            "start them with torchrun, or unset RANK and WORLD_SIZE."
        ) from None


def world_size() -> int:
    """Number of processes in the group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Index of this process in the group, from 0."""
    return dist.get_rank() if world_size() > 1 else 0


def is_main_process() -> bool:
    """Whether this is the process that writes files and messages."""
    return rank() == 0


def local_slice(count: int) -> slice:
    """The rows of a global batch of `count` that belong to this process."""
    each = count // world_size()
    return slice(rank() * each, (rank() + 1) * each)


def average(tensors: Sequence[Tensor]) -> None:
    """Replace each tensor in place by its mean over all processes, in one message. The results are bit-identical."""
    if world_size() == 1 or not tensors:
        return
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    with _peer_timeout("averaging gradients"):
        dist.all_reduce(flat)
    flat /= world_size()
    for tensor, mean in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(mean.view_as(tensor))


def any_rank(*flags: bool) -> tuple[bool, ...]:
    """Each flag combined by `or` over all processes."""
    if world_size() == 1:
        return flags
    votes = torch.tensor(flags, dtype=torch.int32)
    with _peer_timeout("synchronising"):
        dist.all_reduce(votes, dist.ReduceOp.MAX, group=_groups["step"])
    return tuple(bool(vote) for vote in votes)


def broadcast(number: int) -> int:
    """The value of `number` in the main process."""
    if world_size() == 1:
        return number
    value = torch.tensor(number)
    with _peer_timeout("waiting for the main process"):
        dist.broadcast(value, 0, group=_groups["main"])
    return int(value)


def barrier() -> None:
    """Wait until all processes have reached this point. The timeout is long for all but the main process."""
    if world_size() > 1:
        with _peer_timeout("waiting for the others" if is_main_process() else "waiting for the main process"):
            dist.barrier(_groups["main"])


def _local_peers(store: torch._C._distributed_c10d.Store) -> list[int]:
    """Ids of the other processes on this machine. Each process publishes its own in the shared store."""
    here = socket.gethostname()
    store.set(str(rank()), f"{os.getpid()} {here}")
    entries = [store.get(str(other)).decode().split(" ", 1) for other in range(world_size()) if other != rank()]
    return [int(process) for process, machine in entries if machine == here]


@contextmanager
def _peer_timeout(doing: str) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        for process in _peers if hasattr(signal, "SIGCONT") else ():  # a stopped process gets SIGTERM only after it
            with suppress(OSError):
                os.kill(process, signal.SIGCONT)
        raise PeerTimeout(doing) from error
