"""Ablation of `swift`: each component is removed or changed alone, with three seeds, on MNIST.

    python benchmarks/ablation.py --out benchmarks/results/ablation.json

Each training sees 194,000 images, the length that fits into a one-minute command, on one thread; 10,000 generated
digits are measured with the pinned feature classifier. Results that are already in the file are not computed again.
"""

import argparse
import json
import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import bare
import torch
import torch.nn.functional as F

from condgen import data, losses
from condgen.data import Dataset
from condgen.disk import write_json
from condgen.judging import judge
from condgen.judging.by_label import label_metrics
from condgen.judging.generated_set import GeneratedSet, generate
from condgen.judging.protocol import feature_distances, nearest_neighbours
from condgen.judging.reference import Reference
from condgen.nets import modulated
from condgen.noise import draw, reseed
from condgen.sampling.sampler import Sampler
from condgen.system import descend
from condgen.systems import preset, swift
from condgen.training.kernels import environment

LENGTH, COUNT, SEEDS = 194_000, 10_000, (0, 1, 2)
"""Images of a training, generated images that are measured, and seeds."""
NUMBERS = ("fd", "label_accuracy", "precision", "recall")


def without_norm(self: modulated.Residual, x: torch.Tensor, zy: torch.Tensor) -> torch.Tensor:
    scale, shift = self.style(zy)[:, :, None, None].chunk(2, 1)
    return x + self.conv(torch.addcmul(shift, F.leaky_relu(x, modulated.LEAK), scale))


def without_style(self: modulated.Residual, x: torch.Tensor, zy: torch.Tensor) -> torch.Tensor:
    h = F.leaky_relu(x, modulated.LEAK).permute(0, 2, 3, 1)
    return x + self.conv(F.layer_norm(h, h.shape[3:]).permute(0, 3, 1, 2))


def not_saturating(self: swift.Swift, batches: Any, images: int) -> dict[str, torch.Tensor]:
    """The game of Goodfellow et al. instead of the relativistic one, all else as in `Swift.step`."""
    G, D, g, d = self.G, self.D, self.players["g"], self.players["d"]
    for player in (g, d):
        player.set_lr(self.cfg.lr_at(images))
    x, y = next(batches)
    fake = G(draw(self.prior, len(x), x.device), y)
    penalised = images // len(x) % self.cfg.penalty_every == 0
    both = torch.cat([x.requires_grad_(penalised), fake.detach()])
    real_scores, fake_scores = D(both, torch.cat([y, y])).chunk(2)
    loss_d = (losses.says_real(real_scores) + losses.says_fake(fake_scores)) / 2
    if penalised:
        loss_d = loss_d + self.cfg.penalty_every * self.cfg.penalty_weight / 2 * losses.r1(real_scores, x)
    loss_d = loss_d + self.cfg.mismatch * losses.says_real(real_scores - D(x, swift.exchanged(y)))
    descend((d, loss_d))
    descend((g, losses.says_real(D(fake, y))))
    return {}


class Choice:
    """One ablation: changed settings, and a patch that replaces a component."""

    def __init__(self, settings: Mapping[str, Any] | None = None, patched: Callable[[], Any] = nullcontext) -> None:
        self.settings, self.patched = settings or {}, patched


CHOICES = {
    "none: the preset as it is": Choice(),
    "noise and label only at the input of G": Choice(
        {}, lambda: patch.object(modulated.Residual, "forward", without_style)
    ),
    "no channel normalisation in G": Choice({}, lambda: patch.object(modulated.Residual, "forward", without_norm)),
    "weights of pixels instead of frequencies in D": Choice({"pre_emphasis": 0.0}),
    "no mismatched pairs": Choice({"mismatch": 0.0}),
    "no learning-rate warm-up": Choice({"warmup": 0}),
    "no learning-rate decay": Choice({"decay": 0.0}),
    "no EMA of G": Choice({"ema_half_life": 0}),
    "no R1": Choice({"penalty_weight": 0.0}),
    "R1 weight divided by three": Choice({"penalty_weight": 0.1}),
    "non-saturating loss": Choice({}, lambda: patch.object(swift.Swift, "step", not_saturating)),
    "batch of 128": Choice({"batch": 128}),
}


def trained(choice: Choice, dataset: Dataset, seed: int, length: int = LENGTH) -> Sampler:
    """The averaged generator after `length` images."""
    config = preset("swift").config.with_overrides({"images": length} | choice.settings)
    config = config.chosen_for(dataset.spec, len(dataset.train))
    reseed(seed, "init", 0)
    system = preset("swift").build(dataset.spec, config)
    return bare.averaged(system, dataset, seed, config.ema_half_life, lambda images: images < length)[0]


def measured(sampler: Sampler, reference: Reference, count: int = COUNT) -> dict[str, float]:
    """The metrics in NUMBERS, of `count` generated images."""
    generated = GeneratedSet(generate(sampler, reference, count, 0), reference)
    found = dict(feature_distances(generated)) | dict(label_metrics(generated)) | dict(nearest_neighbours(generated))
    return {name: round(float(found[name].value), 4) for name in NUMBERS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--choices", nargs="*", default=list(CHOICES))
    parser.add_argument("--seeds", nargs="*", type=int, default=SEEDS)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    torch.set_num_threads(1)
    digits = data.load("mnist")
    reference = Reference(digits, judge.of(digits, print))
    about = {"date": datetime.now(UTC).date().isoformat(), "cores": os.cpu_count(), "images": LENGTH}
    results = json.loads(options.out.read_text())["results"] if options.out.exists() else []
    for seed in options.seeds:
        for name in options.choices:
            if any((known["choice"], known["seed"]) == (name, seed) for known in results):
                continue
            with CHOICES[name].patched():
                numbers = measured(trained(CHOICES[name], digits, seed), reference)
            results.append({"choice": name, "seed": seed, "numbers": numbers})
            print(results[-1], flush=True)
            results.sort(key=lambda r: (list(CHOICES).index(r["choice"]), r["seed"]))
            write_json(options.out, {"about": about | environment("cpu"), "results": results})


if __name__ == "__main__":
    main()
