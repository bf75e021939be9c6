"""Flow: rectified flow on image patches, with classifier-free guidance, designed for short trainings on two CPU cores.

A network receives an image mixed with noise, the proportion of both, and the label, and predicts the image
(x-prediction: Li & He 2025, arXiv 2511.13720). The velocity of the mixture follows from the prediction, and a latent
vector becomes an image by following the velocity from pure noise to the image (Lipman et al. 2023, arXiv 2210.02747;
Liu et al. 2023, arXiv 2209.03003), in a few steps of a solver. Some labels are left out in training, so that the
generator can move away from what the network predicts without a label (classifier-free guidance: Ho & Salimans 2022,
arXiv 2207.12598), on the first part of the path (Kynkäänniemi et al. 2024, arXiv 2404.07724).

Deviations: the network is one of residual 3x3 convolutions on a map of 4x4 patches, not a transformer. The error of an
image has the weight 1 / (1 - t), between that of x-prediction, 1, and that of velocities, its square. The loss of a
pixel is a cross-entropy. The learning rate warms up linearly, and decays linearly to 0. docs/systems/flow.md has the
ablations.
"""

from math import log
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveFloat
from torch import Tensor, nn

from condgen.config import Choice, Depth, Fraction, Images, Span, Width
from condgen.config import Config as BaseConfig
from condgen.nets.denoiser import Denoiser
from condgen.nets.patches import SIDE
from condgen.nets.solver import solve, stages
from condgen.noise import batch_noise, draw, draw_at
from condgen.options import Option, Values
from condgen.spec import Prior, Spec
from condgen.system import Batches, Paper, Player, System, adam, descend, logged

ENCODED_AT, ENCODING_STEPS = 0.9, 16
"""The time at which the way back from an image begins, and the steps of Heun's solver to time 0."""
NEAREST = 0.05
"""Smallest value of 1 - t in the weight of the loss (Li & He 2025)."""
NARROWEST = 32
"""Smallest number of channels of the feature map by default."""


class Config(BaseConfig):
    """Settings of Flow."""

    images: Images = 240_000
    """Training length, in images. The data set is repeated as often as needed."""
    width: Width | None = None
    """Channels of the feature map. Default: as many as a patch has numbers, and at least 32: 32 for grey images, 48 for
    colour images."""
    blocks: Depth = 6
    """Residual convolutions."""
    condition: Width = 128
    """Dimension of the embedding of time and label."""
    loss: Literal["cross_entropy", "squared"] = "cross_entropy"
    """Loss of a pixel. Both have the mean of the possible images as optimum. With cross_entropy, predictions stay in
    the range of pixels."""
    label_dropout: Fraction = 0.1
    """Fraction of the images whose label is left out in training, for guidance."""
    time_median: Annotated[float, Field(gt=0, lt=1)] = 0.31
    """Median of the training times, which are logit-normal; time 0 is noise, time 1 is the image."""
    time_spread: PositiveFloat = 1.0
    """Standard deviation of the training times before the sigmoid."""
    lr: PositiveFloat = 2e-3
    """Peak learning rate (Adam), between warm-up and decay."""
    warmup: Span = 4_000
    """Learning-rate warm-up, in images."""
    decay: Fraction = 0.6
    """Fraction of the training, at its end, over which the learning rate decays linearly to 0."""
    beta1: Fraction = 0.9
    """Adam's beta1."""
    beta2: Fraction = 0.99
    """Adam's beta2."""

    def choices(self, spec: Spec, images: int | None = None) -> list[Choice]:
        """See `Config.choices`."""
        return [Choice("width", max(NARROWEST, SIDE**2 * spec.channels))] if self.width is None else []

    def lr_at(self, images: int) -> float:
        """The learning rate after `images`."""
        return self.warmed_up(images, self.lr, self.warmup, self.decay)


GUIDANCE = Option(
    name="guidance",
    help="Scale of classifier-free guidance: 1 is the model as trained; more follows labels more strictly, with less "
    "variety.",
    default=1.5,
    minimum=0.0,
    maximum=10.0,
)
INTERVAL = Option(
    name="guidance_interval",
    help="Part of the path from noise to image, from its start, on which guidance acts.",
    default=1.0,
    minimum=0.0,
    maximum=1.0,
)
STEPS = Option(name="steps", help="Steps of the solver from noise to image.", default=4, minimum=1, maximum=32)
SOLVER = Option(
    name="solver",
    help="heun evaluates the network twice a step, and once in the last; euler once a step.",
    default="heun",
    choices=("heun", "euler"),
)


class Generator(nn.Module):
    """z (b, pixels) and the label -> the image at the end of the path that begins at z."""

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__()
        assert cfg.width is not None
        self.spec, self.net = spec, Denoiser(spec, cfg.width, cfg.blocks, cfg.condition)
        self.has_logits = cfg.loss == "cross_entropy"

    def forward(
        self,
        z: Tensor,
        y: Tensor,
        guidance: float | Tensor,
        guidance_interval: float | Tensor,
        steps: int,
        solver: str,
    ) -> Tensor:
        label = signed(y, self.spec)

        def velocity(x: Tensor, t: float | Tensor) -> Tensor:
            return self.velocity(x, t, label, scale_at(t, guidance, guidance_interval))

        x = z.unflatten(1, self.spec.shape).contiguous(memory_format=torch.channels_last)
        return solve(velocity, x, stages(solver, steps)).clamp(-1, 1)

    def velocity(self, x: Tensor, t: float | Tensor, label: Tensor, scale: float | Tensor = 1.0) -> Tensor:
        """dx/dt at x (b, c, h, w) and time t, under guidance of this scale."""
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


def scale_at(t: float | Tensor, guidance: float | Tensor, interval: float | Tensor) -> float | Tensor:
    """The scale of guidance at time t. In an exported program, times and options are tensors."""
    if isinstance(t, Tensor):
        return torch.where(t < interval, guidance, 1.0)
    return guidance if t < interval else 1.0


def signed(y: Tensor, spec: Spec) -> Tensor:
    """The label as the network receives it, so that zeros mean that nothing is known: one-hot for a class; 1, -1 and 0
    for an attribute that is present, absent and unknown, which y has as 1, 0 and 0.5."""
    return y if spec.labels.kind == "classes" else 2 * y - 1


class Flow(System):
    """min E |D(x_t, t, y) - x|^2 / (1 - t) for x_t = t x + (1 - t) z; its velocity: (D(x_t, t, y) - x_t) / (1 - t)."""

    options: ClassVar = (GUIDANCE, INTERVAL, STEPS, SOLVER)
    reconstruction: ClassVar[Values] = {"guidance": 1.0, "steps": 8}
    passes = 14
    """Seven stages of four steps, each with and without the label."""
    paper: ClassVar = Paper(
        "Lipman et al. 2023, arXiv 2210.02747; Li & He 2025, arXiv 2511.13720",
        """@inproceedings{lipman2023flow,
  title     = {Flow Matching for Generative Modeling},
  author    = {Lipman, Yaron and Chen, Ricky T. Q. and Ben-Hamu, Heli and Nickel, Maximilian and Le, Matt},
  booktitle = {International Conference on Learning Representations},
  year      = {2023}
}
@article{li2025back,
  title   = {Back to Basics: Let Denoising Generative Models Denoise},
  author  = {Li, Tianhong and He, Kaiming},
  journal = {arXiv preprint arXiv:2511.13720},
  year    = {2025}
}""",
    )

    cfg: Config

    def __init__(self, spec: Spec, cfg: Config) -> None:
        cfg = cfg.chosen_for(spec)
        super().__init__(spec, cfg)
        self.prior = Prior(spec.pixels)
        self.G = Generator(spec, cfg)
        self.players = {"flow": Player(self.G, adam(cfg.lr, (cfg.beta1, cfg.beta2)))}

    @property
    def generator(self) -> nn.Module:
        return self.G

    def encode(self, x: Tensor, y: Tensor) -> Tensor:
        """See `System.encode`: the path through x, followed backwards without guidance.

        It begins at time 0.9, at a mixture of x and noise, which is the same for all images. Images themselves are no
        points of paths: where all of them are black, the path through an image would lead to a z without noise.
        """
        noise = draw_at(self.prior, 0, [0]).to(x.device).view(1, *x.shape[1:])
        label = signed(y, self.spec)
        mixed = torch.lerp(noise, x, ENCODED_AT).contiguous(memory_format=torch.channels_last)
        back = stages("heun", ENCODING_STEPS, ENCODED_AT, 0)
        return solve(lambda point, t: self.G.velocity(point, t, label), mixed, back).flatten(1)

    def step(self, batches: Batches, images: int) -> dict[str, Tensor]:
        player, cfg = self.players["flow"], self.cfg
        player.set_lr(cfg.lr_at(images))
        x, y = next(batches)
        known = batch_noise(torch.rand, len(x), 1, device=x.device) >= cfg.label_dropout
        middle, spread = log(cfg.time_median / (1 - cfg.time_median)), cfg.time_spread
        t = torch.sigmoid(middle + spread * batch_noise(torch.randn, len(x), device=x.device))
        z = draw(self.prior, len(x), x.device).view_as(x)
        left = (1 - t)[:, None, None, None]
        out = self.G.net(torch.lerp(x, z, left), t, signed(y, self.spec) * known)
        loss = (self.G.losses(out, x) / left.clamp(min=NEAREST)).mean()
        descend((player, loss))
        return logged(loss_flow=loss, loss_image=(self.G.image(out) - x).square().mean())
