"""The velocity field of a flow, from a denoiser: shared by the systems that train or distil one."""

from math import log

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from condgen.config import FlowMatching
from condgen.nets.denoiser import Denoiser
from condgen.noise import batch_noise
from condgen.spec import Spec

NEAREST = 0.05
"""Smallest value of 1 - t in the weight of the loss (Li & He 2025, arXiv 2511.13720)."""


class Field(nn.Module):
    """A network that predicts the image from a point of the path, the time and the label, as a velocity field."""

    def __init__(self, spec: Spec, cfg: FlowMatching) -> None:
        super().__init__()
        assert cfg.width is not None
        assert cfg.pixel_channels is not None
        self.spec = spec
        self.net = Denoiser(spec, cfg.width, cfg.blocks, cfg.condition, cfg.pixel_channels)
        self.has_logits = cfg.loss == "cross_entropy"

    def velocity(self, x: Tensor, t: float | Tensor, label: Tensor, scale: float | Tensor = 1.0) -> Tensor:
        """dx/dt at x (b, c, h, w) and time t, under guidance of this scale. label: see `signed`."""
        return (self.predict(x, t, label, scale) - x) / (1 - t)

    def predict(self, x: Tensor, t: float | Tensor, label: Tensor, scale: float | Tensor) -> Tensor:
        """The image that x leads to at time t, (b, c, h, w), under guidance of this scale."""
        time = t if isinstance(t, Tensor) else x.new_full((1,), t)  # the same for all images
        found = self.image(self.net(x, time, label))
        if isinstance(scale, float) and scale == 1:
            return found  # half the work
        return torch.lerp(self.image(self.net(x, time, torch.zeros_like(label))), found, scale)

    def image(self, out: Tensor) -> Tensor:
        """The image that an output of the network stands for: itself, or the mean of Bernoulli pixels with these
        logits, in [-1, 1]."""
        return torch.tanh(out / 2) if self.has_logits else out

    def losses(self, out: Tensor, x: Tensor) -> Tensor:
        """The loss of every pixel for images x, (b, c, h, w)."""
        if self.has_logits:
            return F.binary_cross_entropy_with_logits(out, (x + 1) / 2, reduction="none")
        return (out - x).square()

    def flow_loss(self, x: Tensor, y: Tensor, cfg: FlowMatching) -> tuple[Tensor, Tensor]:
        """E loss(D(x_t, t, y), x) / (1 - t) for x_t = t x + (1 - t) z, and the mean squared error of D, for images
        x (b, c, h, w) with labels y (b, K). Times, noise and the labels that are left out are random."""
        known = batch_noise(torch.rand, len(x), 1, device=x.device) >= cfg.label_dropout
        middle, spread = log(cfg.time_median / (1 - cfg.time_median)), cfg.time_spread
        t = torch.sigmoid(middle + spread * batch_noise(torch.randn, len(x), device=x.device))
        z = batch_noise(torch.randn, len(x), self.spec.pixels, device=x.device).view_as(x)
        left = (1 - t)[:, None, None, None]
        out = self.net(torch.lerp(x, z, left), t, signed(y, self.spec) * known)
        loss = (self.losses(out, x) / left.clamp(min=NEAREST)).mean()
        return loss, (self.image(out) - x).square().mean()


def scale_at(t: float | Tensor, guidance: float | Tensor, interval: float | Tensor) -> float | Tensor:
    """The scale of guidance at time t. In an exported program, times and options are tensors."""
    if isinstance(t, Tensor):
        return torch.where(t < interval, guidance, 1.0).to(t.dtype)
    return guidance if t < interval else 1.0


def signed(y: Tensor, spec: Spec) -> Tensor:
    """The label as the network receives it, so that zeros mean that nothing is known: one-hot for a class; 1, -1 and 0
    for an attribute that is present, absent and unknown, which y has as 1, 0 and 0.5."""
    return y if spec.labels.kind == "classes" else 2 * y - 1
