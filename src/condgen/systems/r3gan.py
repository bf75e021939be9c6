"""R3GAN: a relativistic GAN with gradient penalties at real and generated images -- Huang et al. 2024, arXiv
2501.05441.

The networks are the paper's own (section 4, "config E"): residual blocks that end in a convolution initialised to 0
(fix-up), grouped convolutions between an expansion and a reduction of the channels, resampling by the filter [1, 2, 1],
no normalisation, no noise, no mapping network. The generator begins with a learnt map whose channels are scaled by z
and the label's embedding; the discriminator ends with a convolution over the whole map, whose features are projected
onto an embedding of the label.

Labels: the embeddings of the attributes that are set are added up. Since no attribute may be set, the discriminator's
embedding has a bias for attributes. Real and generated images are compared in pairs of the same label.

Image sizes: the sides are halved until they are 4 to 7 pixels (nets/strided.py). The four lowest resolutions have
`width` channels, and each further one half as many as the one before.

Schedules: learning rate, beta2 and the weight of both penalties change along a cosine over the first images.

Deviations: `width` is 24, with one block per resolution (paper: 768 and 2), the batch 64 (paper: 512) and the learning
    rate ten times the paper's (2e-4 to 5e-5), so that two cores can train it; the schedules last at most as long as the
    training; the half-life of the EMA has no schedule; augmentation is off by default (paper: always, with a
    probability that rises to 0.55).
"""

from itertools import pairwise
from math import cos, gcd, pi, prod, sqrt
from typing import ClassVar, TypeVar

import torch
import torch.nn.functional as F
from pydantic import NonNegativeFloat, PositiveFloat
from torch import Tensor, nn

from condgen import losses
from condgen.config import Adversarial, Depth, Fraction, Images, Width
from condgen.nets.diffaugment import Augment
from condgen.nets.filters import low_pass
from condgen.nets.strided import pyramid
from condgen.nets.twice import TwiceDifferentiable
from condgen.noise import draw
from condgen.spec import Prior, Spec
from condgen.system import Batches, Paper, Player, System, adam, descend, logged

LEAK = 0.2
TAPS = (1, 2, 1)
"""The low-pass filter of resampling, along both axes."""
GROUP = 16
"""Channels of a group in the grouped convolutions."""
Layer = TypeVar("Layer", nn.Linear, nn.Conv2d)
WIDE = 4
"""Number of resolutions, from the lowest, that have `width` channels."""


class Config(Adversarial):
    """Settings of R3GAN. The paper's: width 768, blocks 2, batch 512, lr 2e-4, lr_last 5e-5."""

    images: Images = 2_000_000
    """Training length, in images shown to the discriminator."""
    z_dim: Width = 64
    """Dimension of the latent vector z, and of the label's embedding in the generator."""
    width: Width = 24
    """Channels of the feature maps at the four lowest resolutions."""
    blocks: Depth = 1
    """Residual blocks per resolution."""
    burn_in: Images = 20_000_000
    """Images over which the schedules last; at most the whole training."""
    lr: PositiveFloat = 2e-3
    """Learning rate of both networks at the start (Adam)."""
    lr_last: PositiveFloat = 5e-4
    """Learning rate at the end of the schedule."""
    beta2: Fraction = 0.9
    """Adam's beta2 at the start, for both networks. beta1 is 0."""
    beta2_last: Fraction = 0.99
    """Adam's beta2 at the end of the schedule."""
    penalty_weight: NonNegativeFloat = 0.05
    """Weight of both gradient penalties at the start (gamma in Eq. 8)."""
    penalty_weight_last: NonNegativeFloat = 0.005
    """Weight of both gradient penalties at the end of the schedule."""

    def at(self, images: int, first: float, last: float) -> float:
        """The value after `images`, on a half cosine from `first` to `last`."""
        share = min(1.0, images / min(self.burn_in, self.images))
        return last + (first - last) * (1 + cos(pi * share)) / 2


class Residual(nn.Module):
    """x + reduce(grouped(expand(x))), with twice the channels in between. `reduce` is 0 at initialisation."""

    def __init__(self, channels: int, depth: int) -> None:
        """depth: number of residual blocks of the network, by which the other weights are scaled (fix-up)."""
        super().__init__()
        wide, gain = 2 * channels, sqrt(2 / (1 + LEAK**2)) * depth**-0.25
        self.expand = scaled(nn.Conv2d(channels, wide, 1), gain)
        self.grouped = scaled(nn.Conv2d(wide, wide, 3, padding=1, groups=wide // gcd(wide, GROUP)), gain)
        self.reduce = scaled(nn.Conv2d(wide, channels, 1, bias=False), 0.0)

    def forward(self, x: Tensor) -> Tensor:
        h = F.leaky_relu(self.grouped(F.leaky_relu(self.expand(x), LEAK)), LEAK)
        out: Tensor = x + self.reduce(h)
        return out


class Generator(nn.Module):
    """z and the label's embedding scale the channels of a learnt map; each stage doubles the sides of the last one."""

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__()
        _, base = pyramid(spec)
        maps = widths(spec, cfg)
        self.label = scaled(nn.Linear(len(spec.labels), cfg.z_dim, bias=False), 1.0)
        self.basis = nn.Parameter(torch.empty(1, maps[0], *base).normal_())
        self.scale = scaled(nn.Linear(2 * cfg.z_dim, maps[0], bias=False), 1.0)
        self.stages = nn.ModuleList(stage(many, cfg.blocks, len(maps)) for many in maps)
        self.between = nn.ModuleList(changed(one, two) for one, two in pairwise(maps))
        self.last = scaled(nn.Conv2d(maps[-1], spec.channels, 1, bias=False), 1.0)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        scales = self.scale(torch.cat([z, self.label(y)], 1))
        x = self.stages[0](self.basis * scales[:, :, None, None])
        for between, blocks in zip(self.between, self.stages[1:], strict=True):
            x = blocks(doubled(between(x)))
        image: Tensor = self.last(x)
        return image if self.training else image.clamp(-1, 1)  # (b, c, h, w)


class Discriminator(nn.Module):
    """Stages of residual blocks, each of which halves the sides; the features of the last map, projected onto the
    label's embedding, are the score (b, 1)."""

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__()
        _, base = pyramid(spec)
        maps = widths(spec, cfg)[::-1]
        self.first = scaled(nn.Conv2d(spec.channels, maps[0], 1, bias=False), 1.0)
        self.stages = nn.ModuleList(stage(many, cfg.blocks, len(maps)) for many in maps)
        self.between = nn.ModuleList(changed(one, two) for one, two in pairwise(maps))
        self.basis = scaled(nn.Conv2d(maps[-1], maps[-1], base, groups=maps[-1], bias=False), 1.0)
        self.features = scaled(nn.Linear(maps[-1], maps[-1], bias=False), 1.0)
        self.label = nn.Linear(len(spec.labels), maps[-1], bias=spec.labels.kind == "attributes")
        scaled(self.label, 1 / sqrt(maps[-1]))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        h = self.stages[0](self.first(x))
        for between, blocks in zip(self.between, self.stages[1:], strict=True):
            h = blocks(between(halved(h)))
        features = self.features(self.basis(h).flatten(1))
        return (features * self.label(y)).sum(1, keepdim=True)  # type: ignore[no-any-return]


def widths(spec: Spec, cfg: Config) -> list[int]:
    """Channels per resolution, from low to high: 3 halvings, 768 -> [768, 768, 768, 768]; 4 -> [..., 768, 384]."""
    return [max(1, cfg.width // 2 ** max(0, level - WIDE + 1)) for level in range(pyramid(spec)[0] + 1)]


def stage(channels: int, blocks: int, stages: int) -> nn.Sequential:
    return nn.Sequential(*(Residual(channels, blocks * stages) for _ in range(blocks)))


def changed(inputs: int, outputs: int) -> nn.Module:
    """A linear change of the number of channels, if it changes."""
    return nn.Identity() if inputs == outputs else scaled(nn.Conv2d(inputs, outputs, 1, bias=False), 1.0)


def scaled(layer: Layer, gain: float) -> Layer:
    """Weights from N(0, gain / sqrt(inputs of an output)), zero biases."""
    nn.init.normal_(layer.weight, std=gain / sqrt(prod(layer.weight.shape[1:])))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def halved(x: Tensor) -> Tensor:
    return F.conv2d(x, low_pass(x, TAPS), stride=2, padding=1, groups=x.shape[1])


def doubled(x: Tensor) -> Tensor:
    return F.conv_transpose2d(x, 4 * low_pass(x, TAPS), stride=2, padding=1, output_padding=1, groups=x.shape[1])


class R3GAN(System):
    """min_G max_D E log sigmoid(D(x|y) - D(G(z|y)|y)) - gamma/2 (R1 + R2): Eq. 2 with both penalties, Eq. 8."""

    paper: ClassVar = Paper(
        "Huang et al. 2024, arXiv 2501.05441",
        """@inproceedings{huang2024gan,
  title     = {The {GAN} is dead; long live the {GAN}! {A} Modern {GAN} Baseline},
  author    = {Huang, Yiwen and Gokaslan, Aaron and Kuleshov, Volodymyr and Tompkin, James},
  booktitle = {Advances in Neural Information Processing Systems 37},
  year      = {2024}
}""",
    )

    cfg: Config

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__(spec, cfg)
        self.prior = Prior(cfg.z_dim)
        self.G, self.D, self.T = Generator(spec, cfg), Discriminator(spec, cfg), Augment(spec, cfg)
        optimizer = adam(cfg.lr, (0.0, cfg.beta2))
        self.players = {"g": Player(self.G, optimizer), "d": Player(self.D, optimizer)}

    @property
    def generator(self) -> nn.Module:
        return self.G

    def step(self, batches: Batches, images: int) -> dict[str, Tensor]:
        G, D, T, g, d = self.G, self.D, self.T, self.players["g"], self.players["d"]
        weight = self.schedule(images)
        x, y = next(batches)
        with torch.no_grad():
            fake = G(draw(self.prior, len(x), x.device), y)
        both = torch.cat([x, fake]).requires_grad_()
        with TwiceDifferentiable():
            scores = D(T(both), torch.cat([y, y]))
        real_scores, fake_scores = scores.chunk(2)
        loss_d = losses.says_real(real_scores - fake_scores)
        penalty = 2 * losses.r1(scores, both)  # R1 + R2: `r1` is the mean over both halves
        descend((d, loss_d + weight / 2 * penalty))

        with torch.no_grad():
            real_scores = D(T(x), y)
        fake_scores = D(T(G(draw(self.prior, len(x), x.device), y)), y)
        loss_g = losses.says_real(fake_scores - real_scores)
        descend((g, loss_g))
        T.adapt(real_scores - fake_scores)
        accuracy = (real_scores > fake_scores).float().mean()
        return logged(loss_g=loss_g, loss_d=loss_d, loss_penalty=penalty, accuracy_d=accuracy) | T.logs

    def schedule(self, images: int) -> float:
        """Set learning rate and beta2 of both players; returns the weight of the penalties."""
        cfg = self.cfg
        for player in self.players.values():
            player.set_lr(cfg.at(images, cfg.lr, cfg.lr_last))
            for group in player.optimizer.param_groups:
                group["betas"] = (0.0, cfg.at(images, cfg.beta2, cfg.beta2_last))
        return cfg.at(images, cfg.penalty_weight, cfg.penalty_weight_last)
