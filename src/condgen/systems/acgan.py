"""GAN with an auxiliary classifier -- Odena, Olah & Shlens 2017, arXiv 1610.09585.

The generator receives the label concatenated to z. The discriminator does not receive it: beside the score of real
against generated, it predicts the label, and both networks are rewarded when it does (Eq. 2 and 3). The networks are
those of the appendix, table 2, for 32x32 images.

Labels: classes are predicted by a softmax, attributes by one sigmoid each. Labels of generated images are those of the
real batch, so that they have the distribution of the data, as in the paper.

Other image sizes: the sides are halved until they are 4 to 7 pixels (nets/strided.py); each halving has one transposed
convolution in G, whose channels double towards low resolution, and two convolutions in D, whose channels double with
every layer, up to 512. The table's "linear, 384" is read as 384 maps of 4x4, from which three doublings lead to 32x32.

Deviations: D returns logits; loss D is the mean of the real and the fake half, where the paper has the sum, which is
    equivalent under Adam; one batch of fakes serves both updates; the EMA of the generator is sampled. Of the values
    that the table searched over, the learning rate is 2e-4 and there is no noise on activations.
"""

from itertools import pairwise
from typing import ClassVar

import torch
from pydantic import PositiveFloat
from torch import Tensor, nn

from condgen import losses
from condgen.config import Adversarial, Batch, Fraction, Images, Width
from condgen.nets.diffaugment import Augment
from condgen.nets.dropout import Dropout
from condgen.nets.strided import channels, pyramid
from condgen.noise import draw
from condgen.spec import Prior, Spec
from condgen.system import Batches, Paper, Player, System, accuracy, adam, descend, logged

LEAK = 0.2
MOST = 512
"""Largest number of channels of the discriminator."""


class Config(Adversarial):
    """Settings of the GAN with an auxiliary classifier."""

    images: Images = 5_000_000
    """Training length, in images shown to the discriminator (the paper: 50,000 steps of 100)."""
    batch: Batch = 100
    """Batch size, in images."""
    z_dim: Width = 100
    """Dimension of the latent vector z."""
    width: Width = 96
    """Channels of the generator's feature map with the highest resolution. Their number doubles each time the
    resolution is halved."""
    width_d: Width = 16
    """Channels of the discriminator's first layer. Their number doubles with each layer, up to 512."""
    dropout: Fraction = 0.5
    """Dropout rate of the discriminator."""
    lr: PositiveFloat = 2e-4
    """Learning rate of both networks (Adam)."""
    beta1: Fraction = 0.5
    """Adam's beta1, for both networks."""


class Generator(nn.Module):
    """z and the label -> a map of low resolution by one linear layer; each transposed convolution doubles its sides."""

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__()
        halvings, base = pyramid(spec)
        maps = channels(halvings, cfg.width)
        inputs = cfg.z_dim + len(spec.labels)
        layers = [nn.Linear(inputs, maps[0] * base[0] * base[1]), nn.Unflatten(1, (maps[0], *base)), nn.ReLU()]
        for coarse, fine in pairwise(maps):
            layers += [doubling(coarse, fine), nn.BatchNorm2d(fine), nn.ReLU()]
        self.body = nn.Sequential(*layers, doubling(maps[-1], spec.channels), nn.Tanh())
        self.apply(start)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        x: Tensor = self.body(torch.cat([z, y], 1))
        return x  # (b, c, h, w)


class Discriminator(nn.Module):
    """Image -> logits of real against generated (b, 1), and of the labels (b, K)."""

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__()
        halvings, base = pyramid(spec)
        maps = [min(cfg.width_d * 2**layer, MOST) for layer in range(2 * halvings)]
        layers: list[nn.Module] = []
        for number, (before, after) in enumerate(pairwise([spec.channels, *maps])):
            norm = [nn.BatchNorm2d(after)] if number else []  # the table has none on the first layer
            conv = nn.Conv2d(before, after, 3, stride=1 + (number + 1) % 2, padding=1)
            layers += [conv, *norm, nn.LeakyReLU(LEAK), Dropout(cfg.dropout)]
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.heads = nn.Linear(maps[-1] * base[0] * base[1], 1 + len(spec.labels))
        self.apply(start)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        logits: Tensor = self.heads(self.body(x))
        return logits[:, :1], logits[:, 1:]


def doubling(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    """The transposed convolution of the paper, of stride 2 and kernel 5, which doubles the sides."""
    return nn.ConvTranspose2d(inputs, outputs, 5, 2, 2, output_padding=1)


def start(layer: nn.Module) -> None:
    """Weights from N(0, 0.02), biases 0 (table 2)."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(layer.weight, 0.0, 0.02)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


class ACGAN(System):
    """D maximises L_S + L_C, G maximises L_C - L_S: the log-likelihoods of the source and of the label, Eq. 2 and 3;
    with the non-saturating generator loss."""

    paper: ClassVar = Paper(
        "Odena, Olah & Shlens 2017, arXiv 1610.09585",
        """@inproceedings{odena2017conditional,
  title     = {Conditional Image Synthesis with Auxiliary Classifier {GANs}},
  author    = {Odena, Augustus and Olah, Christopher and Shlens, Jonathon},
  booktitle = {Proceedings of the 34th International Conference on Machine Learning},
  year      = {2017}
}""",
    )

    cfg: Config

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__(spec, cfg)
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
        (real_logits, real_labels), (fake_logits, fake_labels) = D(T(x)), D(T(fake.detach()))
        source = (losses.says_real(real_logits) + losses.says_fake(fake_logits)) / 2
        label = (self.label_loss(real_labels, y) + self.label_loss(fake_labels, y)) / 2
        descend((d, source + label))

        logits, labels = D(T(fake))
        loss_g = losses.says_real(logits) + self.label_loss(labels, y)
        descend((g, loss_g))
        T.adapt(real_logits)

        right = accuracy(real_logits, fake_logits)
        return logged(loss_g=loss_g, loss_d=source + label, loss_label=label, accuracy_d=right) | T.logs

    def label_loss(self, logits: Tensor, y: Tensor) -> Tensor:
        return losses.says_label(logits, y, self.spec.labels.kind)
