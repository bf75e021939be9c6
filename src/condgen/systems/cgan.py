"""Conditional GAN: the label is given to both players -- Mirza & Osindero 2014, arXiv 1411.1784.

One game, three ways to wire the label in, each from a tutorial that many start with:

    concat    "Python 深度学习: 基于 PyTorch" (2019), section 8.5: an embedded label beside the noise and the picture
    multiply  matpool/mnist_gan, after Keras-GAN: an embedded label times the noise and the picture
    maxout    "GAN 生成对抗神经网络原理与实践": the paper's own networks, a maxout discriminator

Deviations, all wirings:
    The discriminator returns logits; sigmoid and cross-entropy are one stable function.
    Pictures come from an average of the generator (--ema-half-life 0 gives the last one).
    One batch of fakes serves both moves, as in multiply; concat's book draws one for each.
concat: the book leaves optimizer, batch and length open; the defaults of `Config` are ours. It says D's loss is the sum
    of the real and the fake half; ours is their mean, which Adam cannot tell apart.
multiply: Keras moves D twice, down each half in turn, and draws its fakes with batch norm's moving averages; ours moves
    D once down the mean of both halves and draws fakes with batch statistics.
maxout: the book puts batch norm *after* the generator's sigmoid, which leaves [0, 1], the range it asks for two lines
    on; ours normalises before the sigmoid, then maps [0, 1] to [-1, 1] (its discriminator maps back). It has 512 joint
    units where the paper has 1200. It names no optimizer; the paper's SGD schedule is replaced by Adam. From the paper:
    dropout of one half in D and on G's label branch (on both of G's branches pictures of one label grow alike). From
    the paper's framework: a bound on the norm of each maxout piece. Ours: the generator's last batch norm starts dark,
    or D wins by the noise at the border (docs/LOG.md has the trials).
"""

from functools import partial
from typing import ClassVar, Literal

import torch
from pydantic import PositiveFloat
from torch import Tensor, nn

from condgen import losses
from condgen.config import Adversarial, Fraction, Width
from condgen.nets import keras
from condgen.nets.condition import LabelEmbedding
from condgen.nets.diffaugment import Augment
from condgen.nets.dropout import Dropout
from condgen.nets.maxout import Maxout, hold_norms
from condgen.noise import batch_noise, draw
from condgen.spec import Prior, Spec
from condgen.system import Batches, Paper, Player, System, adam, descend, logged

LEAK = 0.2  # slope of every LeakyReLU in all three sources


class Config(Adversarial):
    """Settings of the conditional GAN; the defaults are those of row `cgan-concat`."""

    architecture: Literal["concat", "multiply", "maxout"] = "concat"
    """How the label meets the noise and the picture."""
    fake_labels: Literal["uniform", "data"] = "uniform"
    """Labels of the fakes: drawn uniformly (classes only), or those of the real batch."""
    z_dim: Width = 100
    """Length of the noise vector z."""
    dropout: Fraction = 0.4
    """Share of the discriminator's hidden units that each training step leaves out."""
    lr_g: PositiveFloat = 5e-4
    """Adam's step size of the generator."""
    lr_d: PositiveFloat = 2e-4
    """Adam's step size of the discriminator."""
    beta1: Fraction = 0.5
    """Adam's decay of the mean gradient, both players."""
    adam_eps: PositiveFloat = 1e-8
    """Adam's guard against division by zero (Keras: 1e-7)."""


class ConcatGenerator(nn.Module):
    """z and a 10-number embedding of the label, side by side."""

    def __init__(self, spec: Spec, z_dim: int) -> None:
        super().__init__()
        self.embed = LabelEmbedding(len(spec.labels), 10)
        self.body = nn.Sequential(
            nn.Linear(z_dim + 10, 256), nn.LeakyReLU(LEAK),
            nn.Linear(256, 512), nn.LeakyReLU(LEAK),
            nn.Linear(512, 1024), nn.LeakyReLU(LEAK),
            nn.Linear(1024, spec.pixels), nn.Tanh(), nn.Unflatten(1, spec.shape),
        )  # fmt: skip

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        x: Tensor = self.body(torch.cat([z, self.embed(y)], 1))
        return x  # (b, c, h, w)


class ConcatDiscriminator(nn.Module):
    """The flat picture and a 10-number embedding of the label, side by side."""

    def __init__(self, spec: Spec, dropout: float) -> None:
        super().__init__()
        self.embed = LabelEmbedding(len(spec.labels), 10)
        self.body = nn.Sequential(
            nn.Linear(spec.pixels + 10, 1024), nn.LeakyReLU(LEAK), Dropout(dropout),
            nn.Linear(1024, 512), nn.LeakyReLU(LEAK), Dropout(dropout),
            nn.Linear(512, 256), nn.LeakyReLU(LEAK), Dropout(dropout),
            nn.Linear(256, 1),
        )  # fmt: skip

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        logits: Tensor = self.body(torch.cat([x.flatten(1), self.embed(y)], 1))
        return logits  # (b, 1)


class MultiplyGenerator(nn.Module):
    """z times an embedding of the label, then the generator of the plain GAN."""

    def __init__(self, spec: Spec, z_dim: int) -> None:
        super().__init__()
        self.embed = LabelEmbedding(len(spec.labels), z_dim, keras.EMBEDDING_INIT)
        self.body = keras.gan_generator(z_dim, spec)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        x: Tensor = self.body(z * self.embed(y))
        return x  # (b, c, h, w)


class MultiplyDiscriminator(nn.Module):
    """The flat picture times an embedding of the label as large as the picture."""

    def __init__(self, spec: Spec, dropout: float) -> None:
        super().__init__()
        self.embed = LabelEmbedding(len(spec.labels), spec.pixels, keras.EMBEDDING_INIT)
        self.body = nn.Sequential(
            keras.dense(spec.pixels, 512), nn.LeakyReLU(LEAK),
            keras.dense(512, 512), nn.LeakyReLU(LEAK), Dropout(dropout),
            keras.dense(512, 512), nn.LeakyReLU(LEAK), Dropout(dropout),
            keras.dense(512, 1),
        )  # fmt: skip

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        logits: Tensor = self.body(x.flatten(1) * self.embed(y))
        return logits  # (b, 1)


class MaxoutGenerator(nn.Module):
    """z and the label each through a layer of its own, then joined (section 4.1 of the paper)."""

    def __init__(self, spec: Spec, z_dim: int) -> None:
        super().__init__()
        self.from_z = nn.Sequential(keras.dense(z_dim, 200), keras.batch_norm(200), nn.ReLU())
        self.from_y = nn.Sequential(
            keras.dense(len(spec.labels), 1000), keras.batch_norm(1000), nn.ReLU(), Dropout(0.5)
        )
        last_norm = keras.batch_norm(spec.pixels)
        nn.init.constant_(last_norm.weight, 0.5)
        nn.init.constant_(last_norm.bias, -3.0)  # sigmoid(-3) = 0.05: nearly black, as most pixels of most pictures
        self.joint = nn.Sequential(
            keras.dense(1200, 512), nn.LeakyReLU(LEAK), keras.batch_norm(512),
            keras.dense(512, spec.pixels), last_norm, nn.Sigmoid(), nn.Unflatten(1, spec.shape),
        )  # fmt: skip

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        grey: Tensor = self.joint(torch.cat([self.from_z(z), self.from_y(y)], 1))  # in [0, 1]
        return 2 * grey - 1  # (b, c, h, w)


class MaxoutDiscriminator(nn.Module):
    """Picture and label each through a maxout layer, then a joint one (section 4.1 of the paper)."""

    def __init__(self, spec: Spec, dropout: float) -> None:
        super().__init__()
        self.from_x = Maxout(spec.pixels, 240, k=5, max_norm=0.5)
        self.from_y = Maxout(len(spec.labels), 50, k=5, max_norm=0.5)
        self.joint = nn.Sequential(
            Dropout(dropout), Maxout(290, 240, k=4, max_norm=0.5),
            Dropout(dropout), keras.dense(240, 1),
        )  # fmt: skip

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        logits: Tensor = self.joint(torch.cat([self.from_x((x.flatten(1) + 1) / 2), self.from_y(y)], 1))
        return logits  # (b, 1)


ARCHITECTURES: dict[str, tuple[type[nn.Module], type[nn.Module]]] = {
    "concat": (ConcatGenerator, ConcatDiscriminator),
    "multiply": (MultiplyGenerator, MultiplyDiscriminator),
    "maxout": (MaxoutGenerator, MaxoutDiscriminator),
}


class CGAN(System):
    """min_G max_D E log D(x|y) + E log(1 - D(G(z|y)|y)), Eq. 2 of the paper; G plays the non-saturating form."""

    paper: ClassVar = Paper(
        "Mirza & Osindero 2014, arXiv 1411.1784",
        """@article{mirza2014conditional,
  title   = {Conditional Generative Adversarial Nets},
  author  = {Mirza, Mehdi and Osindero, Simon},
  journal = {arXiv preprint arXiv:1411.1784},
  year    = {2014}
}""",
    )

    cfg: Config

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__(spec, cfg)
        self.prior = Prior(cfg.z_dim, "uniform" if cfg.architecture == "maxout" else "normal")
        make_generator, make_discriminator = ARCHITECTURES[cfg.architecture]
        self.G = make_generator(spec, cfg.z_dim)
        self.D = make_discriminator(spec, cfg.dropout)
        betas = (cfg.beta1, 0.999)
        self.T = Augment(spec, cfg)
        self.players = {
            "g": Player(self.G, adam(cfg.lr_g, betas, cfg.adam_eps)),
            "d": Player(self.D, adam(cfg.lr_d, betas, cfg.adam_eps), after_move=partial(hold_norms, self.D)),
        }

    @property
    def generator(self) -> nn.Module:
        return self.G

    def step(self, batches: Batches, images: int) -> dict[str, Tensor]:
        G, D, T, g, d = self.G, self.D, self.T, self.players["g"], self.players["d"]
        x, y = next(batches)
        z, y_fake = draw(self.prior, len(x), x.device), self.labels_like(y)
        fake = G(z, y_fake)

        both = T(torch.cat([x, fake.detach()])), torch.cat([y, y_fake])  # one pass: no D here has batch norm
        real_logits, fake_logits = D(*both).chunk(2)
        loss_d = (losses.says_real(real_logits) + losses.says_fake(fake_logits)) / 2
        descend((d, loss_d))

        loss_g = losses.says_real(D(T(fake), y_fake))
        descend((g, loss_g))
        T.adapt(real_logits)

        right = torch.cat([real_logits > 0, fake_logits < 0]).float().mean()
        return logged(loss_g=loss_g, loss_d=loss_d, accuracy_d=right) | T.logs

    def labels_like(self, y: Tensor) -> Tensor:
        """Labels for the fakes: uniform classes, or the real batch's own."""
        if self.cfg.fake_labels == "data" or self.spec.labels.kind == "attributes":
            return y  # attributes are not independent: only the data know which go together
        classes = batch_noise(partial(torch.randint, y.shape[1]), len(y), device=y.device)
        return nn.functional.one_hot(classes, y.shape[1]).to(y.dtype)
