"""Conditional GAN: generator and discriminator both receive the label -- Mirza & Osindero 2014, arXiv 1411.1784.

One algorithm with three architectures, each from a widely used tutorial:

    concat    "Python 深度学习: 基于 PyTorch" (2019), section 8.5: label embedding concatenated to noise and image
    multiply  matpool/mnist_gan, after Keras-GAN: label embedding multiplied with noise and image
    maxout    "GAN 生成对抗神经网络原理与实践": the networks of the paper, with a maxout discriminator

Deviations of all three:
    The discriminator returns logits; sigmoid and cross-entropy are one numerically stable function.
    The EMA of the generator is sampled (--ema-half-life 0 samples the last generator instead).
    Both updates of a step use the same batch of fakes, as in multiply; the book of concat generates a new one for G.
concat: the book does not state optimizer, batch size and training length; the defaults of `Config` are ours. Its D loss
    is the sum of the real and the fake term, ours the mean; under Adam the two are equivalent.
multiply: Keras updates D twice per step, on the real and on the fake term, and generates the fakes with the moving
    averages of batch norm. We update D once on the mean of both terms, and generate fakes with batch statistics.
maxout: the book applies batch norm *after* the generator's sigmoid, which leaves the range [0, 1] that it requires two
    lines later. We normalise before the sigmoid, then map [0, 1] to [-1, 1]; the discriminator maps it back. The joint
    layer has 512 units (paper: 1200). The book names no optimizer; we replace the paper's SGD schedule by Adam. As in
    the paper, D and the label branch of G have a dropout rate of 0.5 (with dropout on both branches of G, images of one
    label become alike). As in the paper's framework, the norm of each maxout piece is bounded. Ours: the last batch
    norm of the generator is initialised to dark images; otherwise D separates real from fake by the noise at the border
    (trials in docs/LOG.md).
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
from condgen.system import Batches, Paper, Player, System, accuracy, adam, descend, logged

LEAK = 0.2  # negative slope of every LeakyReLU in all three sources


class Config(Adversarial):
    """Settings of the conditional GAN. The defaults are those of the preset `cgan-concat`."""

    architecture: Literal["concat", "multiply", "maxout"] = "concat"
    """Networks, and how they receive the label: its embedding is concatenated to or multiplied with noise and image, or
    the networks are the paper's, with a maxout discriminator."""
    fake_labels: Literal["uniform", "data"] = "uniform"
    """Labels of generated images in training: uniformly distributed classes, or the labels of the real batch.
    Attributes always take the latter."""
    z_dim: Width = 100
    """Dimension of the latent vector z."""
    dropout: Fraction = 0.4
    """Dropout rate of the discriminator's hidden layers."""
    lr_g: PositiveFloat = 5e-4
    """Learning rate of the generator (Adam)."""
    lr_d: PositiveFloat = 2e-4
    """Learning rate of the discriminator (Adam)."""
    beta1: Fraction = 0.5
    """Adam's beta1, for both networks."""
    adam_eps: PositiveFloat = 1e-8
    """Adam's epsilon (Keras: 1e-7)."""


class ConcatGenerator(nn.Module):
    """z concatenated with a 10-dimensional embedding of the label."""

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
    """The flattened image concatenated with a 10-dimensional embedding of the label."""

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
    """z multiplied elementwise with an embedding of the label, then the generator of the preset `gan`."""

    def __init__(self, spec: Spec, z_dim: int) -> None:
        super().__init__()
        self.embed = LabelEmbedding(len(spec.labels), z_dim, keras.EMBEDDING_INIT)
        self.body = keras.gan_generator(z_dim, spec)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        x: Tensor = self.body(z * self.embed(y))
        return x  # (b, c, h, w)


class MultiplyDiscriminator(nn.Module):
    """The flattened image multiplied elementwise with a label embedding of the same size."""

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
    """A separate hidden layer for z and for the label, then a joint one (section 4.1 of the paper)."""

    def __init__(self, spec: Spec, z_dim: int) -> None:
        super().__init__()
        self.from_z = nn.Sequential(keras.dense(z_dim, 200), keras.batch_norm(200), nn.ReLU())
        self.from_y = nn.Sequential(
            keras.dense(len(spec.labels), 1000), keras.batch_norm(1000), nn.ReLU(), Dropout(0.5)
        )
        last_norm = keras.batch_norm(spec.pixels)
        nn.init.constant_(last_norm.weight, 0.5)
        nn.init.constant_(last_norm.bias, -3.0)  # sigmoid(-3) = 0.05: nearly black, like most pixels of MNIST
        self.joint = nn.Sequential(
            keras.dense(1200, 512), nn.LeakyReLU(LEAK), keras.batch_norm(512),
            keras.dense(512, spec.pixels), last_norm, nn.Sigmoid(), nn.Unflatten(1, spec.shape),
        )  # fmt: skip

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        grey: Tensor = self.joint(torch.cat([self.from_z(z), self.from_y(y)], 1))  # in [0, 1]
        return 2 * grey - 1  # (b, c, h, w)


class MaxoutDiscriminator(nn.Module):
    """A separate maxout layer for image and label, then a joint one (section 4.1 of the paper)."""

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
    """min_G max_D E log D(x|y) + E log(1 - D(G(z|y)|y)), Eq. 2 of the paper, with the non-saturating generator
    loss."""

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

        both = T(torch.cat([x, fake.detach()])), torch.cat([y, y_fake])  # one pass is enough: no D here has batch norm
        real_logits, fake_logits = D(*both).chunk(2)
        loss_d = (losses.says_real(real_logits) + losses.says_fake(fake_logits)) / 2
        descend((d, loss_d))

        loss_g = losses.says_real(D(T(fake), y_fake))
        descend((g, loss_g))
        T.adapt(real_logits)

        right = accuracy(real_logits, fake_logits)
        return logged(loss_g=loss_g, loss_d=loss_d, accuracy_d=right) | T.logs

    def labels_like(self, y: Tensor) -> Tensor:
        """Labels of the fakes, (b, K): uniformly distributed classes, or those of the real batch."""
        if self.cfg.fake_labels == "data" or self.spec.labels.kind == "attributes":
            return y  # attributes are correlated, so uniform ones would be unrealistic
        classes = batch_noise(partial(torch.randint, y.shape[1]), len(y), device=y.device)
        return nn.functional.one_hot(classes, y.shape[1]).to(y.dtype)
