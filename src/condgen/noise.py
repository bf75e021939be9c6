"""Random tensors: reproducible noise for training steps, and the latent vectors of generated images."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from condgen import parallel
from condgen.seeds import seed_of
from condgen.spec import Prior

CPU = torch.device("cpu")


def reseed(seed: int, stream: str, images: int, device: torch.device = CPU) -> None:
    """Seed torch's global generators by (seed, stream, images), so that a resumed run needs no saved generator state.

    Seeds only the generators of the CPU and of `device`: torch.manual_seed takes a hundred times as long.
    """
    value = seed_of(seed, stream, images)
    torch.default_generator.manual_seed(value)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(value)
    elif device.type != "cpu":
        torch.get_device_module(device).manual_seed(value)


def reseed_step(seed: int, images: int, device: torch.device = CPU) -> None:
    """`reseed` for one training step. In distributed training, each process gets its own noise, except that of
    `batch_noise`, which all processes share."""
    if parallel.world_size() == 1:
        reseed(seed, "step", images, device)
        return
    for place in {CPU, device}:
        _shared[place] = torch.Generator(place).manual_seed(seed_of(seed, "step", images))
    reseed(seed, f"step of process {parallel.rank()}", images, device)


_shared: dict[torch.device, torch.Generator] = {}
"""Per device, the generator that all processes seed equally in each step."""


def common_offsets(below: int, count: int) -> list[int]:
    """`count` random integers in [0, below), the same in all processes. They come from the CPU, so that a GPU is not
    synchronised."""
    shared = _shared.setdefault(CPU, torch.Generator()) if parallel.world_size() > 1 else None
    offsets: list[int] = torch.randint(below, (count,), generator=shared).tolist()
    return offsets


def batch_noise(sampler: Callable[..., Tensor], rows: int, *shape: int, device: torch.device | str = CPU) -> Tensor:
    """Random values for one batch, (rows, *shape), such as ``batch_noise(torch.randn, 64, 100)``.

    In distributed training, every process generates the values of the global batch and returns its own rows, so that
    the result does not depend on the number of processes.
    """
    if parallel.world_size() == 1:
        return sampler((rows, *shape), device=device)
    shared = _shared.setdefault(torch.device(device), torch.Generator(device))
    whole = sampler((rows * parallel.world_size(), *shape), device=device, generator=shared)
    return whole[parallel.local_slice(len(whole))]


@contextmanager
def preserve_rng(device: torch.device) -> Iterator[None]:
    """Restore the state of torch's global generators at the end, since the caller's program may use them."""
    if device.type == "mps":  # which has one generator and no indices
        with torch.random.fork_rng(devices=[]):
            before = torch.mps.get_rng_state()
            try:
                yield
            finally:
                torch.mps.set_rng_state(before)
        return
    others = [] if device.type == "cpu" else [device]
    with torch.random.fork_rng(others, device_type=device.type if others else "cuda"):
        yield


def draw(prior: Prior, n: int, device: torch.device | str = "cpu") -> Tensor:
    """Latent vectors z of one training batch, (n, prior.dim), from torch's global generator."""
    return batch_noise(torch.randn if prior.kind == "normal" else torch.rand, n, prior.dim, device=device)


def draw_at(prior: Prior, seed: int, indices: Iterable[int]) -> Tensor:
    """Latent vectors z of the images `indices` under `seed`, (len(indices), prior.dim), on the CPU.

    Each row has its own generator, so that z depends on (seed, index) only, not on the number of images, their order,
    the batch size or the label. The same index therefore has the same z under every label.
    """
    sampler = torch.randn if prior.kind == "normal" else torch.rand
    source = torch.Generator()
    return torch.stack([sampler(prior.dim, generator=source.manual_seed(seed_of(seed, "z", i))) for i in indices])


def truncated(z: Tensor, truncation: float | Tensor) -> Tensor:
    """z of a normal prior scaled towards its mean, which is 0 (`options.TRUNCATION`)."""
    return z * truncation


def walk(prior: Prior, start: Tensor, end: Tensor, steps: int) -> Tensor:
    """Latent interpolation from `start` to `end` (dim,) in equal steps, (steps, dim), both ends included."""
    return between(prior, start, end, torch.linspace(0, 1, steps))


def between(prior: Prior, start: Tensor, end: Tensor, parts: Tensor) -> Tensor:
    """Latent interpolation at the given fractions, (len(parts), dim). Fraction 0 is `start`, 1 is `end`.

    A straight line between two samples of N(0, I) passes nearer to the origin than samples do. A normal prior is
    therefore interpolated spherically (White 2016, arXiv 1609.04468), a uniform one linearly.
    """
    shares = parts[:, None]
    angle = torch.arccos(torch.nn.functional.cosine_similarity(start, end, dim=0).clamp(-1, 1))
    if prior.kind == "uniform" or angle.sin() < 1e-4:
        return (1 - shares) * start + shares * end
    return (((1 - shares) * angle).sin() * start + (shares * angle).sin() * end) / angle.sin()
