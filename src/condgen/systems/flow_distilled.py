"""Distilled flow: a rectified flow whose guided path is learnt in few passes through the network.

The first part of a training is that of `flow`. Then a copy of the network becomes the teacher: with guidance, it
follows each section of the path in several steps (progressive distillation: Salimans & Ho 2022, arXiv 2202.00512; of a
guided model: Meng et al. 2022, arXiv 2210.03142). The network learns to reach the end of a section in one step of
Euler's method, without guidance. An image then costs as many passes as the path has sections.

Deviations: the sections have their final length at once, instead of being halved repeatedly. Guidance has one scale,
which is a setting. Half of the points at which a section begins are points of the network's own path, instead of
mixtures of images and noise: its errors in a section are corrected in the next. docs/systems/flow.md has the figures.
"""

from typing import Annotated, ClassVar

import torch
from pydantic import Field as Bounds
from pydantic import PositiveFloat
from torch import Tensor, nn

from condgen.config import FlowMatching, Images, Repeats
from condgen.nets.field import Field, scale_at, signed
from condgen.nets.frozen import frozen
from condgen.nets.solver import solve, stages
from condgen.noise import common_offsets, draw
from condgen.spec import Prior, Spec
from condgen.system import Batches, Paper, Player, System, adam, descend, logged

TEACHER_STEPS = 2
"""Steps of Heun's solver by which the teacher follows a section."""


class Config(FlowMatching):
    """Settings of the distilled flow."""

    images: Images = 300_000
    """Training length, in images, of both parts together. An image of the second takes four times as long."""
    distilled: Annotated[float, Bounds(gt=0, lt=1)] = 0.2
    """Fraction of the training, at its end, that is distillation."""
    passes: Repeats = 4
    """Sections of the path, which are passes through the network for an image."""
    guidance: Annotated[float, Bounds(ge=0, le=10)] = 1.5
    """Scale of the teacher's classifier-free guidance, which becomes part of the weights."""
    guidance_interval: Annotated[float, Bounds(ge=0, le=1)] = 0.75
    """Part of the path from noise to image, from its start, on which guidance acts."""
    distillation_lr: PositiveFloat = 1e-3
    """Learning rate at the beginning of the distillation. It decays linearly to 0."""

    @property
    def before(self) -> int:
        """Images of the training before the distillation: a whole number of batches."""
        return round(self.images * (1 - self.distilled) / self.batch) * self.batch

    def lr_at(self, images: int) -> float:
        """The learning rate after `images`: both parts warm up and decay on their own."""
        if images < self.before:
            return self.warmed_up(images, self.lr, self.warmup, self.decay, self.before)
        length = self.images - self.before
        return self.warmed_up(images - self.before, self.distillation_lr, self.warmup, 1.0, length)


class Generator(Field):
    """z (b, pixels) and the label -> the image that Euler's method reaches in `passes` steps."""

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__(spec, cfg)
        self.passes = cfg.passes

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.after(self.passes, z, y).clamp(-1, 1)

    def after(self, sections: int, z: Tensor, y: Tensor) -> Tensor:
        """The point of the path from z after this number of sections, (b, c, h, w)."""
        label = signed(y, self.spec)
        x = z.unflatten(1, self.spec.shape).contiguous(memory_format=torch.channels_last)
        way = stages("euler", self.passes)[:sections]
        return solve(lambda point, t: self.velocity(point, t, label), x, way)


class FlowDistilled(System):
    """`flow`, then min E |D(x_t, t, y) - goal|^2, where one step towards the goal ends where several guided steps of
    the teacher end."""

    paper: ClassVar = Paper(
        "Salimans & Ho 2022, arXiv 2202.00512; Meng et al. 2022, arXiv 2210.03142",
        """@inproceedings{salimans2022progressive,
  title     = {Progressive Distillation for Fast Sampling of Diffusion Models},
  author    = {Salimans, Tim and Ho, Jonathan},
  booktitle = {International Conference on Learning Representations},
  year      = {2022}
}
@article{meng2022distillation,
  title   = {On Distillation of Guided Diffusion Models},
  author  = {Meng, Chenlin and Rombach, Robin and Gao, Ruiqi and Kingma, Diederik P. and Ermon, Stefano and Ho, Jonathan
             and Salimans, Tim},
  journal = {arXiv preprint arXiv:2210.03142},
  year    = {2022}
}""",
    )

    cfg: Config

    def __init__(self, spec: Spec, cfg: Config) -> None:
        cfg = cfg.chosen_for(spec)
        super().__init__(spec, cfg)
        self.prior, self.passes = Prior(spec.pixels), cfg.passes
        self.G = Generator(spec, cfg)
        self.teacher = frozen(self.G)
        self.parts = ((1 - cfg.distilled, 0), (cfg.distilled, cfg.before))
        self.players = {"flow": Player(self.G, adam(cfg.lr, (cfg.beta1, cfg.beta2)))}

    @property
    def generator(self) -> nn.Module:
        return self.G

    def step(self, batches: Batches, images: int) -> dict[str, Tensor]:
        player, cfg = self.players["flow"], self.cfg
        player.set_lr(cfg.lr_at(images))
        x, y = next(batches)
        if images < cfg.before:
            loss, error = self.G.flow_loss(x, y, cfg)
        else:
            if images - cfg.batch < cfg.before:  # the first step of the distillation
                self.teacher.load_state_dict(self.G.state_dict())
            loss = self.distillation_loss(x, y)
            error = loss.clone()  # a checkpoint takes no two names of the same memory
        descend((player, loss))
        return logged(loss_flow=loss, loss_image=error)

    def distillation_loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Mean squared error of the prediction to the goal, at the beginning of a random section of the path."""
        (section,), (own,) = common_offsets(self.cfg.passes, 1), common_offsets(2, 1)
        t, label = section / self.cfg.passes, signed(y, self.spec)
        z = draw(self.prior, len(x), x.device)
        with torch.no_grad():
            start = self.G.after(section, z, y) if own else torch.lerp(z.view_as(x), x, t)
            goal = self.goal(start, section, label)
        torch.clear_autocast_cache()  # which holds copies of the weights without gradients
        return (self.G.predict(start, t, label, 1.0) - goal).square().mean()

    def goal(self, start: Tensor, section: int, label: Tensor) -> Tensor:
        """The prediction at `start` with which one step of Euler's method ends where the teacher's steps end. Images
        are in [-1, 1], so that it is clamped."""
        cfg, t, end = self.cfg, section / self.cfg.passes, (section + 1) / self.cfg.passes

        def velocity(point: Tensor, at: float | Tensor) -> Tensor:
            return self.teacher.velocity(point, at, label, scale_at(at, cfg.guidance, cfg.guidance_interval))

        ends = solve(velocity, start, stages("heun", TEACHER_STEPS, t, end))
        return (start + (ends - start) * (1 - t) / (end - t)).clamp(-1, 1)
