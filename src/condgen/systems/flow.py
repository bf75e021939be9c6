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

from typing import ClassVar

import torch
from torch import Tensor, nn

from condgen.config import FlowMatching
from condgen.nets.field import Field, scale_at, signed
from condgen.nets.solver import solve, stages
from condgen.noise import draw_at
from condgen.options import Option, Values
from condgen.spec import Prior, Spec
from condgen.system import Batches, Paper, Player, System, adam, descend, logged

ENCODED_AT, ENCODING_STEPS = 0.9, 16
"""The time at which the way back from an image begins, and the steps of Heun's solver to time 0."""


class Config(FlowMatching):
    """Settings of Flow."""


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
    default=0.75,
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


class Generator(Field):
    """z (b, pixels) and the label -> the image at the end of the path that begins at z."""

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


class Flow(System):
    """min E |D(x_t, t, y) - x|^2 / (1 - t) for x_t = t x + (1 - t) z; its velocity: (D(x_t, t, y) - x_t) / (1 - t)."""

    options: ClassVar = (GUIDANCE, INTERVAL, STEPS, SOLVER)
    reconstruction: ClassVar[Values] = {"guidance": 1.0, "steps": 8}
    passes = sum(1 + (stage.t < float(INTERVAL.default)) for stage in stages(str(SOLVER.default), int(STEPS.default)))
    """With the default options: a stage under guidance is evaluated with and without the label."""
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
        loss, error = self.G.flow_loss(*next(batches), cfg)
        descend((player, loss))
        return logged(loss_flow=loss, loss_image=error)
