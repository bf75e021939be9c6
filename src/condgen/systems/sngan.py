"""GAN with spectral normalisation and a projection discriminator -- Miyato et al. 2018, arXiv 1802.05957, and Miyato &
Koyama 2018, arXiv 1802.05637.

Residual networks of the first paper, table 4, for 32x32 images. The generator receives the label through conditional
batch norm: each class has its own scale and shift. The discriminator's score is the inner product of the image's
features with an embedding of the label, plus a linear term (second paper, Eq. 3). Every layer of the discriminator has
spectral normalisation, and the loss is the hinge.

Labels: the scales, shifts and embeddings of the attributes that are set are added up. Labels of generated images are
those of the real batch, so that they have the distribution of the data.

Other image sizes: the sides are halved until they are 4 to 7 pixels (nets/strided.py), and G has one block per
doubling. D halves the sides in its first block, and in further ones until both are at most 8; two blocks follow.

Deviations: the default widths are a quarter of the papers' (256 in G, 128 in D), the learning rate is 1e-3 (papers:
    2e-4) and D has two updates per update of G (papers: five), so that two cores can train them; the scales and shifts
    of conditional batch norm are initialised from N(1, 1) and N(0, 1), not 1 and 0, since labels are otherwise
    followed many times later; the batch of an update of G is as large as that of D (papers: twice); the EMA of the
    generator is sampled.
"""

from itertools import pairwise
from math import sqrt
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import PositiveFloat
from torch import Tensor, nn

from condgen import losses
from condgen.config import Adversarial, Fraction, Images, Repeats, Width
from condgen.nets.condition import Projection
from condgen.nets.diffaugment import Augment
from condgen.nets.residual import Down, Up
from condgen.nets.spectral import SpectralLinear
from condgen.nets.strided import pyramid
from condgen.noise import draw
from condgen.spec import Prior, Spec
from condgen.system import Batches, Paper, Player, System, accuracy, adam, descend, logged

LARGEST = 8
"""Largest side of the discriminator's last feature map."""


class Config(Adversarial):
    """Settings of the GAN with spectral normalisation. The papers': width 256, width_d 128, d_steps 5, lr 2e-4, images
    16,000,000."""

    images: Images = 2_000_000
    """Training length, in images shown to the discriminator."""
    z_dim: Width = 128
    """Dimension of the latent vector z."""
    width: Width = 64
    """Channels of the generator's feature maps."""
    width_d: Width = 32
    """Channels of the discriminator's feature maps."""
    d_steps: Repeats = 2
    """Discriminator updates per generator update."""
    lr: PositiveFloat = 1e-3
    """Learning rate of both networks at the start (Adam). It decays linearly to 0 over the training."""
    beta1: Fraction = 0.0
    """Adam's beta1, for both networks."""
    beta2: Fraction = 0.9
    """Adam's beta2, for both networks."""

    def lr_at(self, images: int) -> float:
        """The learning rate after `images`."""
        return self.lr * max(0.0, 1 - images / self.images)


class Generator(nn.Module):
    """z -> a map of low resolution by one linear layer, then residual blocks that receive the label."""

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__()
        halvings, base = pyramid(spec)
        self.first = nn.Sequential(nn.Linear(cfg.z_dim, cfg.width * base[0] * base[1]))
        self.first.append(nn.Unflatten(1, (cfg.width, *base)))
        self.blocks = nn.ModuleList(Up(cfg.width, cfg.width, len(spec.labels)) for _ in range(halvings))
        self.norm, self.last = nn.BatchNorm2d(cfg.width), nn.Conv2d(cfg.width, spec.channels, 3, padding=1)
        self.apply(start)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        x = self.first(z)
        for block in self.blocks:
            x = block(x, y)
        return torch.tanh(self.last(F.relu(self.norm(x))))  # (b, c, h, w)


class Discriminator(nn.Module):
    """Image -> features, summed over all positions -> score of image and label (b, 1)."""

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__()
        side, halvings = max(spec.shape[1:]) // 2, 1
        while side > LARGEST:
            side, halvings = side // 2, halvings + 1
        maps = [spec.channels, *[cfg.width_d] * (halvings + 2)]
        blocks = [Down(a, b, n < halvings, n == 0) for n, (a, b) in enumerate(pairwise(maps))]
        self.blocks = nn.Sequential(*blocks)
        self.score = Projection(cfg.width_d, len(spec.labels), SpectralLinear)
        self.apply(start)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        scores: Tensor = self.score(F.relu(self.blocks(x)).sum((2, 3)), y)
        return scores  # (b, 1)


def start(layer: nn.Module) -> None:
    """Glorot uniform weights, with a gain of sqrt(2) for kernels of 3, and zero biases, as in the papers' code."""
    if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
        nn.init.xavier_uniform_(layer.weight, sqrt(2) if getattr(layer, "kernel_size", 1) == (3, 3) else 1.0)
        nn.init.zeros_(layer.bias)


class SNGAN(System):
    """D minimises E max(0, 1 - D(x|y)) + E max(0, 1 + D(G(z|y)|y)), G minimises -E D(G(z|y)|y) (first paper, Eq. 16
    and 17)."""

    paper: ClassVar = Paper(
        "Miyato & Koyama 2018, arXiv 1802.05637",
        """@inproceedings{miyato2018spectral,
  title     = {Spectral Normalization for Generative Adversarial Networks},
  author    = {Miyato, Takeru and Kataoka, Toshiki and Koyama, Masanori and Yoshida, Yuichi},
  booktitle = {International Conference on Learning Representations},
  year      = {2018}
}
@inproceedings{miyato2018cgans,
  title     = {{cGANs} with Projection Discriminator},
  author    = {Miyato, Takeru and Koyama, Masanori},
  booktitle = {International Conference on Learning Representations},
  year      = {2018}
}""",
    )

    cfg: Config

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__(spec, cfg)
        self.batches_per_step = cfg.d_steps
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
        for _ in range(self.cfg.d_steps):
            x, y = next(batches)
            with torch.no_grad():
                fake = G(draw(self.prior, len(x), x.device), y)
            # one pass is enough: no layer of D mixes images
            real_scores, fake_scores = D(T(torch.cat([x, fake])), torch.cat([y, y])).chunk(2)
            loss_d = losses.hinge_real(real_scores) + losses.hinge_fake(fake_scores)
            descend((d, loss_d))

        loss_g = -D(T(G(draw(self.prior, len(x), x.device), y)), y).mean()
        descend((g, loss_g))
        T.adapt(real_scores)

        right = accuracy(real_scores, fake_scores)
        return logged(loss_g=loss_g, loss_d=loss_d, accuracy_d=right) | T.logs
