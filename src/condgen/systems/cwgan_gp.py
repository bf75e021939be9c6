"""Conditional Wasserstein GAN with gradient penalty -- Gulrajani et al. 2017, arXiv 1704.00028, Algorithm 1.

Networks and recipe: "AIGC 实战: 条件生成对抗网络", after Foster, "Generative Deep Learning" (Keras): 64x64 faces with
the label blond or not. The generator receives the one-hot label concatenated to z; the critic receives one constant
plane per label, concatenated to the channels of the image. For other image sizes, the sides are halved until they are
4 to 7 pixels (nets/strided.py); levels beyond the document's four have 128 channels, like its middle ones.

From the document, not the paper: labels; batch norm in the generator and dropout in the critic; 3 critic steps
    (paper: 5); Adam(5e-5, 0.5, 0.999) (paper: 1e-4, 0, 0.9).
Deviations from the document: each critic step takes a new batch, as in Algorithm 1 (the document repeats one batch
    three times); the EMA of the generator is sampled; the training length is ours.
"""

from itertools import pairwise
from typing import ClassVar

import torch
from pydantic import PositiveFloat
from torch import Tensor, nn

from condgen import losses
from condgen.config import Adversarial, Batch, Fraction, Images, Repeats, Width
from condgen.nets import keras
from condgen.nets.condition import PlanesConv2d
from condgen.nets.diffaugment import Augment
from condgen.nets.dropout import Dropout
from condgen.nets.strided import FromPixel, pyramid
from condgen.noise import draw
from condgen.spec import Prior, Spec
from condgen.system import Batches, Paper, Player, System, adam, descend, logged

LEAK, BARE_LEAK = 0.2, 0.3
"""Negative slope of every LeakyReLU; the second layer of the document's critic uses the default of Keras, 0.3."""


class Config(Adversarial):
    """Settings of the conditional WGAN-GP."""

    images: Images = 4_000_000
    """Training length, in images shown to the critic. The data set is repeated as often as needed."""
    batch: Batch = 128
    """Batch size of one critic step, in images."""
    z_dim: Width = 32
    """Dimension of the latent vector z."""
    critic_steps: Repeats = 3
    """Critic updates per generator update."""
    penalty_weight: PositiveFloat = 10.0
    """Weight of the gradient penalty (lambda in Eq. 3)."""
    dropout: Fraction = 0.3
    """Dropout rate of the critic, from its second layer on."""
    lr: PositiveFloat = 5e-5
    """Learning rate of both networks (Adam)."""
    beta1: Fraction = 0.5
    """Adam's beta1, for both networks."""
    adam_eps: PositiveFloat = keras.ADAM_EPS
    """Adam's epsilon (Keras: 1e-7)."""


class Generator(nn.Module):
    """z and the label are the channels of a 1x1 map; each transposed convolution doubles its sides."""

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__()
        halvings, base = pyramid(spec)
        maps = [*[128] * (halvings - 1), 64]
        first = FromPixel(cfg.z_dim + len(spec.labels), maps[0], base, bias=False)
        layers: list[nn.Module] = [first, keras.batch_norm_2d(maps[0], 0.9), nn.LeakyReLU(LEAK)]
        for coarse, fine in pairwise(maps):
            up = nn.ConvTranspose2d(coarse, fine, 4, 2, 1, bias=False)
            layers += [up, keras.batch_norm_2d(fine, 0.9), nn.LeakyReLU(LEAK)]
        self.body = nn.Sequential(*layers, nn.ConvTranspose2d(maps[-1], spec.channels, 4, 2, 1), nn.Tanh())
        self.apply(keras.start)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        x: Tensor = self.body(torch.cat([z, y], 1)[:, :, None, None])
        return x  # (b, c, h, w)


class Critic(nn.Module):
    """Image and one plane per label -> an unbounded score. There is no batch norm, since the penalty is per image."""

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__()
        halvings, base = pyramid(spec)
        maps = [64, *[128] * (halvings - 1)]
        self.first = PlanesConv2d(spec.channels + len(spec.labels), maps[0], 4, 2, 1)
        layers: list[nn.Module] = [nn.LeakyReLU(LEAK)]
        for number, (fine, coarse) in enumerate(pairwise(maps)):
            leak = BARE_LEAK if number == 0 else LEAK
            layers += [nn.Conv2d(fine, coarse, 4, 2, 1), nn.LeakyReLU(leak), Dropout(cfg.dropout)]
        self.body = nn.Sequential(*layers, nn.Conv2d(maps[-1], 1, base), nn.Flatten())
        self.apply(keras.start)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        scores: Tensor = self.body(self.first(x, y))
        return scores  # (b, 1)


class CWGANGP(System):
    """min_G max_D E D(x|y) - E D(G(z|y)|y), with the gradient norm of D kept near 1 by the penalty of
    Eq. 3."""

    paper: ClassVar = Paper(
        "Gulrajani et al. 2017, arXiv 1704.00028",
        """@inproceedings{gulrajani2017improved,
  title     = {Improved Training of {Wasserstein} {GANs}},
  author    = {Gulrajani, Ishaan and Ahmed, Faruk and Arjovsky, Martin and Dumoulin, Vincent and Courville, Aaron},
  booktitle = {Advances in Neural Information Processing Systems 30},
  year      = {2017}
}""",
    )

    cfg: Config

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__(spec, cfg)
        self.batches_per_step = cfg.critic_steps
        self.prior = Prior(cfg.z_dim)
        self.G, self.D = Generator(spec, cfg), Critic(spec, cfg)
        optimizer = adam(cfg.lr, (cfg.beta1, 0.999), cfg.adam_eps)
        self.T = Augment(spec, cfg)
        self.players = {"g": Player(self.G, optimizer), "c": Player(self.D, optimizer)}
        last_bias = [name for name, _ in self.D.named_parameters()][-1]
        self.still_parameters = (f"D.{last_bias}",)  # cancels in E D(fake) - E D(real); the penalty sees only slopes

    @property
    def generator(self) -> nn.Module:
        return self.G

    def step(self, batches: Batches, images: int) -> dict[str, Tensor]:
        G, D, T, g, c = self.G, self.D, self.T, self.players["g"], self.players["c"]
        for _ in range(self.cfg.critic_steps):
            x, y = next(batches)
            with torch.no_grad():
                x, fake = T(x), T(G(draw(self.prior, len(x), x.device), y))
            real_scores, fake_scores = D(x, y), D(fake, y)
            wasserstein = fake_scores.mean() - real_scores.mean()
            penalty = losses.gradient_penalty(D, x, fake, y)
            loss_c = wasserstein + self.cfg.penalty_weight * penalty
            descend((c, loss_c))

        loss_g = -D(T(G(draw(self.prior, len(x), x.device), y)), y).mean()
        descend((g, loss_g))
        T.adapt(real_scores - fake_scores)
        return logged(loss_g=loss_g, loss_c=loss_c, loss_wasserstein=wasserstein, loss_penalty=penalty) | T.logs
