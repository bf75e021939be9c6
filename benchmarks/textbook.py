"""Every row's game as tutorials write it, to hold ours against: the same networks, settings and paper, another loop.

An image at a time goes from PIL to a tensor, a DataLoader stacks them, every network is passed through once for real
and once for generated images, gradients go to whoever is in reach, the optimizer is torch's default one, and each loss
is read back with `.item()` at every step. Layers of ours that are quicker than torch's are torch's again.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from condgen.data import Dataset
from condgen.nets.condition import PlanesConv2d
from condgen.nets.dropout import Dropout
from condgen.nets.strided import FromPixel
from condgen.noise import draw
from condgen.system import System
from condgen.systems import SYSTEMS, preset

Step = Callable[[Tensor, Tensor], dict[str, float]]


class Images(TorchDataset):
    """One image at a time: array -> PIL -> float tensor in [0, 1] -> [-1, 1], and its class."""

    def __init__(self, data: Dataset) -> None:
        self.images, self.labels = data.train.images[..., 0], data.train.labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = Image.fromarray(self.images[index])
        x = torch.from_numpy(np.array(image)).float().div(255).unsqueeze(0)
        return (x - 0.5) / 0.5, int(self.labels[index])


class Planes(PlanesConv2d):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        planes = y[:, :, None, None].expand(-1, -1, *x.shape[2:])
        return nn.Conv2d.forward(self, torch.cat([x, planes], 1))


PLAIN = {Dropout: nn.Dropout, FromPixel: nn.ConvTranspose2d, PlanesConv2d: Planes}


class Textbook:
    """A row's networks, trained plainly. `play()` yields the images seen after every step, for ever."""

    def __init__(self, name: str, data: Dataset, images: int | None = None) -> None:
        found = preset(name)
        config = found.config.with_overrides({"images": images} if images else {})
        self.system = found.system(data.spec, config)
        for layer in self.system.modules():
            layer.__class__ = PLAIN.get(type(layer), type(layer))
        self.loader = DataLoader(Images(data), config.batch, shuffle=True, drop_last=True)
        self.classes, self.history = len(data.labels), []
        self.step = FAMILIES[SYSTEMS[name].path.split(":")[1]](self.system)

    def play(self) -> Iterator[int]:
        images = 0
        while True:
            for x, labels in self.loader:
                self.history.append(self.step(x, F.one_hot(labels, self.classes).float()))
                images += len(x)
                yield images


def gan(system: System, D: Callable[[Tensor, Tensor], Tensor] | None = None) -> Step:
    """The game of every row with a sigmoid: each half of D's loss and G's loss by BCELoss."""
    G, D, bce = system.generator, D or system.D, nn.BCELoss()
    g, d = optimizer(system, "g"), optimizer(system, "d")

    def step(x: Tensor, y: Tensor) -> dict[str, float]:
        ones, zeros = torch.ones(len(x), 1), torch.zeros(len(x), 1)
        d.zero_grad()
        y_fake = fake_labels(system, y)
        fake = G(draw(system.prior, len(x)), y_fake)
        loss_d = (bce(torch.sigmoid(D(x, y)), ones) + bce(torch.sigmoid(D(fake.detach(), y_fake)), zeros)) / 2
        loss_d.backward()
        d.step()
        system.players["d"].after_move()

        g.zero_grad()
        y_fake = fake_labels(system, y)
        loss_g = bce(torch.sigmoid(D(G(draw(system.prior, len(x)), y_fake), y_fake)), ones)
        loss_g.backward()
        g.step()
        return {"loss/d": loss_d.item(), "loss/g": loss_g.item()}

    return step


def gan_without_label(system: System) -> Step:
    return gan(system, lambda x, y: system.D(x))


def wgan_gp(system: System) -> Step:
    """A batch a call; the generator moves after every `critic_steps` of them."""
    G, D, cfg, count = system.generator, system.D, system.cfg, 0
    g, c = optimizer(system, "g"), optimizer(system, "c")

    def step(x: Tensor, y: Tensor) -> dict[str, float]:
        nonlocal count
        c.zero_grad()
        fake = G(draw(system.prior, len(x)), y).detach()
        share = torch.rand(len(x), 1, 1, 1)
        between = (share * x + (1 - share) * fake).requires_grad_()
        scores = D(between, y)
        (slope,) = torch.autograd.grad(scores, between, torch.ones_like(scores), create_graph=True)
        penalty = ((slope.view(len(x), -1).norm(2, dim=1) - 1) ** 2).mean()
        loss_c = D(fake, y).mean() - D(x, y).mean() + cfg.penalty_weight * penalty
        loss_c.backward()
        c.step()
        count += 1
        if count % cfg.critic_steps:
            return {"loss/c": loss_c.item()}
        g.zero_grad()
        loss_g = -D(G(draw(system.prior, len(x)), y), y).mean()
        loss_g.backward()
        g.step()
        return {"loss/c": loss_c.item(), "loss/g": loss_g.item()}

    return step


def vae(system: System) -> Step:
    """Sigmoid, then binary cross-entropy summed over the batch, plus the KL term."""
    optimize = optimizer(system, "vae")

    def step(x: Tensor, y: Tensor) -> dict[str, float]:
        optimize.zero_grad()
        mu, logvar = system.encode(x, y)
        z = mu + torch.exp(logvar / 2) * torch.randn_like(mu)
        out = torch.sigmoid(system.decoder.logits(z, y))
        loss = F.binary_cross_entropy(out, (x + 1) / 2, reduction="sum")
        loss = loss - 0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp())
        loss.backward()
        optimize.step()
        return {"loss/vae": loss.item()}

    return step


def swift(system: System) -> Step:
    """R3GAN's loss, real, fake and mismatched through D apart; the penalty and the step size as in the row."""
    G, D, cfg, images = system.generator, system.D, system.cfg, 0
    g, d = optimizer(system, "g"), optimizer(system, "d")

    def step(x: Tensor, y: Tensor) -> dict[str, float]:
        nonlocal images
        for group in [*g.param_groups, *d.param_groups]:
            group["lr"] = cfg.lr_at(images)
        d.zero_grad()
        fake = G(draw(system.prior, len(x)), y)
        penalised = images // len(x) % cfg.penalty_every == 0
        x.requires_grad_(penalised)
        real = D(x, y)
        loss_d = F.softplus(D(fake.detach(), y) - real).mean()
        if penalised:
            (slope,) = torch.autograd.grad(real.sum(), x, create_graph=True)
            loss_d = loss_d + cfg.penalty_every * cfg.penalty_weight / 2 * (slope**2).sum((1, 2, 3)).mean()
        loss_d = loss_d + cfg.mismatch * F.softplus(D(x, y.roll(1, 0)) - real).mean()
        loss_d.backward()
        d.step()

        g.zero_grad()
        fake = G(draw(system.prior, len(x)), y)
        loss_g = F.softplus(D(x, y) - D(fake, y)).mean()
        loss_g.backward()
        g.step()
        images += len(x)
        return {"loss/d": loss_d.item(), "loss/g": loss_g.item()}

    return step


FAMILIES = {"GAN": gan_without_label, "CGAN": gan, "DCGAN": gan, "VAE": vae, "CWGANGP": wgan_gp, "Swift": swift}


def optimizer(system: System, player: str) -> torch.optim.Adam:
    """torch's Adam with the row's settings, as `torch.optim.Adam(net.parameters(), lr=...)` makes it."""
    settings = dict(system.players[player].make_optimizer.keywords)
    return torch.optim.Adam(system.players[player].net.parameters(), **settings)


def fake_labels(system: System, y: Tensor) -> Tensor:
    return system.labels_like(y) if hasattr(system, "labels_like") else y
