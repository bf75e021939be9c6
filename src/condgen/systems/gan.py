"""Generative adversarial nets, without a label -- Goodfellow et al. 2014, arXiv 1406.2661.

One game, two pairs of fully connected networks, each from a tutorial that many start with:

    deep    "SGAN", after Keras-GAN: batch norm in the generator; 30,000 steps of 128
    plain   "Python 深度学习: 基于 PyTorch" (2019), section 8.3: no batch norm, ReLU in the generator

Deviations, both: the discriminator returns logits; pictures come from an average of the generator (--ema-half-life 0
    gives the last one); one batch of fakes serves both moves, where both sources (and Algorithm 1) draw one for each.
deep: Keras moves D twice, down each half in turn, and draws its fakes with batch norm's moving averages; ours moves D
    once down the mean of both halves and draws fakes with batch statistics.
plain: the book leaves z, width, optimizer and batch open; 64, 256, Adam(2e-4) and the batch of 128 of its section 8.1
    are ours. It says D's loss is the sum of the two halves; ours is their mean, which Adam cannot tell apart.
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
from condgen.system import Batches, Paper, Player, System, adam, descend, logged

LEAK = 0.2


class Config(Adversarial):
    """Settings of the plain GAN; the defaults are those of row `gan`."""

    images: Images = 3_840_000
    """Length of the training in images seen (the document: 30,000 steps of 128)."""
    batch: Batch = 128
    """Images per step."""
    architecture: Literal["deep", "plain"] = "deep"
    """Which pair of networks plays."""
    z_dim: Width = 100
    """Length of the noise vector z."""
    lr: PositiveFloat = 2e-4
    """Adam's step size, both players."""
    beta1: Fraction = 0.5
    """Adam's decay of the mean gradient, both players."""
    adam_eps: PositiveFloat = keras.ADAM_EPS
    """Adam's guard against division by zero (Keras: 1e-7)."""


class Generator(nn.Module):
    """A body that knows no label: (z, y) -> body(z)."""

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
    """min_G max_D E log D(x) + E log(1 - D(G(z))), Eq. 1 of the paper; G plays the non-saturating form (section 3)."""

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

        real_logits, fake_logits = D(T(torch.cat([x, fake.detach()]))).chunk(2)  # one pass: no D here has batch norm
        loss_d = (losses.says_real(real_logits) + losses.says_fake(fake_logits)) / 2
        descend((d, loss_d))

        loss_g = losses.says_real(D(T(fake)))
        descend((g, loss_g))
        T.adapt(real_logits)

        right = torch.cat([real_logits > 0, fake_logits < 0]).float().mean()
        return logged(loss_g=loss_g, loss_d=loss_d, accuracy_d=right) | T.logs
