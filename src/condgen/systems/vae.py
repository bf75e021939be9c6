"""Variational autoencoder -- Kingma & Welling 2013, arXiv 1312.6114; and, with the label as an input of encoder and
decoder, the conditional variational autoencoder -- Sohn, Lee & Yan 2015 (NeurIPS 28).

Networks and recipe: "Python 深度学习: 基于 PyTorch" (2019), section 8.1. The text of the book has
z = mu + exp(logvar) eps; its code has exp(logvar / 2), which is the standard deviation and is used here.

Deviations: the decoder returns logits, and sigmoid and cross-entropy are one numerically stable function; the loss is
    the mean over the batch where the book has the sum, which is equivalent under Adam; the EMA of the decoder is
    sampled.
"""

from typing import ClassVar

import torch
from pydantic import PositiveFloat
from torch import Tensor, nn

from condgen import losses
from condgen.config import Batch, Images, Width
from condgen.config import Config as BaseConfig
from condgen.noise import batch_noise
from condgen.spec import Prior, Spec
from condgen.system import Batches, Paper, Player, System, adam, descend, logged


class Config(BaseConfig):
    """Settings of the variational autoencoder; the defaults are those of the preset `vae`."""

    images: Images = 1_800_000
    """Training length, in images (the book: 30 epochs of 60,000)."""
    batch: Batch = 128
    """Batch size, in images."""
    conditional: bool = False
    """Concatenate the label to the inputs of encoder and decoder."""
    z_dim: Width = 20
    """Dimension of the latent vector z."""
    hidden: Width = 400
    """Units of the hidden layer of encoder and decoder."""
    lr: PositiveFloat = 1e-3
    """Learning rate (Adam)."""


class Encoder(nn.Module):
    """q(z | x, y): the mean and the log-variance of z."""

    def __init__(self, inputs: int, hidden: int, z_dim: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, hidden)
        self.mu = nn.Linear(hidden, z_dim)
        self.logvar = nn.Linear(hidden, z_dim)

    def forward(self, xy: Tensor) -> tuple[Tensor, Tensor]:
        h = self.hidden(xy).relu()
        return self.mu(h), self.logvar(h)  # (b, z), (b, z)


class Decoder(nn.Module):
    """p(x | z, y): one Bernoulli logit per pixel. Called as a generator, it returns the means, scaled to [-1, 1]."""

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__()
        self.conditional = cfg.conditional
        inputs = cfg.z_dim + (len(spec.labels) if cfg.conditional else 0)
        self.body = nn.Sequential(
            nn.Linear(inputs, cfg.hidden), nn.ReLU(),
            nn.Linear(cfg.hidden, spec.pixels), nn.Unflatten(1, spec.shape),
        )  # fmt: skip

    def logits(self, z: Tensor, y: Tensor) -> Tensor:
        out: Tensor = self.body(torch.cat([z, y], 1) if self.conditional else z)
        return out  # (b, c, h, w)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return 2 * self.logits(z, y).sigmoid() - 1  # (b, c, h, w)


class VAE(System):
    """Maximise the evidence lower bound E log p(x|z,y) - KL(q(z|x,y) || N(0, I)) (Kingma & Welling 2013, Eq. 3)."""

    paper: ClassVar = Paper(
        "Kingma & Welling 2013, arXiv 1312.6114",
        """@article{kingma2013auto,
  title   = {Auto-Encoding Variational Bayes},
  author  = {Kingma, Diederik P. and Welling, Max},
  journal = {arXiv preprint arXiv:1312.6114},
  year    = {2013}
}
@inproceedings{sohn2015learning,
  title     = {Learning Structured Output Representation using Deep Conditional Generative Models},
  author    = {Sohn, Kihyuk and Lee, Honglak and Yan, Xinchen},
  booktitle = {Advances in Neural Information Processing Systems 28},
  year      = {2015}
}""",
    )

    cfg: Config

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__(spec, cfg)
        self.takes_label = cfg.conditional
        self.prior = Prior(cfg.z_dim)
        inputs = spec.pixels + (len(spec.labels) if cfg.conditional else 0)
        self.encoder = Encoder(inputs, cfg.hidden, cfg.z_dim)
        self.decoder = Decoder(spec, cfg)
        self.players = {"vae": Player(self, adam(cfg.lr))}

    @property
    def generator(self) -> nn.Module:
        return self.decoder

    def encode(self, x: Tensor, y: Tensor) -> Tensor:
        """See `System.encode`: the mean of q(z | x, y)."""
        return self.posterior(x, y)[0]

    def posterior(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z | x, y), (b, z_dim) each, for images x in [-1, 1]."""
        flat = (x.flatten(1) + 1) / 2
        mu, logvar = self.encoder(torch.cat([flat, y], 1) if self.cfg.conditional else flat)
        return mu, logvar

    def step(self, batches: Batches, images: int) -> dict[str, Tensor]:
        x, y = next(batches)
        mu, logvar = self.posterior(x, y)
        eps = batch_noise(torch.randn, *mu.shape, device=mu.device)
        z = mu + (logvar / 2).exp() * eps  # Eq. 10: the reparameterisation
        reconstruction = losses.binary_cross_entropy(self.decoder.logits(z, y), (x + 1) / 2)
        kl = losses.kl_to_standard_normal(mu, logvar)
        descend((self.players["vae"], reconstruction + kl))
        return logged(loss_vae=reconstruction + kl, loss_reconstruction=reconstruction, loss_kl=kl)
