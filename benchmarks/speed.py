"""Images per second of every row beside its textbook loop and the machine's arithmetic; what single choices buy.

    python benchmarks/speed.py [--out benchmarks/results/speed.json]

What is compared is timed in turns (A B A B ...) and the median ratio is given, since a shared machine drifts: ratios
are of one run, seconds are this machine's. Each has a process of its own, since how memory is kept is a process's
matter. *Share of peak*: the step's multiplications and additions, counted by torch, per second, over those of a large
matrix product in the same turn.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from textbook import Textbook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from condgen import data, heap
from condgen.disk import write_json
from condgen.noise import reseed
from condgen.sampling.sampler import Sampler
from condgen.stream import Stream
from condgen.systems import SYSTEMS, cgan, preset
from condgen.training.ema import EMA
from condgen.training.kernels import environment

TURNS = 7


def seconds(call: Callable[[], object], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - began) / times


def ratio(ours: Callable[[], object], theirs: Callable[[], object], times: int) -> float:
    """How many times faster `ours` is: the median over turns."""
    seconds(ours, 2), seconds(theirs, 2)
    return statistics.median(seconds(theirs, times) / seconds(ours, times) for _ in range(TURNS))


def ours(name: str, digits: data.Dataset, precision: str = "fp32") -> Iterator[int]:
    """A row's training as the trainer steps it, the average of the generator included; images seen after every step."""
    found = preset(name)
    system = found.build(digits.spec, found.config.with_overrides({"precision": precision}))
    stream = Stream(digits.train, digits.labels, found.config.batch, seed=0)
    average = EMA(system.generator, found.config.ema_half_life)
    while True:
        before = stream.images
        reseed(0, "step", before)
        with system.autocast(stream.device):
            system.step(stream, before)
        average.update(before, stream.images)
        yield stream.images


def images_per_second(play: Iterator[int], for_seconds: float) -> float:
    first = images = next(play)
    began = time.perf_counter()
    while time.perf_counter() - began < for_seconds:
        images = next(play)
    return (images - first) / (time.perf_counter() - began)


def gemm(size: int = 2048) -> float:
    """Multiplications and additions a second of a large product of matrices."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    return 2 * size**3 / seconds(lambda: a @ b, 5)


class Flops(TorchDispatchMode):
    """Adds up what torch's own table says of each operation; torch's FlopCounterMode stumbles over penalties."""

    total = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        if cost := flop_registry.get(function._overloadpacket):
            self.total += cost(*args, **(kwargs or {}), out_val=out)
        return out


def flops(name: str, digits: data.Dataset) -> float:
    """Multiplications and additions per image, the mean over eight steps."""
    play = ours(name, digits)
    before = after = next(play)
    with Flops() as counter:
        for _ in range(8):
            after = next(play)
    return counter.total / (after - before)


def playing(kind: str, name: str, for_seconds: float, line: Connection) -> None:
    """A process that plays for a while whenever it is told to, and says how fast it was."""
    digits = data.load("mnist")
    reseed(0, "init", 0)
    play = Textbook(name, digits).play() if kind == "textbook" else ours(name, digits, kind)
    next(play)
    with nullcontext() if kind == "textbook" else heap.retained():
        while line.recv():
            line.send(images_per_second(play, for_seconds))


@contextmanager
def player(kind: str, name: str, for_seconds: float) -> Iterator[Callable[[], float]]:
    """What plays a turn in such a process, and returns its images per second."""
    os.environ["PYTHONSAFEPATH"] = "1"  # a spawned process imports nothing from the working folder
    spawn = get_context("spawn")
    line, other = spawn.Pipe()
    process = spawn.Process(target=playing, args=(kind, name, for_seconds, other))
    process.start()

    def turn() -> float:
        line.send(True)
        return line.recv()

    with closing(line):
        yield turn
        line.send(False)
        process.join()


def rows(digits: data.Dataset, names: list[str], turns: int, for_seconds: float) -> dict[str, dict[str, float]]:
    found = {}
    for name in names:
        reseed(0, "init", 0)
        work = flops(name, digits)
        with (
            player("fp32", name, for_seconds) as fast,
            player("bf16", name, for_seconds) as faster,
            player("textbook", name, for_seconds) as plain,
        ):
            fast(), faster(), plain()
            timed = [(fast(), faster(), plain(), gemm()) for _ in range(turns)]
        fp32, bf16, textbook, peak = zip(*timed, strict=True)
        found[name] = {
            "images_per_second": round(statistics.median(fp32)),
            "textbook": round(statistics.median(textbook)),
            "times_faster": round(median_ratio(fp32, textbook), 2),
            "times_faster_bf16": round(median_ratio(bf16, textbook), 2),
            "megaflops_per_image": round(work / 1e6, 2),
            "share_of_peak": round(work * median_ratio(fp32, peak), 3),
        }
        print(f"{name:16s}", *(f"{key} {value:,}" for key, value in found[name].items()), flush=True)
    return found


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def drawing(digits: data.Dataset) -> int:
    """Images per second that a Sampler draws from swift."""
    system = preset("swift").build(digits.spec)
    sampler = Sampler(system.generator, digits.spec, system.prior)
    labels = [number % 10 for number in range(10_000)]
    draw = lambda: [None for _ in sampler.batches(labels, 0)]  # noqa: E731
    draw()
    return round(len(labels) / statistics.median(seconds(draw, 1) for _ in range(TURNS)))


def choices(digits: data.Dataset) -> dict[str, float]:
    D = cgan.ConcatDiscriminator(digits.spec, 0.4)
    parameters = list(D.parameters())
    x, y = torch.randn(64, 1, 28, 28), torch.eye(10)[torch.arange(64) % 10]
    both = torch.cat([x, x]), torch.cat([y, y])

    def backward(loss: torch.Tensor) -> None:
        for parameter in parameters:
            parameter.grad = None
        loss.backward(inputs=parameters)

    one_pass = lambda: backward(D(*both).mean())  # noqa: E731
    two_passes = lambda: backward(D(x, y).mean() + D(x, y).mean())  # noqa: E731
    one_pass()
    fused, looped = (torch.optim.Adam(parameters, fused=flag, foreach=False) for flag in (True, False))
    stream, loader = Stream(digits.train, digits.labels, 64, 0), iter(batches_of_a_loader(digits))
    return {
        "fused Adam over looped Adam": ratio(fused.step, looped.step, 30),
        "one pass of D over real and fake, over two": ratio(one_pass, two_passes, 20),
        "our stream over torch's DataLoader": ratio(lambda: next(stream), lambda: next(loader), 50),
    }


def batches_of_a_loader(digits: data.Dataset):
    pixels, labels = torch.from_numpy(digits.train.images), torch.from_numpy(digits.train.labels)
    dataset = torch.utils.data.TensorDataset(pixels, labels)
    while True:
        for x, y in torch.utils.data.DataLoader(dataset, 64, shuffle=True):
            yield x.float().div_(127.5).sub_(1).permute(0, 3, 1, 2), torch.eye(10)[y]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="*", default=list(SYSTEMS))
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    digits = data.load("mnist")
    found = {
        "about": environment("cpu"),
        "gemm_gigaflops": round(statistics.median(gemm() for _ in range(TURNS)) / 1e9),
    }
    found["rows"] = rows(digits, options.rows, options.turns, options.seconds)
    found["drawn_per_second"] = drawing(digits)
    found["times_faster"] = {name: round(value, 2) for name, value in choices(digits).items()}
    print(f"{found['drawn_per_second']:,} images generated a second")
    for name, value in found["times_faster"].items():
        print(f"{value:6.2f} x  {name}")
    if options.out:
        write_json(options.out, found)


if __name__ == "__main__":
    main()
