"""Differentiable augmentation for small data: the discriminator sees real and drawn pictures through the same changes.

    diff        every picture, always: DiffAugment (Zhao et al. 2020, arXiv 2006.10738, section 3.2)
    adaptive    each change with probability p, and p follows how sure D is of real pictures: ADA (Karras et al. 2020,
                arXiv 2006.06676, section 3.1)

The changes are DiffAugment's: translation by up to an eighth of the side, a cut-out square of half the side, colour
(brightness, saturation, contrast); and a mirror, which is never on unless asked for: it turns no digit into itself.

Deviations from ADA: DiffAugment's changes instead of its eighteen; p moves every step, not every fourth, and reaches at
most 0.8, beyond which the paper finds that changes leak into drawn pictures; 100,000 images from 0 to 1 (the paper's
500,000 are for trainings a hundred times as long).
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from condgen import config, parallel
from condgen.config import Adversarial
from condgen.spec import Spec

HIGHEST = 0.8
"""Of p."""


class Augment(nn.Module):
    """x (b, c, h, w) -> the same with random changes, gradients flowing through. p is part of the checkpoint."""

    p: Tensor

    def __init__(self, spec: Spec, cfg: Adversarial) -> None:
        super().__init__()
        self.cfg = cfg
        chosen = cfg.transforms.split(",") if cfg.transforms else safe(spec)
        self.transforms = [TRANSFORMS[name] for name in chosen] if cfg.augmentation != "none" else []
        self.adaptive = cfg.augmentation == "adaptive"
        if self.adaptive:
            self.register_buffer("p", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        for change in self.transforms:
            changed = change(x)
            if self.adaptive:
                chosen = torch.rand(len(x), 1, 1, 1, device=x.device) < self.p
                changed = torch.where(chosen, changed, x)
            x = changed
        return x

    @torch.no_grad()
    def adapt(self, scores: Tensor) -> None:
        """Move p by what D says of a batch of real pictures: up where it is too sure of them (Karras et al., Eq. 1).

        scores: (b, 1), above 0 where D says real; of a critic or a relativistic D, over a drawn picture's.
        """
        if self.adaptive:
            sure, step = scores.sign().mean(), len(scores) * parallel.world_size() / self.cfg.ada_images
            parallel.average([sure])
            self.p.add_(torch.sign(sure - self.cfg.ada_target) * step).clamp_(0, HIGHEST)

    @property
    def logs(self) -> dict[str, Tensor]:
        """p, where it moves."""
        return {"augment/p": self.p.clone()} if self.adaptive else {}


def safe(spec: Spec) -> tuple[str, ...]:
    """Changes after which a label still holds: colour only of pictures that have one, and never a mirror."""
    return ("translation", "cutout") if spec.channels == 1 else ("color", "translation", "cutout")


def color(x: Tensor) -> Tensor:
    """Brightness by up to a quarter of the range, saturation by 0 to 2, contrast by 0.5 to 1.5, each picture alone."""
    brightness, saturation, contrast = torch.rand(3, len(x), 1, 1, 1, device=x.device)
    x = x + brightness - 0.5
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * 2 * saturation
    mean = x.mean((1, 2, 3), keepdim=True)
    changed: Tensor = mean + (x - mean) * (contrast + 0.5)
    return changed


def translation(x: Tensor) -> Tensor:
    """Each picture moved by up to an eighth of its sides; middle grey comes in."""
    (b, _, h, w), at = x.shape, x.device
    down, right = (torch.randint(-max(1, side // 8), max(1, side // 8) + 1, (b, 1, 1), device=at) for side in (h, w))
    rows = (torch.arange(h, device=at)[None, :, None] + down + 1).clamp(0, h + 1)
    columns = (torch.arange(w, device=at)[None, None] + right + 1).clamp(0, w + 1)
    padded = F.pad(x, (1, 1, 1, 1)).permute(0, 2, 3, 1)
    moved: Tensor = padded[torch.arange(b, device=at)[:, None, None], rows, columns]
    return moved.permute(0, 3, 1, 2)


def cutout(x: Tensor) -> Tensor:
    """A square of half the sides, centred anywhere, is middle grey."""
    inside = torch.ones((), dtype=torch.bool, device=x.device)
    for axis, side in ((2, x.shape[2]), (3, x.shape[3])):
        centre = torch.randint(0, side, (len(x), 1, 1, 1), device=x.device)
        along = torch.arange(side, device=x.device).view([-1 if axis == a else 1 for a in range(4)])
        inside = inside & ((along - centre).abs() * 4 < side)
    return x.masked_fill(inside, 0.0)


def mirror(x: Tensor) -> Tensor:
    """Left and right exchanged, half of the time."""
    return torch.where(torch.rand(len(x), 1, 1, 1, device=x.device) < 0.5, x.flip(3), x)


TRANSFORMS: dict[str, Callable[[Tensor], Tensor]] = dict(
    zip(config.TRANSFORMS, (color, translation, cutout, mirror), strict=True)
)
