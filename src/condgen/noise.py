"""Noise as torch tensors: in a training step, and for one picture that anybody may ask for again."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from condgen import parallel
from condgen.seeds import seed_of
from condgen.spec import Prior

CPU = torch.device("cpu")


def reseed(seed: int, stream: str, images: int, device: torch.device = CPU) -> None:
    """Make torch's own noise (z, dropout, first weights) a function of progress; resuming needs no saved state.

    Sets the generators of the CPU and of `device` themselves: torch.manual_seed takes a hundred times as long.
    """
    value = seed_of(seed, stream, images)
    torch.default_generator.manual_seed(value)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(value)
    elif device.type == "mps":
        torch.mps.manual_seed(value)


def reseed_step(seed: int, images: int, device: torch.device = CPU) -> None:
    """`reseed` for one step. Of several processes each gets noise of its own, and shares what `batch_noise` draws."""
    if parallel.world_size() == 1:
        reseed(seed, "step", images, device)
        return
    _shared[device] = torch.Generator(device).manual_seed(seed_of(seed, "step", images))
    reseed(seed, f"step of process {parallel.rank()}", images, device)


_shared: dict[torch.device, torch.Generator] = {}
"""Per device, the noise that several processes share; seeded by each step."""


def batch_noise(sampler: Callable[..., Tensor], rows: int, *shape: int, device: torch.device | str = CPU) -> Tensor:
    """Noise for the rows of one batch, (rows, *shape), such as ``batch_noise(torch.randn, 64, 100)``.

    Several processes draw for the whole batch and take their own rows, so that they play as one would.
    """
    if parallel.world_size() == 1:
        return sampler((rows, *shape), device=device)
    shared = _shared.setdefault(torch.device(device), torch.Generator(device))
    whole = sampler((rows * parallel.world_size(), *shape), device=device, generator=shared)
    return whole[parallel.local_slice(len(whole))]


@contextmanager
def preserve_rng(device: torch.device) -> Iterator[None]:
    """Give torch's generators back as they were found: training inside somebody's program leaves theirs alone."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield


def draw(prior: Prior, n: int, device: torch.device | str = "cpu") -> Tensor:
    """z for one training batch, (n, prior.dim), from torch's own generator."""
    return batch_noise(torch.randn if prior.kind == "normal" else torch.rand, n, prior.dim, device=device)


def draw_at(prior: Prior, seed: int, indices: Iterable[int]) -> Tensor:
    """z of the pictures `indices` under `seed`, (len(indices), prior.dim), on the CPU.

    Each row has a generator of its own, so z depends on (seed, index) alone: not on the count, the order, the batch
    or the label. The same index therefore means the same z under every label.
    """
    sampler = torch.randn if prior.kind == "normal" else torch.rand
    source = torch.Generator()
    return torch.stack([sampler(prior.dim, generator=source.manual_seed(seed_of(seed, "z", i))) for i in indices])


def truncated(z: Tensor, truncation: float | Tensor) -> Tensor:
    """z of a normal prior scaled towards its mean, which is 0 (`options.TRUNCATION`)."""
    return z * truncation


def walk(prior: Prior, start: Tensor, end: Tensor, steps: int) -> Tensor:
    """Points at equal steps from one z to another, (steps, dim), both ends included."""
    return between(prior, start, end, torch.linspace(0, 1, steps))


def between(prior: Prior, start: Tensor, end: Tensor, parts: Tensor) -> Tensor:
    """Points on the way from one z to another, (len(parts), dim): at part 0 the one, at part 1 the other.

    A straight line through N(0, I) passes nearer to 0 than any drawn z; normal points therefore go along the arc
    between them (White 2016, arXiv 1609.04468), uniform ones straight.
    """
    shares = parts[:, None]
    angle = torch.arccos(torch.nn.functional.cosine_similarity(start, end, dim=0).clamp(-1, 1))
    if prior.kind == "uniform" or angle.sin() < 1e-4:
        return (1 - shares) * start + shares * end
    return (((1 - shares) * angle).sin() * start + (shares * angle).sin() * end) / angle.sin()
