"""BigGAN -- Brock, Donahue & Simonyan 2019, arXiv 1809.11096, for images up to 256x256.

Residual networks with spectral normalisation in both, and self-attention (appendix B). The label is embedded once,
and the embedding is shared by all conditional batch norms of the generator. z is hierarchical: it is split into one
part for the first layer and one for each block, which is concatenated to the embedding. The generator's filters are
kept nearly orthogonal (Eq. 3). The discriminator is a projection discriminator with the hinge loss.

Labels: the embeddings of the attributes that are set are added up. Labels of generated images are those of the real
batch, so that they have the distribution of the data.

Image sizes: the sides are halved until they are 4 to 7 pixels (nets/strided.py). G has one block per doubling, with
16, 8, 4, 2, 1 times `width` channels from low to high resolution, so that small images omit the last ones; D has one
block per halving, with 1, 2, 4, 8, 16 times `width_d`, and one more. At 256x256 a block with factor 8 is added.
Self-attention is at half the resolution, which is 64x64 for the 128x128 of the paper, and at most at 64x64.

Deviations: `width` is 4 and `width_d` 16 (paper: 96 both) and the batch 64 (paper: 2048), so that two cores can train
    it; both learning rates are 1e-3 (paper: 5e-5 in G and 2e-4 in D);
    images are generated with running averages of batch norm, as in the other systems, not with statistics collected
    afterwards; the half-life of the EMA of the generator is that of all systems, not a decay of 0.9999 per step.
"""

from itertools import pairwise
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import NonNegativeFloat, PositiveFloat
from torch import Tensor, nn

from condgen import losses
from condgen.config import Adversarial, Fraction, Images, Repeats, Width
from condgen.nets.attention import SelfAttention
from condgen.nets.condition import LabelEmbedding, Projection
from condgen.nets.diffaugment import Augment
from condgen.nets.residual import Down, Up
from condgen.nets.spectral import SpectralConv2d, SpectralLinear
from condgen.nets.strided import pyramid
from condgen.noise import draw
from condgen.spec import Prior, Spec
from condgen.system import Batches, Paper, Player, System, accuracy, adam, descend, logged

FACTORS = (16, 8, 4, 2, 1)
LARGE_FACTORS = (16, 8, 8, 4, 2, 1)
"""Channels of the generator's blocks, in multiples of `width`; the second row for 256x256."""
LARGEST = 64
"""Largest side of a feature map with self-attention."""


class Config(Adversarial):
    """Settings of BigGAN. The paper's networks: width and width_d 96, batch 2048."""

    images: Images = 2_000_000
    """Training length, in images shown to the discriminator."""
    z_part: Width = 20
    """Dimension of each part of z. There is one for the first layer and one per block of the generator."""
    embedding: Width = 128
    """Dimension of the label embedding that all blocks of the generator share."""
    width: Width = 4
    """Channels of the generator at a resolution of 128x128. Lower resolutions have 2, 4, 8 and 16 times as many."""
    width_d: Width = 16
    """Channels of the discriminator's first block. The following ones have 2, 4, 8 and 16 times as many."""
    d_steps: Repeats = 2
    """Discriminator updates per generator update."""
    orthogonality: NonNegativeFloat = 1e-4
    """Weight of the orthogonal regularisation of the generator (beta in Eq. 3)."""
    lr_g: PositiveFloat = 1e-3
    """Learning rate of the generator (Adam)."""
    lr_d: PositiveFloat = 1e-3
    """Learning rate of the discriminator (Adam)."""
    beta1: Fraction = 0.0
    """Adam's beta1, for both networks."""
    beta2: Fraction = 0.999
    """Adam's beta2, for both networks."""


class Generator(nn.Module):
    """z in parts and the embedded label -> images. The first part of z makes a map of low resolution."""

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__()
        halvings, base = pyramid(spec)
        self.part = cfg.z_part
        maps = [factor * cfg.width for factor in factors(halvings)]
        self.label = LabelEmbedding(len(spec.labels), cfg.embedding)
        self.first = nn.Sequential(SpectralLinear(cfg.z_part, maps[0] * base[0] * base[1]))
        self.first.append(nn.Unflatten(1, (maps[0], *base)))
        condition = cfg.embedding + cfg.z_part
        sizes = pairwise([maps[0], *maps])
        self.blocks = nn.ModuleList(Up(a, b, condition, SpectralConv2d, SpectralLinear) for a, b in sizes)
        self.attended = attended(spec, halvings)
        self.attention = SelfAttention([maps[0], *maps][halvings - self.attended])
        self.norm, self.last = nn.BatchNorm2d(maps[-1]), SpectralConv2d(maps[-1], spec.channels, 3, padding=1)
        self.apply(start)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        first, *parts = z.split(self.part, 1)
        x, label = self.first(first), self.label(y)
        for left, block, part in zip(range(len(parts), 0, -1), self.blocks, parts, strict=True):
            if left == self.attended:
                x = self.attention(x)
            x = block(x, torch.cat([label, part], 1))
        return torch.tanh(self.last(F.relu(self.norm(x))))  # (b, c, h, w)

    @property
    def filters(self) -> list[Tensor]:
        """The weights of all layers but the label embedding."""
        return [layer.weight for layer in self.modules() if isinstance(layer, SpectralConv2d | SpectralLinear)]


class Discriminator(nn.Module):
    """Image -> features, summed over all positions -> score of image and label (b, 1)."""

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__()
        halvings, _ = pyramid(spec)
        maps = [factor * cfg.width_d for factor in reversed((16, *factors(6 if halvings > 5 else 5)))][: halvings + 1]
        sizes = enumerate(pairwise([spec.channels, *maps]))
        blocks: list[nn.Module] = [Down(a, b, halves=n < halvings, first=n == 0) for n, (a, b) in sizes]
        after = attended(spec, halvings)
        blocks.insert(after, SelfAttention(maps[after - 1]))
        self.blocks = nn.Sequential(*blocks)
        self.score = Projection(maps[-1], len(spec.labels), SpectralLinear)
        self.apply(start)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        scores: Tensor = self.score(F.relu(self.blocks(x)).sum((2, 3)), y)
        return scores  # (b, 1)


def factors(halvings: int) -> tuple[int, ...]:
    """Channels of the generator's blocks from low to high resolution, in multiples of `width`."""
    return LARGE_FACTORS if halvings > len(FACTORS) else FACTORS[:halvings]


def attended(spec: Spec, halvings: int) -> int:
    """Halvings from the image to the map with self-attention: 1, or as many as lead to a side of at most 64."""
    side = max(spec.shape[1:])
    return next(count for count in range(1, halvings + 1) if side <= LARGEST * 2**count)


def start(layer: nn.Module) -> None:
    """Orthogonal weights (section 3), zero biases."""
    if isinstance(layer, nn.Conv2d | nn.Linear) and not layer.weight.is_meta:
        nn.init.orthogonal_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


class BigGAN(System):
    """D minimises E max(0, 1 - D(x|y)) + E max(0, 1 + D(G(z|y)|y)), G minimises -E D(G(z|y)|y) and the regularisation
    of Eq. 3."""

    paper: ClassVar = Paper(
        "Brock, Donahue & Simonyan 2019, arXiv 1809.11096",
        """@inproceedings{brock2019large,
  title     = {Large Scale {GAN} Training for High Fidelity Natural Image Synthesis},
  author    = {Brock, Andrew and Donahue, Jeff and Simonyan, Karen},
  booktitle = {International Conference on Learning Representations},
  year      = {2019}
}""",
    )

    cfg: Config

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__(spec, cfg)
        self.batches_per_step = cfg.d_steps
        self.G, self.D = Generator(spec, cfg), Discriminator(spec, cfg)
        self.prior = Prior(cfg.z_part * (1 + len(self.G.blocks)))
        self.T = Augment(spec, cfg)
        betas = (cfg.beta1, cfg.beta2)
        self.players = {"g": Player(self.G, adam(cfg.lr_g, betas)), "d": Player(self.D, adam(cfg.lr_d, betas))}

    @property
    def generator(self) -> nn.Module:
        return self.G

    def step(self, batches: Batches, images: int) -> dict[str, Tensor]:
        G, D, T, g, d = self.G, self.D, self.T, self.players["g"], self.players["d"]
        for _ in range(self.cfg.d_steps):
            x, y = next(batches)
            with torch.no_grad():
                fake = G(draw(self.prior, len(x), x.device), y)
            # one pass is enough: no layer of D mixes images
            real_scores, fake_scores = D(T(torch.cat([x, fake])), torch.cat([y, y])).chunk(2)
            loss_d = losses.hinge_real(real_scores) + losses.hinge_fake(fake_scores)
            descend((d, loss_d))

        loss_g = -D(T(G(draw(self.prior, len(x), x.device), y)), y).mean()
        descend((g, loss_g + self.cfg.orthogonality * losses.orthogonality(G.filters)))
        T.adapt(real_scores)

        right = accuracy(real_scores, fake_scores)
        return logged(loss_g=loss_g, loss_d=loss_d, accuracy_d=right) | T.logs
