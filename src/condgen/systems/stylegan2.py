"""StyleGAN2 with adaptive discriminator augmentation, small: a system outside condgen that the benchmarks compare with.

    PYTHONPATH=benchmarks condgen train peers.stylegan2_ada:StyleGAN2 --data X --minutes 10

Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", arXiv 1912.04958 (StyleGAN2), and Karras et
al. 2020, "Training Generative Adversarial Networks with Limited Data", arXiv 2006.06676 (ADA). Written from the papers:
mapping network, modulated and demodulated convolutions, skip generator, residual discriminator with the standard
deviation of the minibatch, equalised learning rate, non-saturating loss, lazy R1, EMA, class conditioning, ADA with
target 0.6. As ADA does for CIFAR-10: a mapping network of two layers, no path length regularisation, no style mixing.

Deviations: at most 128 channels and 128 units, since it has to learn within minutes on two cores; no noise inputs, as
    images of condgen are functions of z and y; z is not normalised, so that truncation acts on z; the transforms of
    DiffAugment (nets/diffaugment.py); R1 is part of the discriminator's step, so that Adam needs no other rates; the
    score is the projection of Miyato & Koyama 2018 (arXiv 1802.05637, Eq. 3), as a label may be no attribute at all.
"""

from itertools import pairwise
from math import gcd, sqrt
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import PositiveFloat
from torch import Tensor, nn

from condgen import losses
from condgen.config import Adversarial, Batch, Depth, Images, Repeats, Width
from condgen.nets.diffaugment import Augment
from condgen.nets.strided import pyramid
from condgen.nets.twice import TwiceDifferentiable
from condgen.noise import draw
from condgen.spec import Prior, Spec
from condgen.system import Batches, Paper, Player, System, adam, descend, logged

LEAK, GAIN = 0.2, sqrt(2)
"""Slope of LeakyReLU, and the factor after it that keeps the variance."""
SLOWER = 0.01
"""Learning rate of the mapping network, relative to the others (StyleGAN, arXiv 1812.04948, appendix C)."""
GROUP = 4
"""Images whose standard deviation the discriminator sees (StyleGAN2, appendix B)."""
TINY = 1e-8


class Config(Adversarial):
    """Settings of the small StyleGAN2-ADA."""

    batch: Batch = 32
    """Batch size, in images."""
    augmentation: Literal["none", "diff", "adaptive"] = "adaptive"
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


class Linear(nn.Module):
    """A linear layer whose weights are N(0, 1) and are scaled when they are used (equalised learning rate)."""

    def __init__(self, inputs: int, outputs: int, *, rate: float = 1.0, bias: float = 0.0) -> None:
        """rate: learning rate relative to the others. bias: initial value."""
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full([outputs], bias / rate))
        self.scale, self.rate = rate / sqrt(inputs), rate

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.scale, self.bias * self.rate)


class Conv2d(nn.Module):
    """A convolution with equalised learning rate that keeps the resolution, or halves it after a blur."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, bias: bool = True, halves: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale, self.kernel, self.halves = 1 / sqrt(inputs * kernel**2), kernel, halves

    def forward(self, x: Tensor) -> Tensor:
        if self.halves:
            return F.conv2d(blur(x, (self.kernel + 1) // 2), self.weight * self.scale, self.bias, stride=2)
        return F.conv2d(x, self.weight * self.scale, self.bias, padding=self.kernel // 2)


class ModulatedConv2d(nn.Module):
    """A convolution whose input channels are scaled by styles, one set per image (StyleGAN2, Eq. 1 to 3).

    Scaling the input by s and the output by 1 / sigma equals a convolution with the weights of each image, since the
    convolution is linear.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, w_dim: int, *, demodulates: bool = True, doubles: bool = False
    ) -> None:
        super().__init__()
        self.style = Linear(w_dim, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale, self.kernel = 1 / sqrt(inputs * kernel**2), kernel
        self.demodulates, self.doubles = demodulates, doubles

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        return self.modulated(x, self.style(w))

    def modulated(self, x: Tensor, styles: Tensor) -> Tensor:
        """x (b, inputs, h, w), styles (b, inputs) -> (b, outputs, h, w), or twice the sides."""
        weight = self.weight * self.scale
        scaled = x * styles[:, :, None, None]
        if self.doubles:
            out = blur(F.conv_transpose2d(scaled, weight.transpose(0, 1), stride=2), 1, gain=4)
        else:
            out = F.conv2d(scaled, weight, padding=self.kernel // 2)
        if self.demodulates:
            energy = F.linear(styles.square(), weight.square().sum((2, 3)))  # (b, outputs)
            out = out * (energy + TINY).rsqrt()[:, :, None, None]
        return out + self.bias[:, None, None]


class Generator(nn.Module):
    """Mapping of z and the label to a style w; two convolutions per resolution; the images of all resolutions are
    added up (skip generator, StyleGAN2, figure 7b)."""

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__()
        halvings, base = pyramid(spec)
        maps, dim = channels(halvings, cfg), cfg.z_dim
        self.embedding = Linear(len(spec.labels), dim)
        sizes = [2 * dim, *[dim] * cfg.mapping_layers]
        self.mapping = nn.ModuleList(Linear(one, other, rate=SLOWER) for one, other in pairwise(sizes))
        self.constant = nn.Parameter(torch.randn(1, maps[0], *base))
        self.first = ModulatedConv2d(maps[0], maps[0], 3, dim)
        self.up = nn.ModuleList(ModulatedConv2d(one, two, 3, dim, doubles=True) for one, two in pairwise(maps))
        self.keep = nn.ModuleList(ModulatedConv2d(many, many, 3, dim) for many in maps[1:])
        self.to_image = nn.ModuleList(ModulatedConv2d(m, spec.channels, 1, dim, demodulates=False) for m in maps)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        w = torch.cat([z, normalised(self.embedding(y))], 1)
        for layer in self.mapping:
            w = active(layer(w))
        x = active(self.first(self.constant.expand(len(z), -1, -1, -1), w))
        image = self.to_image[0](x, w)
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
        self.from_image = Conv2d(spec.channels, maps[0], 1)
        self.blocks = nn.ModuleList(Block(one, other) for one, other in pairwise(maps))
        self.last = Conv2d(maps[-1] + 1, maps[-1], 3)
        self.features = Linear(maps[-1] * base[0] * base[1], maps[-1])
        self.score, self.embedding = Linear(maps[-1], 1), Linear(len(spec.labels), maps[-1])

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        x = active(self.from_image(x))
        for block in self.blocks:
            x = block(x)
        x = active(self.last(torch.cat([x, spread(x)], 1)))
        f = active(self.features(x.flatten(1)))
        projection = (f * normalised(self.embedding(y))).sum(1, keepdim=True) / sqrt(f.shape[1])
        logits: Tensor = self.score(f) + projection
        return logits  # (b, 1)


class Block(nn.Module):
    """Two convolutions beside a linear shortcut; the resolution is halved."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.one, self.two = Conv2d(inputs, inputs, 3), Conv2d(inputs, outputs, 3, halves=True)
        self.shortcut = Conv2d(inputs, outputs, 1, bias=False, halves=True)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = active(self.two(active(self.one(x)))) + self.shortcut(x)
        return y / sqrt(2)


def channels(halvings: int, cfg: Config) -> list[int]:
    """Channels from the lowest resolution to that of the images: 3 halvings, 16, 128 -> [128, 64, 32, 16]."""
    return [min(cfg.width * 2**level, cfg.most) for level in reversed(range(halvings + 1))]


def active(x: Tensor) -> Tensor:
    return F.leaky_relu(x, LEAK) * GAIN


def normalised(x: Tensor) -> Tensor:
    """Vectors (b, n) with a mean square of 1."""
    return x * (x.square().mean(1, keepdim=True) + TINY).rsqrt()


def blur(x: Tensor, padding: int, gain: float = 1.0) -> Tensor:
    """Low-pass filter of [1, 3, 3, 1] along both axes, times `gain`."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], device=x.device, dtype=x.dtype) / 8
    kernel = (gain * taps[:, None] * taps).expand(x.shape[1], 1, 4, 4)
    return F.conv2d(x, kernel, padding=padding, groups=x.shape[1])


def enlarged(x: Tensor) -> Tensor:
    """Images with twice the sides; the filter is [1, 3, 3, 1] too."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def spread(x: Tensor) -> Tensor:
    """A map (b, 1, h, w) with the standard deviation of the features over a group of images, in the mean over features
    and positions. A batch is divided into groups of 4, or of the largest divisor of 4 that divides it."""
    groups = x.view(gcd(len(x), GROUP), -1, *x.shape[1:])  # (images of a group, groups, c, h, w)
    deviation = (groups.var(0, unbiased=False) + TINY).sqrt().mean((1, 2, 3))  # (groups,)
    return deviation.repeat(len(groups))[:, None, None, None].expand(-1, 1, *x.shape[2:])


class StyleGAN2(System):
    """The non-saturating GAN of Goodfellow et al. 2014 with R1 on real images, and ADA."""

    paper: ClassVar = Paper(
        "Karras et al. 2020, arXiv 2006.06676",
        """@inproceedings{karras2020training,
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

        right = torch.cat([real_logits > 0, fake_logits < 0]).float().mean()
        return logged(loss_g=loss_g, loss_d=loss_d, accuracy_d=right) | T.logs

    def penalised(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of augmented real images (b, 1), and R1 at these images before the augmentation."""
        x = x.detach().requires_grad_()
        with TwiceDifferentiable():
            logits = self.D(self.T(x), y)
        return logits, losses.r1(logits, x)
