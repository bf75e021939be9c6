"""Generative adversarial network without labels -- Goodfellow et al. 2014, arXiv 1406.2661.

One algorithm with two fully connected architectures, each from a widely used tutorial:

    deep    "SGAN", after Keras-GAN: batch norm in the generator; 30,000 steps of 128
    plain   "Python 深度学习: 基于 PyTorch" (2019), section 8.3: no batch norm, ReLU in the generator

Deviations of both: the discriminator returns logits; the EMA of the generator is sampled (--ema-half-life 0 samples the
    last generator instead); both updates of a step use the same batch of fakes, where both sources (and Algorithm 1)
    generate a new one for G.
deep: Keras updates D twice per step, on the real and on the fake term, and generates the fakes with the moving averages
    of batch norm. We update D once on the mean of both terms, and generate fakes with batch statistics.
plain: the book does not state the dimension of z, width, optimizer and batch size; 64, 256, Adam(2e-4), and 128 as in
    its section 8.1, are ours. Its D loss is the sum of the real and the fake term, ours the mean; the two are
    equivalent under Adam.
"""

from typing import ClassVar, Literal

import torch
from pydantic import PositiveFloat
from torch import Tensor, nn

from condgen import losses
from condgen.config import Adversarial, Batch, Fraction, Images, Width
from condgen.nets import keras
from condgen.nets.diffaugment import Augment
from condgen.noise import draw
from condgen.spec import Prior, Spec
from condgen.system import Batches, Paper, Player, System, accuracy, adam, descend, logged

LEAK = 0.2


class Config(Adversarial):
    """Settings of the plain GAN; the defaults are those of the preset `gan`."""

    images: Images = 3_840_000
    """Training length, in images shown to the discriminator (the document: 30,000 steps of 128 images)."""
    batch: Batch = 128
    """Batch size, in images."""
    architecture: Literal["deep", "plain"] = "deep"
    """Generator and discriminator: deep has batch norm in the generator, plain is smaller and has none."""
    z_dim: Width = 100
    """Dimension of the latent vector z."""
    lr: PositiveFloat = 2e-4
    """Learning rate of both networks (Adam)."""
    beta1: Fraction = 0.5
    """Adam's beta1, for both networks."""
    adam_eps: PositiveFloat = keras.ADAM_EPS
    """Adam's epsilon (Keras: 1e-7)."""


class Generator(nn.Module):
    """A generator that ignores the label: (z, y) -> body(z)."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        x: Tensor = self.body(z)
        return x  # (b, c, h, w)


def deep(spec: Spec, z_dim: int) -> tuple[nn.Module, nn.Module]:
    """G and D of the document "SGAN"."""
    D = nn.Sequential(
        nn.Flatten(),
        keras.dense(spec.pixels, 512), nn.LeakyReLU(LEAK),
        keras.dense(512, 256), nn.LeakyReLU(LEAK),
        keras.dense(256, 1),
    )  # fmt: skip
    return keras.gan_generator(z_dim, spec), D


def plain(spec: Spec, z_dim: int) -> tuple[nn.Module, nn.Module]:
    """G and D of the book, section 8.3."""
    G = nn.Sequential(
        nn.Linear(z_dim, 256), nn.ReLU(),
        nn.Linear(256, 256), nn.ReLU(),
        nn.Linear(256, spec.pixels), nn.Tanh(), nn.Unflatten(1, spec.shape),
    )  # fmt: skip
    D = nn.Sequential(
        nn.Flatten(),
        nn.Linear(spec.pixels, 256), nn.LeakyReLU(LEAK),
        nn.Linear(256, 256), nn.LeakyReLU(LEAK),
        nn.Linear(256, 1),
    )  # fmt: skip
    return G, D


ARCHITECTURES = {"deep": deep, "plain": plain}


class GAN(System):
    """min_G max_D E log D(x) + E log(1 - D(G(z))), Eq. 1 of the paper, with the non-saturating generator loss
    (section 3)."""

    paper: ClassVar = Paper(
        "Goodfellow et al. 2014, arXiv 1406.2661",
        """@inproceedings{goodfellow2014generative,
  title     = {Generative Adversarial Nets},
  author    = {Goodfellow, Ian J. and Pouget-Abadie, Jean and Mirza, Mehdi and Xu, Bing and Warde-Farley, David and
               Ozair, Sherjil and Courville, Aaron and Bengio, Yoshua},
  booktitle = {Advances in Neural Information Processing Systems 27},
  year      = {2014}
}""",
    )

    cfg: Config
    takes_label = False

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__(spec, cfg)
        self.prior = Prior(cfg.z_dim)
        body, self.D = ARCHITECTURES[cfg.architecture](spec, cfg.z_dim)
        self.G = Generator(body)
        optimizer = adam(cfg.lr, (cfg.beta1, 0.999), cfg.adam_eps)
        self.T = Augment(spec, cfg)
        self.players = {"g": Player(self.G, optimizer), "d": Player(self.D, optimizer)}

    @property
    def generator(self) -> nn.Module:
        return self.G

    def step(self, batches: Batches, images: int) -> dict[str, Tensor]:
        G, D, T, g, d = self.G, self.D, self.T, self.players["g"], self.players["d"]
        x, y = next(batches)
        fake = G(draw(self.prior, len(x), x.device), y)

        # one pass is enough: no D here has batch norm
        real_logits, fake_logits = D(T(torch.cat([x, fake.detach()]))).chunk(2)
        loss_d = (losses.says_real(real_logits) + losses.says_fake(fake_logits)) / 2
        descend((d, loss_d))

        loss_g = losses.says_real(D(T(fake)))
        descend((g, loss_g))
        T.adapt(real_logits)

        right = accuracy(real_logits, fake_logits)
        return logged(loss_g=loss_g, loss_d=loss_d, accuracy_d=right) | T.logs
