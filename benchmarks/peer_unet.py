"""A class-conditional diffusion model in the usual form of courses, as a peer for `modern.py`: DDPM with a small U-Net.

    python benchmarks/modern.py WORK --systems peer_unet:DDPM

It is written from the papers: the network predicts the noise (Ho et al. 2020, arXiv 2006.11239) in a U-Net of residual
blocks with group norm, SiLU, time embedding and self-attention on the smallest map; the label is an embedding that is
added to that of the time (Dhariwal & Nichol 2021, arXiv 2105.05233). 1,000 noise levels, sampled in 50 steps of DDIM
(Song et al. 2020, arXiv 2010.02502) from z alone. Widths are those of courses at 28x28: 32, 64 and 64 channels.
"""

from math import log
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import PositiveFloat
from torch import Tensor, nn

from condgen.config import Config as BaseConfig
from condgen.config import Images, Repeats
from condgen.nets.condition import LabelEmbedding
from condgen.noise import batch_noise, draw
from condgen.spec import Prior, Spec
from condgen.system import Batches, Paper, Player, System, adam, descend, logged

WIDTHS, CONDITION, GROUPS, LEVELS = (32, 64, 64), 128, 8, 1000


class Config(BaseConfig):
    """Settings of the peer."""

    images: Images = 600_000
    """Training length, in images."""
    lr: PositiveFloat = 1e-3
    """Learning rate (Adam)."""
    steps: Repeats = 50
    """Steps of DDIM for an image."""


class Block(nn.Module):
    """A residual block of two convolutions; the condition is added between them."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(before, after, 3, padding=1), nn.Conv2d(after, after, 3, padding=1)
        self.norm1, self.norm2 = nn.GroupNorm(GROUPS, before), nn.GroupNorm(GROUPS, after)
        self.condition = nn.Linear(CONDITION, after)
        self.skip = nn.Conv2d(before, after, 1) if before != after else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        h = self.first(F.silu(self.norm1(x))) + self.condition(condition)[:, :, None, None]
        out: Tensor = self.skip(x) + self.second(F.silu(self.norm2(h)))
        return out


class Attention(nn.Module):
    """Self-attention over all positions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm, self.heads = nn.GroupNorm(GROUPS, channels), nn.MultiheadAttention(channels, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(x).flatten(2).transpose(1, 2)  # (b, positions, channels)
        h, _ = self.heads(h, h, h, need_weights=False)
        return x + h.transpose(1, 2).view_as(x)


class UNet(nn.Module):
    """x (b, c, h, w), level (b,) and label vectors (b, K) -> the noise in x."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.label = LabelEmbedding(len(spec.labels), CONDITION)
        self.time = nn.Sequential(nn.Linear(64, CONDITION), nn.SiLU(), nn.Linear(CONDITION, CONDITION))
        self.first = nn.Conv2d(spec.channels, WIDTHS[0], 3, padding=1)
        self.down = nn.ModuleList(Block(a, b) for a, b in zip(WIDTHS, (*WIDTHS[1:], WIDTHS[-1]), strict=True))
        self.attention = Attention(WIDTHS[-1])
        ups = zip((64, 64, 64), (64, 64, 32), strict=True)  # from the smallest map to the largest
        self.up = nn.ModuleList(Block(2 * before, after) for before, after in ups)
        out = nn.Conv2d(WIDTHS[0], spec.channels, 3, padding=1)
        self.last = nn.Sequential(nn.GroupNorm(GROUPS, WIDTHS[0]), nn.SiLU(), out)

    def forward(self, x: Tensor, level: Tensor, label: Tensor) -> Tensor:
        angles = level[:, None] * torch.exp(-log(10_000) * torch.arange(32, device=x.device) / 32)
        condition = F.silu(self.time(torch.cat([angles.sin(), angles.cos()], 1)) + self.label(label))
        h, kept = self.first(x), list[Tensor]()
        for block in self.down:
            h = block(h, condition)
            kept.append(h)
            h = F.avg_pool2d(h, 2) if block is not self.down[-1] else self.attention(h)
        for block in self.up:
            skip = kept.pop()
            h = F.interpolate(h, skip.shape[2:]) if h.shape[2:] != skip.shape[2:] else h
            h = block(torch.cat([h, skip], 1), condition)
        out: Tensor = self.last(h)
        return out


class Generator(nn.Module):
    """z and the label -> the image at the end of DDIM's steps (eta = 0)."""

    def __init__(self, spec: Spec, steps: int) -> None:
        super().__init__()
        self.spec, self.steps, self.net = spec, steps, UNet(spec)
        beta = torch.linspace(1e-4, 0.02, LEVELS)
        self.register_buffer("kept", (1 - beta).cumprod(0))  # alpha bar

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        x, levels = z.view(-1, *self.spec.shape), torch.linspace(LEVELS - 1, 0, self.steps).long().tolist()
        for level, after in zip(levels, [*levels[1:], None], strict=True):
            noise, kept = self.net(x, x.new_full((1,), level), y), self.kept[level]
            image = ((x - (1 - kept).sqrt() * noise) / kept.sqrt()).clamp(-1, 1)
            if after is None:
                break
            x = self.kept[after].sqrt() * image + (1 - self.kept[after]).sqrt() * noise
        return image


class DDPM(System):
    """min E |noise - net(x_t, t, y)|^2 for x_t = sqrt(a_t) x + sqrt(1 - a_t) noise."""

    paper: ClassVar = Paper("Ho et al. 2020, arXiv 2006.11239", "@misc{ho2020denoising}")
    still_parameters = ()

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__(spec, cfg)
        self.prior, self.passes = Prior(spec.pixels), cfg.steps
        self.G = Generator(spec, cfg.steps)
        self.players = {"unet": Player(self.G, adam(cfg.lr))}

    @property
    def generator(self) -> nn.Module:
        return self.G

    def step(self, batches: Batches, images: int) -> dict[str, Tensor]:
        x, y = next(batches)
        level = (batch_noise(torch.rand, len(x), device=x.device) * LEVELS).long()
        noise = draw(self.prior, len(x), x.device).view_as(x)
        kept = self.G.kept[level][:, None, None, None]
        out = self.G.net(kept.sqrt() * x + (1 - kept).sqrt() * noise, level, y)
        loss = F.mse_loss(out, noise)
        descend((self.players["unet"], loss))
        return logged(loss_unet=loss)
