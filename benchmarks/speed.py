"""Images per second of every row, and what single choices buy; ratios are of one run, seconds are this machine's.

    python benchmarks/speed.py [--out benchmarks/results/speed.json]

Each choice is timed against its alternative in turns (A B A B ...) and the median ratio is given, since a shared
machine drifts.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from condgen import data
from condgen.disk import write_json
from condgen.noise import reseed
from condgen.run import environment
from condgen.stream import Stream
from condgen.systems import SYSTEMS, cgan, row
from condgen.trainer import speed

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


def images_per_second(digits: data.Dataset) -> dict[str, int]:
    found = {}
    for name in SYSTEMS:
        config = row(name).config
        reseed(0, "init", 0)
        stream = Stream(digits.train, digits.labels, config.batch, seed=0)
        found[name] = round(speed(row(name).build(digits.spec), stream, seconds=5))
        print(f"{name:16s} {found[name]:8,} images/s at batch {config.batch}")
    return found


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
    ours, loader = Stream(digits.train, digits.labels, 64, 0), iter(batches_of_a_loader(digits))
    return {
        "fused Adam over looped Adam": ratio(fused.step, looped.step, 30),
        "one pass of D over real and fake, over two": ratio(one_pass, two_passes, 20),
        "our stream over torch's DataLoader": ratio(lambda: next(ours), lambda: next(loader), 50),
    }


def batches_of_a_loader(digits: data.Dataset):
    pixels, labels = torch.from_numpy(digits.train.images), torch.from_numpy(digits.train.labels)
    dataset = torch.utils.data.TensorDataset(pixels, labels)
    while True:
        for x, y in torch.utils.data.DataLoader(dataset, 64, shuffle=True):
            yield x.float().div_(127.5).sub_(1).permute(0, 3, 1, 2), torch.eye(10)[y]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    digits = data.load("mnist")
    found = {"about": environment("cpu"), "images_per_second": images_per_second(digits)}
    found["times_faster"] = {name: round(value, 2) for name, value in choices(digits).items()}
    for name, value in found["times_faster"].items():
        print(f"{value:6.2f} x  {name}")
    if options.out:
        write_json(options.out, found)


if __name__ == "__main__":
    main()
