"""One GAN whose only choice is how the label enters the generator and the discriminator (benchmarks/conditioning.py).

    PYTHONPATH=benchmarks condgen train backbone:Wired --g batch-norm --d projection --data X --minutes 10

Convolutional networks with a common trunk, the non-saturating loss and R1 in every eighth step. Everything that does
not concern the label is equal in all combinations, but for `modulation`, whose demodulation takes the place of batch
norm, as in StyleGAN2.
"""

from itertools import pairwise
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import NonNegativeFloat, PositiveFloat
from torch import Tensor, nn

from condgen import losses
from condgen.config import Adversarial, Width
from condgen.nets.condition import ConditionalBatchNorm2d, LabelEmbedding, PlanesConv2d, Projection
from condgen.nets.diffaugment import Augment
from condgen.nets.equalized import ModulatedConv2d
from condgen.nets.maxout import Maxout
from condgen.nets.strided import channels, pyramid
from condgen.noise import draw
from condgen.spec import Prior, Spec
from condgen.system import Batches, Paper, Player, System, adam, descend, logged

LEAK = 0.2
EVERY = 8
"""Steps between two R1 penalties, each of which is so many times as heavy."""


class Config(Adversarial):
    """Settings of the common backbone."""

    g: Literal["concatenation", "multiplication", "batch-norm", "modulation"] = "concatenation"
    """How the label enters the generator: its embedding is concatenated to or multiplied with z; it sets scale and
    shift of batch norm; or it scales the input channels of the convolutions."""
    d: Literal["concatenation", "multiplication", "maxout", "planes", "auxiliary", "projection"] = "projection"
    """How the label enters the discriminator: its embedding is concatenated to or multiplied with the features; both
    are joined by maxout; label planes are concatenated to the image; a second head predicts the label; or its
    embedding has an inner product with the features."""
    z_dim: Width = 64
    """Dimension of the latent vector z, and of the label's embedding in the generator."""
    width: Width = 32
    """Channels of the feature maps with the highest resolution."""
    features: Width = 128
    """Dimension of the discriminator's image features."""
    penalty_weight: NonNegativeFloat = 0.3
    """Weight of R1."""
    lr: PositiveFloat = 1e-3
    """Learning rate of both networks (Adam, betas 0 and 0.99)."""


class Concatenated(nn.Module):
    """z and the label's embedding, side by side."""

    def __init__(self, z_dim: int, labels: int) -> None:
        super().__init__()
        self.label, self.size = LabelEmbedding(labels, z_dim), 2 * z_dim

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return torch.cat([z, self.label(y)], 1)


class Multiplied(nn.Module):
    """z times the label's embedding."""

    def __init__(self, z_dim: int, labels: int) -> None:
        super().__init__()
        self.label, self.size = LabelEmbedding(labels, z_dim), z_dim

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return z * self.label(y)


class Unlabelled(nn.Module):
    """z alone: the label enters later."""

    def __init__(self, z_dim: int, labels: int) -> None:
        super().__init__()
        self.size = z_dim

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return z


class Plain(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, labels: int) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x)))


class Normed(nn.Module):
    """Convolution, conditional batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, labels: int) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(inputs, outputs, 3, padding=1), ConditionalBatchNorm2d(outputs, labels)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x), y))


class Modulated(nn.Module):
    """Convolution modulated by the label's embedding, ReLU."""

    def __init__(self, inputs: int, outputs: int, labels: int) -> None:
        super().__init__()
        self.label, self.conv = LabelEmbedding(labels, inputs), ModulatedConv2d(inputs, outputs, 3, inputs)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.relu(self.conv(x, self.label(y)))


G_WAYS: dict[str, tuple[type[nn.Module], type[nn.Module]]] = {
    "concatenation": (Concatenated, Plain),
    "multiplication": (Multiplied, Plain),
    "batch-norm": (Unlabelled, Normed),
    "modulation": (Unlabelled, Modulated),
}
"""What joins z and label, and the blocks."""


class Generator(nn.Module):
    """z and label -> a map of low resolution by one linear layer, then a block for each doubling of the sides."""

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__()
        halvings, base = pyramid(spec)
        join, block = G_WAYS[cfg.g]
        maps = [*channels(halvings, cfg.width), cfg.width]
        self.join = join(cfg.z_dim, len(spec.labels))
        self.first = nn.Sequential(nn.Linear(self.join.size, maps[0] * base[0] * base[1]))
        self.first.append(nn.Unflatten(1, (maps[0], *base)))
        self.blocks = nn.ModuleList(block(a, b, len(spec.labels)) for a, b in pairwise(maps))
        self.last = nn.Conv2d(maps[-1], spec.channels, 3, padding=1)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        x = self.first(self.join(z, y))
        for block in self.blocks:
            x = block(F.interpolate(x, scale_factor=2.0), y)
        return torch.tanh(self.last(x))


class Head(nn.Module):
    """Features h (b, n) and label y (b, K) -> score (b, 1). This one ignores the label."""

    def __init__(self, n: int, labels: int) -> None:
        super().__init__()
        self.score = nn.Linear(n, 1)

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        score: Tensor = self.score(h)
        return score

    def label_loss(self, h: Tensor, y: Tensor, spec: Spec) -> Tensor:
        """What an auxiliary classifier adds to the losses of both networks."""
        return h.new_zeros(())


class Joined(Head):
    """The label's embedding is concatenated to the features; a hidden layer joins them."""

    def __init__(self, n: int, labels: int) -> None:
        super().__init__(n, labels)
        self.label, self.hidden = LabelEmbedding(labels, n), nn.Linear(2 * n, n)

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        return super().forward(F.leaky_relu(self.hidden(torch.cat([h, self.label(y)], 1)), LEAK), y)


class Times(Head):
    """The features are multiplied with the label's embedding, then pass a hidden layer."""

    def __init__(self, n: int, labels: int) -> None:
        super().__init__(n, labels)
        self.label, self.hidden = LabelEmbedding(labels, n), nn.Linear(n, n)

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        return super().forward(F.leaky_relu(self.hidden(h * self.label(y)), LEAK), y)


class Maxed(Head):
    """Maxout layers of features and label, joined by another (Mirza & Osindero 2014, section 4.1)."""

    def __init__(self, n: int, labels: int) -> None:
        super().__init__(n, labels)
        self.from_h, self.from_y = Maxout(n, n, 5, std=n**-0.5), Maxout(labels, n, 5, std=1.0)
        self.joint = Maxout(2 * n, n, 4, std=(2 * n) ** -0.5)

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        return super().forward(self.joint(torch.cat([self.from_h(h), self.from_y(y)], 1)), y)


class Auxiliary(Head):
    """A second head predicts the label (Odena et al. 2017)."""

    def __init__(self, n: int, labels: int) -> None:
        super().__init__(n, labels)
        self.classes = nn.Linear(n, labels)

    def label_loss(self, h: Tensor, y: Tensor, spec: Spec) -> Tensor:
        return losses.says_label(self.classes(h), y, spec.labels.kind)


class Projected(Head):
    """An inner product with the label's embedding is added (Miyato & Koyama 2018)."""

    def __init__(self, n: int, labels: int) -> None:
        super().__init__(n, labels)
        self.score = Projection(n, labels)  # type: ignore[assignment]

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        score: Tensor = self.score(h, y)
        return score


D_WAYS: dict[str, type[Head]] = {
    "concatenation": Joined, "multiplication": Times, "maxout": Maxed, "planes": Head, "auxiliary": Auxiliary,
    "projection": Projected,
}  # fmt: skip


class Discriminator(nn.Module):
    """Image -> features by a convolution for each halving of the sides; a head makes the score of them."""

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__()
        halvings, base = pyramid(spec)
        maps = channels(halvings, cfg.width)[::-1]
        self.planes = cfg.d == "planes"
        inputs = spec.channels + (len(spec.labels) if self.planes else 0)
        self.first = (PlanesConv2d if self.planes else nn.Conv2d)(inputs, maps[0], 4, 2, 1)
        layers: list[nn.Module] = [nn.LeakyReLU(LEAK)]
        for fine, coarse in pairwise(maps):
            layers += [nn.Conv2d(fine, coarse, 4, 2, 1), nn.LeakyReLU(LEAK)]
        last = nn.Linear(maps[-1] * base[0] * base[1], cfg.features)
        self.body = nn.Sequential(*layers, nn.Flatten(), last, nn.LeakyReLU(LEAK))
        self.head = D_WAYS[cfg.d](cfg.features, len(spec.labels))

    def features(self, x: Tensor, y: Tensor) -> Tensor:
        h: Tensor = self.body(self.first(x, y) if self.planes else self.first(x))
        return h


class Wired(System):
    """The non-saturating GAN with R1 on real images, and the loss of an auxiliary classifier if there is one."""

    paper: ClassVar = Paper("condgen's benchmark of conditioning", "")
    cfg: Config

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__(spec, cfg)
        self.prior = Prior(cfg.z_dim)
        self.G, self.D, self.T = Generator(spec, cfg), Discriminator(spec, cfg), Augment(spec, cfg)
        optimizer = adam(cfg.lr, (0.0, 0.99))
        self.players = {"g": Player(self.G, optimizer), "d": Player(self.D, optimizer)}

    @property
    def generator(self) -> nn.Module:
        return self.G

    def step(self, batches: Batches, images: int) -> dict[str, Tensor]:
        G, D, T, g, d = self.G, self.D, self.T, self.players["g"], self.players["d"]
        x, y = next(batches)
        fake, twice = G(draw(self.prior, len(x), x.device), y), torch.cat([y, y])
        penalised = images // self.cfg.batch % EVERY == 0
        h = D.features(T(torch.cat([x.requires_grad_(penalised), fake.detach()])), twice)
        real_logits, fake_logits = D.head(h, twice).chunk(2)
        loss_d = (losses.says_real(real_logits) + losses.says_fake(fake_logits)) / 2
        loss_d = loss_d + D.head.label_loss(h, twice, self.spec)
        penalty = losses.r1(real_logits, x) if penalised else x.new_zeros(())
        descend((d, loss_d + EVERY * self.cfg.penalty_weight / 2 * penalty))

        h = D.features(T(fake), y)
        loss_g = losses.says_real(D.head(h, y)) + D.head.label_loss(h, y, self.spec)
        descend((g, loss_g))
        T.adapt(real_logits)
        return logged(loss_g=loss_g, loss_d=loss_d) | T.logs
