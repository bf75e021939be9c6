"""Swift: a relativistic GAN on patches, made for the first minute on two cores.

The game is that of R3GAN (Huang et al. 2024, arXiv 2501.05441): the discriminator tells a real picture from a drawn one
of the same label by the *difference* of their scores, and pays for steep scores at real pictures (R1). Both networks
work on a coarse map of 4x4 patches (Shi et al. 2016, arXiv 1609.05158); noise and label modulate every convolution of
the generator (Chen et al. 2019, arXiv 1810.01365); labels are projected (Miyato & Koyama 2018, arXiv 1802.05637), and
the discriminator is also shown real pictures under labels of others (Reed et al. 2016, arXiv 1605.05396). What each
choice bought: docs/systems/swift.md.

Sizes by one rule: the map has a patch per 4x4 pixels, rounded up. The discriminator halves it until both sides are at
most 4; the generator begins at the map, halved until both sides are at most 8, and doubles back.

Deviations from R3GAN: the networks; a penalty at real pictures only, every eighth step and eight times as heavy; labels
by projection, and real pictures under other labels; the step size rises over the first 8,000 images and falls to 0 over
the last 40 %; both players see the same pictures in a step.
"""

from math import prod, sqrt
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import NonNegativeFloat, PositiveFloat
from torch import Tensor, nn

from condgen import losses
from condgen.config import Adversarial, Depth, Fraction, Images, Repeats, Width, Span
from condgen.nets.condition import LabelEmbedding
from condgen.nets.diffaugment import Augment
from condgen.nets.patches import SIDE, from_patches, grid, to_patches
from condgen.noise import draw
from condgen.spec import Prior, Spec
from condgen.system import Batches, Paper, Player, System, adam, descend, logged

LEAK = 0.2
SMALLEST, LARGEST = 4, 8
"""Sides of the coarsest map that the discriminator ends at, and that the generator begins at, at most."""


class Config(Adversarial):
    """Settings of Swift."""

    images: Images = 240_000
    """Length of the training in images seen; the data set is passed as often as that takes."""
    z_dim: Width = 64
    """Length of the noise vector z."""
    width: Width = 32
    """Channels of both networks' maps; the discriminator's coarsest has twice as many."""
    blocks: Depth = 3
    """Residual convolutions of the generator at its coarsest map; one more per doubling."""
    features: Width = 128
    """Numbers that the discriminator compares with the label's."""
    penalty_weight: NonNegativeFloat = 0.3
    """Weight of R1 (gamma in R3GAN, Eq. 8)."""
    penalty_every: Repeats = 8
    """Steps between two penalties, each so many times as heavy."""
    mismatch: NonNegativeFloat = 0.1
    """Weight of telling a real picture under its own label from the same under another's (Reed et al. 2016)."""
    lr: PositiveFloat = 2e-3
    """Adam's step size, both players, between its rise and its fall."""
    warmup: Span = 8_000
    """Images at the start over which the step size rises in a straight line; without it some seeds stay black long."""
    decay: Fraction = 0.4
    """Share of the training, at its end, over which the step size falls to 0 in a straight line."""
    beta1: Fraction = 0.0
    """Adam's decay of the mean gradient."""
    beta2: Fraction = 0.99
    """Adam's decay of the mean squared gradient."""

    def lr_at(self, images: int) -> float:
        """The step size at `images`: rising to lr, held, and from 1 - fall of the length on falling to 0."""
        risen = min(1.0, (images + self.batch) / self.warmup) if self.warmup else 1.0
        left = max(0.0, 1 - images / self.images)
        return self.lr * risen * (min(1.0, left / self.decay) if self.decay else 1.0)


class Residual(nn.Module):
    """x plus a convolution of it. Each place's channels are normalised first, so maps cannot grow, whatever the step
    size; then z and the label say how much of each channel is let through, and what is added to it."""

    def __init__(self, channels: int, told: int) -> None:
        """told: length of z and the label together."""
        super().__init__()
        self.style = nn.Linear(told, 2 * channels)
        nn.init.normal_(self.style.weight, std=0.1)
        nn.init.zeros_(self.style.bias)
        nn.init.ones_(self.style.bias[:channels])  # at first all is let through as it is
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.normal_(self.conv.weight, std=0.5 / sqrt(9 * channels))
        nn.init.zeros_(self.conv.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, zy: Tensor) -> Tensor:
        scale, shift = self.style(zy)[:, None, None].chunk(2, 3)  # (b, 1, 1, channels)
        h = F.leaky_relu(x, LEAK).permute(0, 2, 3, 1)  # channels are last in memory already
        h = torch.addcmul(shift, F.layer_norm(h, h.shape[3:]), scale).permute(0, 3, 1, 2)
        out: Tensor = self.conv(h).add_(x)
        return out


class Generator(nn.Module):
    """z and the label -> a map of patches by one linear layer, then residual convolutions that hear of both again."""

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__()
        self.spec, self.width = spec, cfg.width
        self.sides = [grid(spec)]
        while max(self.sides[0]) > LARGEST:
            self.sides.insert(0, halved(self.sides[0]))
        told = cfg.z_dim + len(spec.labels)
        self.first = nn.Linear(told, cfg.width * prod(self.sides[0]))
        counts = [cfg.blocks, *(1 for _ in self.sides[1:])]
        self.levels = nn.ModuleList(nn.ModuleList(Residual(cfg.width, told) for _ in range(n)) for n in counts)
        self.last = nn.Conv2d(cfg.width, SIDE**2 * spec.channels, 3, padding=1)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        zy = torch.cat([z, y], 1)
        h = self.first(zy).view(-1, *self.sides[0], self.width).permute(0, 3, 1, 2)
        for sides, level in zip(self.sides, self.levels, strict=True):
            if h.shape[2:] != sides:
                h = F.interpolate(h, scale_factor=2.0)[:, :, : sides[0], : sides[1]]
            for residual in level.children():
                h = residual(h, zy)
        return torch.tanh(from_patches(self.last(F.leaky_relu(h, LEAK)), self.spec))  # (b, c, h, w)


class Discriminator(nn.Module):
    """A map of patches -> features (`look`); their product with the label's is the score."""

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__()
        w, sides = cfg.width, grid(spec)
        convs = [nn.Conv2d(SIDE**2 * spec.channels, w, 3, padding=1), nn.Conv2d(w, w, 3, padding=1)]
        while max(sides) > SMALLEST:
            convs.append(nn.Conv2d(convs[-1].out_channels, 2 * w, 3, stride=2, padding=1))
            sides = halved(sides)
        self.convs = nn.ModuleList(convs)
        self.features = nn.Linear(convs[-1].out_channels * prod(sides), cfg.features)
        self.any = nn.Linear(cfg.features, 1, bias=False)  # a bias would cancel in every difference of scores
        self.label = LabelEmbedding(len(spec.labels), cfg.features)
        nn.init.normal_(self.label.rows.weight, std=1 / sqrt(cfg.features))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.score(self.look(x), y)

    def look(self, x: Tensor) -> Tensor:
        h = to_patches(x)
        for conv in self.convs:
            h = F.leaky_relu_(conv(h), LEAK)
        return F.leaky_relu_(self.features(h.permute(0, 2, 3, 1).flatten(1)), LEAK)  # as it lies in memory: no copy

    def score(self, h: Tensor, y: Tensor) -> Tensor:
        scores: Tensor = self.any(h) + (h * self.label(y)).sum(1, keepdim=True)
        return scores  # (b, 1)


def exchanged(y: Tensor) -> Tensor:
    """The labels of a batch, two and two in each other's place; an odd one out keeps its own.

    Neighbours stay in one process when several share a batch out, so that these play as one would.
    """
    return y[(torch.arange(len(y), device=y.device) ^ 1).clamp(max=len(y) - 1)]


def halved(sides: tuple[int, int]) -> tuple[int, int]:
    return -(-sides[0] // 2), -(-sides[1] // 2)


class Swift(System):
    """min_G max_D E log sigmoid(D(x|y) - D(G(z|y)|y)): R3GAN, Eq. 2, without labels there."""

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
        self.G, self.D = Generator(spec, cfg), Discriminator(spec, cfg)
        optimizer = adam(cfg.lr, (cfg.beta1, cfg.beta2))
        self.T = Augment(spec, cfg)
        self.players = {"g": Player(self.G, optimizer), "d": Player(self.D, optimizer)}

    @property
    def generator(self) -> nn.Module:
        return self.G

    def step(self, batches: Batches, images: int) -> dict[str, Tensor]:
        G, D, T, g, d = self.G, self.D, self.T, self.players["g"], self.players["d"]
        for player in (g, d):
            player.set_lr(self.cfg.lr_at(images))
        x, y = next(batches)
        fake = G(draw(self.prior, len(x), x.device), y)

        penalised = images // self.cfg.batch % self.cfg.penalty_every == 0
        both = torch.cat([x.requires_grad_(penalised), fake.detach()])
        h = D.look(T(both))
        real_scores, fake_scores = D.score(h, torch.cat([y, y])).chunk(2)
        loss_d = whole_loss = losses.says_real(real_scores - fake_scores)
        if penalised:
            weight = self.cfg.penalty_every * self.cfg.penalty_weight / 2
            whole_loss = whole_loss + weight * losses.r1(real_scores, x)
        if self.cfg.mismatch:
            wrong_scores = D.score(h[: len(x)], exchanged(y))
            whole_loss = whole_loss + self.cfg.mismatch * losses.says_real(real_scores - wrong_scores)
        descend((d, whole_loss))

        with torch.no_grad():
            real_scores = D(T(x), y)
        fake_scores = D(T(fake), y)
        loss_g = losses.says_real(fake_scores - real_scores)
        descend((g, loss_g))
        T.adapt(real_scores - fake_scores)
        return logged(loss_g=loss_g, loss_d=loss_d, accuracy_d=(real_scores > fake_scores).float().mean()) | T.logs
