"""Deep convolutional GAN, optionally with a label -- Radford, Metz & Chintala 2015, arXiv 1511.06434.

Networks: "Python 深度学习: 基于 PyTorch" (2019), section 8.6, after PyTorch's own tutorial: 64x64 images, 4x4
kernels, no biases, no batch norm in the first layer of D. For other image sizes, the sides are halved until they are 4
to 7 pixels (nets/strided.py), and the channels double with each halving.

The label, in the preset `cdcgan`: G receives the one-hot vector concatenated to z, D one constant plane per label,
concatenated to the channels of the image.

Deviations: D returns logits, one per image; the EMA of the generator is sampled; both updates of a step use the same
    batch of fakes, as in PyTorch's tutorial. From the paper, where the book does not say: Adam(2e-4, 0.5), batches of
    128, weights initialised from N(0, 0.02). The scale of batch norm, N(1, 0.02), is from the paper's code. The length
    of the training is ours.
"""

from itertools import pairwise
from typing import ClassVar

import torch
from pydantic import PositiveFloat
from torch import Tensor, nn

from condgen import losses
from condgen.config import Adversarial, Batch, Fraction, Images, Width
from condgen.nets.condition import PlanesConv2d
from condgen.nets.diffaugment import Augment
from condgen.nets.strided import FromPixel, channels, pyramid
from condgen.noise import draw
from condgen.spec import Prior, Spec
from condgen.system import Batches, Paper, Player, System, accuracy, adam, descend, logged

LEAK = 0.2


class Config(Adversarial):
    """Settings of the convolutional GAN; the defaults are those of the preset `dcgan`."""

    images: Images = 1_500_000
    """Training length, in images shown to the discriminator. The data set is repeated as often as needed."""
    batch: Batch = 128
    """Batch size, in images."""
    conditional: bool = False
    """Give the label to generator and discriminator."""
    z_dim: Width = 100
    """Dimension of the latent vector z."""
    width: Width = 64
    """Channels of the feature map with the highest resolution. Their number doubles each time the resolution is
    halved."""
    lr: PositiveFloat = 2e-4
    """Learning rate of both networks (Adam)."""
    beta1: Fraction = 0.5
    """Adam's beta1, for both networks."""


class Generator(nn.Module):
    """z, and the label if there is one, are the channels of a 1x1 map; each transposed convolution doubles its size."""

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__()
        self.conditional = cfg.conditional
        halvings, base = pyramid(spec)
        maps = channels(halvings, cfg.width)
        inputs = cfg.z_dim + (len(spec.labels) if cfg.conditional else 0)
        layers: list[nn.Module] = [
            FromPixel(inputs, maps[0], base, bias=False),
            nn.BatchNorm2d(maps[0]),
            nn.ReLU(),
        ]
        for coarse, fine in pairwise(maps):
            layers += [nn.ConvTranspose2d(coarse, fine, 4, 2, 1, bias=False), nn.BatchNorm2d(fine), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.ConvTranspose2d(maps[-1], spec.channels, 4, 2, 1, bias=False), nn.Tanh())
        self.apply(start)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        pixel = torch.cat([z, y], 1) if self.conditional else z
        x: Tensor = self.body(pixel[:, :, None, None])
        return x  # (b, c, h, w)


class Discriminator(nn.Module):
    """The image, and one plane per label if there are labels; each convolution halves the sides."""

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__()
        self.conditional = cfg.conditional
        halvings, base = pyramid(spec)
        maps = channels(halvings, cfg.width)[::-1]
        inputs = spec.channels + (len(spec.labels) if cfg.conditional else 0)
        self.first = (PlanesConv2d if cfg.conditional else nn.Conv2d)(inputs, maps[0], 4, 2, 1, bias=False)
        layers: list[nn.Module] = [nn.LeakyReLU(LEAK)]
        for fine, coarse in pairwise(maps):
            layers += [nn.Conv2d(fine, coarse, 4, 2, 1, bias=False), nn.BatchNorm2d(coarse), nn.LeakyReLU(LEAK)]
        self.body = nn.Sequential(*layers, nn.Conv2d(maps[-1], 1, base, bias=False), nn.Flatten())
        self.apply(start)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        logits: Tensor = self.body(self.first(x, y) if self.conditional else self.first(x))
        return logits  # (b, 1)


def start(layer: nn.Module) -> None:
    """The paper's initialisation: weights N(0, 0.02) (section 4), batch norm's scale N(1, 0.02) (its code)."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)


class DCGAN(System):
    """The non-saturating GAN of Goodfellow et al. 2014 (arXiv 1406.2661), with convolutional networks."""

    paper: ClassVar = Paper(
        "Radford, Metz & Chintala 2015, arXiv 1511.06434",
        """@article{radford2015unsupervised,
  title   = {Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks},
  author  = {Radford, Alec and Metz, Luke and Chintala, Soumith},
  journal = {arXiv preprint arXiv:1511.06434},
  year    = {2015}
}""",
    )

    cfg: Config

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__(spec, cfg)
        self.takes_label = cfg.conditional
        self.prior = Prior(cfg.z_dim)
        self.G, self.D = Generator(spec, cfg), Discriminator(spec, cfg)
        optimizer = adam(cfg.lr, (cfg.beta1, 0.999))
        self.T = Augment(spec, cfg)
        self.players = {"g": Player(self.G, optimizer), "d": Player(self.D, optimizer)}

    @property
    def generator(self) -> nn.Module:
        return self.G

    def step(self, batches: Batches, images: int) -> dict[str, Tensor]:
        G, D, T, g, d = self.G, self.D, self.T, self.players["g"], self.players["d"]
        x, y = next(batches)
        fake = G(draw(self.prior, len(x), x.device), y)

        # two passes: the batch norm of D must not mix real and fake statistics
        real_logits, fake_logits = D(T(x), y), D(T(fake.detach()), y)
        loss_d = (losses.says_real(real_logits) + losses.says_fake(fake_logits)) / 2
        descend((d, loss_d))

        loss_g = losses.says_real(D(T(fake), y))
        descend((g, loss_g))
        T.adapt(real_logits)

        right = accuracy(real_logits, fake_logits)
        return logged(loss_g=loss_g, loss_d=loss_d, accuracy_d=right) | T.logs
