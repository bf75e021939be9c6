"""Differentiable augmentation of real and generated images at the discriminator's input, for small data sets.

    diff        always applied: DiffAugment (Zhao et al. 2020, arXiv 2006.10738, section 3.2)
    adaptive    each transform is applied with probability p, which follows the overfitting of D: ADA (Karras et al.
                2020, arXiv 2006.06676, section 3.1)

The transforms are those of DiffAugment: translation by up to an eighth of the side, cutout of a square of half the
side, and colour (brightness, saturation, contrast). A horizontal flip (mirror) is available but off by default, since
it does not preserve all labels, such as digits.

Deviations from ADA: the transforms of DiffAugment instead of its eighteen; p is updated in every step, not every
fourth, and is at most 0.8, above which the paper finds that augmentations leak into generated images; p rises from 0 to
1 within 100,000 images (the paper's 500,000 are for trainings a hundred times as long).
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from condgen import config, parallel
from condgen.config import Adversarial
from condgen.spec import Spec

HIGHEST = 0.8
"""Upper bound of p."""


class Augment(nn.Module):
    """Images x (b, c, h, w) -> augmented images; differentiable. The probability p is part of the checkpoint."""

    p: Tensor
    step = 1
    """Translations are multiples of this number of pixels."""

    def __init__(self, spec: Spec, cfg: Adversarial) -> None:
        super().__init__()
        self.cfg = cfg
        chosen = cfg.transforms.split(",") if cfg.transforms else safe(spec)
        self.transforms = [TRANSFORMS[name] for name in chosen] if cfg.augmentation in ("diff", "adaptive") else []
        self.adaptive = cfg.augmentation == "adaptive"
        if self.adaptive:
            self.register_buffer("p", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        for transform in self.transforms:
            augmented = translation(x, self.step) if transform is translation else transform(x)
            if self.adaptive:
                chosen = torch.rand(len(x), 1, 1, 1, device=x.device) < self.p
                augmented = torch.where(chosen, augmented, x)
            x = augmented
        return x

    @torch.no_grad()
    def adapt(self, scores: Tensor) -> None:
        """Update p by the overfitting heuristic E[sign D(real)] (Karras et al., Eq. 1): p rises while it is above
        target.

        scores: D(real) of one batch, (b, 1); for a critic or relativistic D, the difference D(real) - D(fake).
        """
        if self.adaptive:
            heuristic, step = scores.sign().mean(), len(scores) * parallel.world_size() / self.cfg.ada_images
            parallel.average([heuristic])
            self.p.add_(torch.sign(heuristic - self.cfg.ada_target) * step).clamp_(0, HIGHEST)

    @property
    def logs(self) -> dict[str, Tensor]:
        """p to log, if it is adaptive."""
        return {"augment/p": self.p.clone()} if self.adaptive else {}


def safe(spec: Spec) -> tuple[str, ...]:
    """Names of the transforms that preserve labels: color for colour images only, and never mirror."""
    return ("translation", "cutout") if spec.channels == 1 else ("color", "translation", "cutout")


def color(x: Tensor) -> Tensor:
    """Per image: brightness ± 0.5 (a quarter of the range), saturation times 0 to 2, contrast times 0.5 to 1.5."""
    brightness, saturation, contrast = torch.rand(3, len(x), 1, 1, 1, device=x.device)
    if x.shape[1] == 4:
        return _color_with_alpha(x, brightness, saturation, contrast)
    x = x + brightness - 0.5
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * 2 * saturation
    mean = x.mean((1, 2, 3), keepdim=True)
    augmented: Tensor = mean + (x - mean) * (contrast + 0.5)
    return augmented


def _color_with_alpha(x: Tensor, brightness: Tensor, saturation: Tensor, contrast: Tensor) -> Tensor:
    """`color` of images with alpha, whose colours are multiplied by it (stream.py).

    Alpha does not change, and colours change in proportion to it: what is transparent stays transparent.
    """
    alpha = (x[:, 3:] + 1) / 2
    colour = x[:, :3] + 1 - alpha  # in [-alpha, alpha], where 0 is mid-grey
    colour = colour + (brightness - 0.5) * alpha
    grey = colour.mean(1, keepdim=True)
    colour = grey + (colour - grey) * 2 * saturation
    mean = colour.mean((1, 2, 3), keepdim=True) / alpha.mean((1, 2, 3), keepdim=True).clamp(min=0.01) * alpha
    colour = mean + (colour - mean) * (contrast + 0.5)
    return torch.cat([colour - 1 + alpha, x[:, 3:]], 1)


def translation(x: Tensor, step: int = 1) -> Tensor:
    """Per image: translation by up to an eighth of the sides, filled with 0: mid-grey, and half transparent.

    step: the distance is a multiple of it, in pixels, and may be one step if that is more than an eighth of the sides.
    """
    (b, _, h, w), at = x.shape, x.device
    steps = [max(1, side // 8 // step) for side in (h, w)]
    down, right = (step * torch.randint(-most, most + 1, (b, 1, 1), device=at) for most in steps)
    rows = (torch.arange(h, device=at)[None, :, None] + down + 1).clamp(0, h + 1)
    columns = (torch.arange(w, device=at)[None, None] + right + 1).clamp(0, w + 1)
    padded = F.pad(x, (1, 1, 1, 1)).permute(0, 2, 3, 1)
    moved: Tensor = padded[torch.arange(b, device=at)[:, None, None], rows, columns]
    return moved.permute(0, 3, 1, 2)


def cutout(x: Tensor) -> Tensor:
    """Per image: a rectangle of half the sides, centred at a random pixel, is filled with 0 as in `translation`."""
    inside = torch.ones((), dtype=torch.bool, device=x.device)
    for axis, side in ((2, x.shape[2]), (3, x.shape[3])):
        centre = torch.randint(0, side, (len(x), 1, 1, 1), device=x.device)
        along = torch.arange(side, device=x.device).view([-1 if axis == a else 1 for a in range(4)])
        inside = inside & ((along - centre).abs() * 4 < side)
    return x.masked_fill(inside, 0.0)


def mirror(x: Tensor) -> Tensor:
    """Per image: horizontal flip with probability 0.5."""
    return torch.where(torch.rand(len(x), 1, 1, 1, device=x.device) < 0.5, x.flip(3), x)


TRANSFORMS: dict[str, Callable[[Tensor], Tensor]] = dict(
    zip(config.TRANSFORMS, (color, translation, cutout, mirror), strict=True)
)
