"""Do learning rates suit a short training? Presets after a few CPU seconds on digits reduced to 8x8 pixels.

    python benchmarks/reduced.py --seconds 15 sngan r3gan 'r3gan:{"lr": 2e-4, "lr_last": 5e-5}'

One thread and 40,000 images at most, 64 at a time. Of 1,000 generated digits: the Fréchet distance of their pixels (in
multiples of 64 grey levels) to 12,000 digits, and the share whose nearest of 8,000 digits has the right label. Both are
also given for real digits. An 8x8 image costs about a twelfth of a 28x28 one, so that this takes seconds.
"""

import argparse
import json
import time

import bare
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from condgen import data
from condgen.data import Dataset, Split
from condgen.metrics.frechet import Moments, distance
from condgen.noise import reseed
from condgen.systems import preset

MOST, GENERATED, NEAREST = 40_000, 1_000, 8_000


def reduced() -> Dataset:
    """The first 20,000 digits of MNIST, without a border of 2 pixels, averaged over 3x3 pixels."""
    digits = data.load("mnist")
    whole = torch.from_numpy(digits.train.images[:20_000]).permute(0, 3, 1, 2).float()
    images = F.avg_pool2d(whole[:, :, 2:-2, 2:-2], 3).round().byte().permute(0, 2, 3, 1).numpy()
    return Dataset("mnist-8x8", digits.labels, Split(images, digits.train.labels[:20_000]))


def trained(name: str, settings: dict[str, float], digits: Dataset, seconds: float) -> tuple[NDArray[np.uint8], int]:
    """Digits of the averaged generator, 100 of each label, and the number of training images."""
    config = preset(name).config.with_overrides({"batch": 64, "images": MOST} | settings)
    reseed(0, "init", 0)
    system = preset(name).build(digits.spec, config)
    until = time.process_time() + seconds
    sampler, seen = bare.averaged(
        system, digits, 0, 5_000, lambda images: images < MOST and time.process_time() < until
    )
    return sampler.sample("all", count=GENERATED // 10), seen


def measured(images: NDArray[np.uint8], labels: NDArray[np.int64], digits: Dataset) -> str:
    flat, real = (x.reshape(len(x), -1) / 64.0 for x in (images, digits.train.images))
    known = real[:NEAREST]
    distances = (flat**2).sum(1)[:, None] - 2 * flat @ known.T + (known**2).sum(1)
    right = (digits.train.labels[distances.argmin(1)] == labels).mean()
    apart = distance(*(Moments.of(torch.from_numpy(some)) for some in (real[NEAREST:], flat)))
    return f"distance {apart:.2f}, right labels {right:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trials", nargs="+", help='preset, or preset:{"setting": value}')
    parser.add_argument("--seconds", type=float, default=15.0, help="CPU seconds of each training")
    options = parser.parse_args()
    torch.set_num_threads(1)
    digits = reduced()
    real = slice(NEAREST, NEAREST + GENERATED)
    print("real digits:", measured(digits.train.images[real], digits.train.labels[real], digits))
    for trial in options.trials:
        name, _, settings = trial.partition(":")
        images, seen = trained(name, json.loads(settings or "{}"), digits, options.seconds)
        labels = np.repeat(np.arange(10), GENERATED // 10)
        print(f"{trial}, {seen:,} images: {measured(images, labels, digits)}", flush=True)


if __name__ == "__main__":
    main()
