"""StyleGAN2 with adaptive discriminator augmentation -- Karras et al. 2020, arXiv 1912.04958 (StyleGAN2), and Karras
et al. 2020, arXiv 2006.06676 (ADA).

A mapping network turns z and the label's embedding into a style w, which scales the input channels of every
convolution of the generator; the images of all resolutions are added up (skip generator). The discriminator has
residual blocks and sees the standard deviation of the minibatch; its score is a linear term plus a projection onto the
label's embedding. Non-saturating loss, R1 every sixteenth step, augmentation with a probability that follows the
overfitting of the discriminator. As ADA does for CIFAR-10: a mapping network of two layers, no path length
regularisation, no style mixing.

Labels: the embeddings of the attributes that are set are added up. Image sizes: the sides are halved until they are 4
to 7 pixels (nets/strided.py); the channels double with each halving, up to `most`.

Deviations: at most 128 channels and styles of 128 units (paper: 512), so that two cores can train it; no noise inputs,
    as images of condgen are functions of z and y; z is not normalised, so that truncation acts on z; the transforms of
    DiffAugment (nets/diffaugment.py); R1 is part of the discriminator's step, so that Adam needs no other rates; the
    embeddings of labels have no bias; the linear term of the score (Miyato & Koyama 2018, arXiv 1802.05637, Eq. 3),
    as a label may be no attribute at all.
"""

from itertools import pairwise
from math import gcd, sqrt
from typing import ClassVar, Literal

import torch
from pydantic import PositiveFloat
from torch import Tensor, nn

from condgen import losses
from condgen.config import Adversarial, Batch, Depth, Images, Repeats, Width
from condgen.nets.condition import LabelEmbedding
from condgen.nets.diffaugment import Augment
from condgen.nets.equalized import EqualConv2d, EqualLinear, ModulatedConv2d, active, enlarged, normalised, spread
from condgen.nets.strided import pyramid
from condgen.nets.twice import TwiceDifferentiable
from condgen.noise import draw
from condgen.spec import Prior, Spec
from condgen.system import Batches, Paper, Player, System, accuracy, adam, descend, logged

SLOWER = 0.01
"""Learning rate of the mapping network, relative to the others (StyleGAN, arXiv 1812.04948, appendix C)."""
GROUP = 4
"""Images whose standard deviation the discriminator sees; fewer if the batch is not divisible by it."""


class Config(Adversarial):
    """Settings of StyleGAN2. The paper's networks at 256x256: z_dim 512, mapping_layers 8, width 128, most 512."""

    images: Images = 1_000_000
    """Training length, in images shown to the discriminator."""
    batch: Batch = 32
    """Batch size, in images."""
    augmentation: Literal["none", "diff", "adaptive"] | None = "adaptive"
    """Augmentation of the discriminator's input; ADA's is adaptive."""
    ada_images: Images = 500_000
    """Images after which the probability of an augmentation can have risen from 0 to 1."""
    z_dim: Width = 128
    """Dimension of the latent vector z, of the embedding of the label and of the style w."""
    mapping_layers: Depth = 2
    """Layers of the mapping network."""
    width: Width = 16
    """Channels of the feature map with the highest resolution. Their number doubles with each halving."""
    most: Width = 128
    """Largest number of channels."""
    r1_base: PositiveFloat = 2e-4
    """Weight of R1 for one pixel per image of the batch: the weight is this number times pixels / batch."""
    penalty_every: Repeats = 16
    """Steps between two penalties (lazy regularisation). The weight is multiplied by the same number."""
    lr: PositiveFloat = 2.5e-3
    """Learning rate of both networks (Adam)."""


class Generator(nn.Module):
    """Mapping of z and the label to a style w; two convolutions per resolution; the images of all resolutions are
    added up (skip generator, StyleGAN2, figure 7b)."""

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__()
        halvings, base = pyramid(spec)
        maps, dim = channels(halvings, cfg), cfg.z_dim
        self.embedding = LabelEmbedding(len(spec.labels), dim)
        sizes = [2 * dim, *[dim] * cfg.mapping_layers]
        self.mapping = nn.ModuleList(EqualLinear(one, other, rate=SLOWER) for one, other in pairwise(sizes))
        self.constant = nn.Parameter(torch.empty(1, maps[0], *base).normal_())
        self.first = ModulatedConv2d(maps[0], maps[0], 3, dim)
        self.up = nn.ModuleList(ModulatedConv2d(one, two, 3, dim, doubles=True) for one, two in pairwise(maps))
        self.keep = nn.ModuleList(ModulatedConv2d(many, many, 3, dim) for many in maps[1:])
        self.to_image = nn.ModuleList(ModulatedConv2d(m, spec.channels, 1, dim, demodulates=False) for m in maps)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        w = torch.cat([z, normalised(self.embedding(y))], 1)
        for layer in self.mapping:
            w = active(layer(w))
        x = active(self.first(self.constant.expand(z.shape[0], -1, -1, -1), w))
        image: Tensor = self.to_image[0](x, w)
        for up, keep, to_image in zip(self.up, self.keep, self.to_image[1:], strict=True):
            x = active(keep(active(up(x, w)), w))
            image = enlarged(image) + to_image(x, w)
        return image if self.training else image.clamp(-1, 1)  # (b, c, h, w)


class Discriminator(nn.Module):
    """Residual blocks (StyleGAN2, figure 7c), the standard deviation of the minibatch, a score of image and label."""

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__()
        halvings, base = pyramid(spec)
        maps = channels(halvings, cfg)[::-1]
        self.from_image = EqualConv2d(spec.channels, maps[0], 1)
        self.blocks = nn.ModuleList(Block(one, other) for one, other in pairwise(maps))
        self.last = EqualConv2d(maps[-1] + 1, maps[-1], 3)
        self.features = EqualLinear(maps[-1] * base[0] * base[1], maps[-1])
        self.score, self.embedding = EqualLinear(maps[-1], 1), LabelEmbedding(len(spec.labels), maps[-1])

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        x = active(self.from_image(x))
        for block in self.blocks:
            x = block(x)
        x = active(self.last(torch.cat([x, spread(x, gcd(len(x), GROUP))], 1)))
        f = active(self.features(x.flatten(1)))
        projection = (f * normalised(self.embedding(y))).sum(1, keepdim=True) / sqrt(f.shape[1])
        logits: Tensor = self.score(f) + projection
        return logits  # (b, 1)


class Block(nn.Module):
    """Two convolutions beside a linear shortcut; the resolution is halved."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.one, self.two = EqualConv2d(inputs, inputs, 3), EqualConv2d(inputs, outputs, 3, halves=True)
        self.shortcut = EqualConv2d(inputs, outputs, 1, bias=False, halves=True)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = (active(self.two(active(self.one(x)))) + self.shortcut(x)) / sqrt(2)
        return out


def channels(halvings: int, cfg: Config) -> list[int]:
    """Channels from the lowest resolution to that of the images: 3 halvings, 16, 128 -> [128, 64, 32, 16]."""
    return [min(cfg.width * 2**level, cfg.most) for level in reversed(range(halvings + 1))]


class StyleGAN2(System):
    """The non-saturating GAN of Goodfellow et al. 2014 with R1 on real images, and ADA."""

    paper: ClassVar = Paper(
        "Karras et al. 2020, arXiv 2006.06676",
        """@inproceedings{karras2020analyzing,
  title     = {Analyzing and Improving the Image Quality of {StyleGAN}},
  author    = {Karras, Tero and Laine, Samuli and Aittala, Miika and Hellsten, Janne and Lehtinen, Jaakko and
               Aila, Timo},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition},
  year      = {2020}
}
@inproceedings{karras2020training,
  title     = {Training Generative Adversarial Networks with Limited Data},
  author    = {Karras, Tero and Aittala, Miika and Hellsten, Janne and Laine, Samuli and Lehtinen, Jaakko and
               Aila, Timo},
  booktitle = {Advances in Neural Information Processing Systems 33},
  year      = {2020}
}""",
    )

    cfg: Config

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__(spec, cfg)
        self.prior = Prior(cfg.z_dim)
        self.G, self.D, self.T = Generator(spec, cfg), Discriminator(spec, cfg), Augment(spec, cfg)
        optimizer = adam(cfg.lr, (0.0, 0.99))
        self.players = {"g": Player(self.G, optimizer), "d": Player(self.D, optimizer)}
        self.r1_weight = cfg.r1_base * spec.shape[1] * spec.shape[2] / cfg.batch
        """ADA, appendix C."""

    @property
    def generator(self) -> nn.Module:
        return self.G

    def step(self, batches: Batches, images: int) -> dict[str, Tensor]:
        G, D, T, g, d = self.G, self.D, self.T, self.players["g"], self.players["d"]
        x, y = next(batches)
        with torch.no_grad():
            fake = G(draw(self.prior, len(x), x.device), y)
        penalised = images // self.cfg.batch % self.cfg.penalty_every == 0
        real_logits, penalty = self.penalised(x, y) if penalised else (D(T(x), y), torch.zeros((), device=x.device))
        fake_logits = D(T(fake), y)
        loss_d = losses.says_real(real_logits) + losses.says_fake(fake_logits)
        descend((d, loss_d + self.cfg.penalty_every * self.r1_weight / 2 * penalty))

        loss_g = losses.says_real(D(T(G(draw(self.prior, len(x), x.device), y)), y))
        descend((g, loss_g))
        T.adapt(real_logits)

        right = accuracy(real_logits, fake_logits)
        return logged(loss_g=loss_g, loss_d=loss_d, accuracy_d=right) | T.logs

    def penalised(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of augmented real images (b, 1), and R1 at these images before the augmentation."""
        x = x.detach().requires_grad_()
        with TwiceDifferentiable():
            logits = self.D(self.T(x), y)
        return logits, losses.r1(logits, x)
