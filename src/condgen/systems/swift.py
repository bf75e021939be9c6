"""Swift: a relativistic GAN on image patches, designed for one-minute trainings on two CPU cores.

The losses are those of R3GAN (Huang et al. 2024, arXiv 2501.05441): the discriminator is trained on the *difference*
between the scores of a real and a generated image of the same label, with an R1 gradient penalty at real images. Both
networks work on feature maps with one position per 4x4 patch (Shi et al. 2016, arXiv 1609.05158). z and the label
modulate every convolution of the generator (Chen et al. 2019, arXiv 1810.01365). The discriminator is a projection
discriminator (Miyato & Koyama 2018, arXiv 1802.05637) that is also trained on real images with mismatched labels (Reed
et al. 2016, arXiv 1605.05396). The ablations of these choices are in docs/systems/swift.md.

A 4x4 patch of a colour image holds 48 numbers, more than the 32 channels of a map. For colour images, the
discriminator therefore begins with a layer that has twice as many channels as a patch has numbers. The weights of this
layer belong to the frequencies of a patch, of which high ones are amplified, since real images have little of them. The
discriminator looks at the image shifted: in half of the steps by half a patch, so that borders of the generator's
patches are in the middle of its own, and otherwise by a random number of pixels, so that no other grid is special. In
the former steps, it knows so by a bias of its own, and augmentation translates images by whole patches; so it learns
what these borders look like. The generator ends with two convolutions of pixels, which join the patches.

Image sizes: the map has one position per 4x4 pixels, rounded up. The discriminator halves its resolution until both
sides are at most 4. The generator starts at a resolution of at most 8 on both sides, and doubles it up to the map's.

Deviations from R3GAN: the architecture; a gradient penalty at real images only, applied in every eighth step with eight
times the weight; the projection discriminator and mismatched labels; a learning rate that warms up linearly over the
first 8,000 images and decays linearly to 0 over the last 40 % of the training; the updates of generator and
discriminator in a step use the same images.
"""

from math import prod, sqrt
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import NonNegativeFloat, PositiveFloat
from torch import Tensor, nn

from condgen import losses
from condgen.config import Adversarial, Choice, Depth, Fraction, Images, PixelChannels, Repeats, Span, Width, of_pixels
from condgen.nets.condition import LabelEmbedding
from condgen.nets.diffaugment import Augment
from condgen.nets.modulated import LEAK, Generator, halved
from condgen.nets.patches import SIDE, FrequencyConv, grid, to_patches
from condgen.noise import common_offsets, draw
from condgen.spec import Prior, Spec
from condgen.system import Batches, Paper, Player, System, adam, descend, logged

SMALLEST = 4
"""Largest side of the discriminator's last feature map."""
GREY_IMAGES, COLOUR_IMAGES = 240_000, 500_000
"""Usual training lengths: 32x32 images in colour have the fine detail of real ones after 500,000 (own-images.md)."""
GREY, COLOUR, SEVERAL = 0.1, 0.5, 1.0
"""Weights of mismatched labels: with classes or a single attribute, of grey and of colour images, and with several
attributes."""
EMPHASIS = 1.0
"""Usual pre-emphasis of colour images (docs/LOG.md, "What D sees of a patch")."""
FEW, FEW_COLOUR = 700, 1_500
"""With fewer grey images, or colour images of 32x32, augmentation is adaptive: the usual length repeats each of them
more than 330 times (docs/LOG.md, "Few images")."""
SIDE_OF_LIMIT = 32
"""Side of colour images, in pixels, above which the limit grows with their area."""


class Config(Adversarial):
    """Settings of Swift."""

    images: Images = GREY_IMAGES
    """Training length, in images shown to the discriminator. The data set is repeated as often as needed. Default:
    500,000 for images of more than one channel."""
    z_dim: Width = 64
    """Dimension of the latent vector z."""
    width: Width = 32
    """Channels of the feature maps. The discriminator's maps of lower resolution have twice as many."""
    blocks: Depth = 3
    """Residual blocks of the generator at its lowest resolution. Each higher resolution has one."""
    features: Width = 128
    """Dimension of the discriminator's image features and of its label embeddings."""
    penalty_weight: NonNegativeFloat = 0.3
    """Weight of the R1 gradient penalty (gamma in R3GAN, Eq. 8)."""
    penalty_every: Repeats = 8
    """Steps between two gradient penalties (lazy regularisation). The weight is multiplied by the same number."""
    mismatch: NonNegativeFloat | None = None
    """Weight of the loss on real images with mismatched labels (Reed et al. 2016). Larger values follow labels more
    strictly; 0 disables it. Default: 0.1 for classes of grey images, 0.5 for those of colour images, 1 for several
    attributes."""
    pixel_channels: PixelChannels | None = None
    """Channels at full resolution, from which the generator's last convolutions make the pixels. 0: the generator makes
    patches, and the discriminator has no layer for patches and sees no image shifted. Default: 8 for images of more
    than one channel, 0 for grey images."""
    pre_emphasis: NonNegativeFloat | None = None
    """How much the discriminator's first layer amplifies high frequencies of a patch: the exponent of the frequency. 0:
    its weights belong to pixels instead of frequencies. Default: 1 for images of more than one channel, 0 for grey
    images and without pixel_channels."""
    shift: Literal["none", "random", "known"] | None = None
    """How the discriminator sees images moved: not at all (none); by half a patch in half of the steps, and otherwise
    by a random number of pixels (random); or the same, with a bias for half a patch, by which it knows which of the two
    it is (known). Default: known for images of more than one channel, none for grey images and without
    pixel_channels."""
    lr: PositiveFloat = 2e-3
    """Peak learning rate of both networks (Adam), between warm-up and decay."""
    warmup: Span = 8_000
    """Learning-rate warm-up, in images. Without it, some seeds produce black images for a long time."""
    decay: Fraction = 0.4
    """Fraction of the training, at its end, over which the learning rate decays linearly to 0."""
    beta1: Fraction = 0.0
    """Adam's beta1, for both networks."""
    beta2: Fraction = 0.99
    """Adam's beta2, for both networks."""

    def choices(self, spec: Spec, images: int | None = None) -> list[Choice]:
        """See `Config.choices`."""
        emphasis, shift = (EMPHASIS, "known") if spec.channels > 1 and self.pixel_channels != 0 else (0.0, "none")
        found = [of_pixels(spec), Choice("pre_emphasis", emphasis), Choice("shift", shift), mismatch_for(spec)]
        chosen = [choice for choice in found if getattr(self, choice.setting) is None]
        return chosen + (super().choices(spec) if images is None else self._augmentation(spec, images))

    def _augmentation(self, spec: Spec, images: int) -> list[Choice]:
        """Augmentation of few images, and transforms that preserve labels that are colours, such as blond hair."""
        few, chosen = few_images(spec), super().choices(spec)
        if chosen and images < few:
            why = f"augmentation is adaptive instead of none, since there are fewer than {few:,} training images."
            chosen = [Choice("augmentation", "adaptive", why)]
        augmented = (chosen[0].value if chosen else self.augmentation) != "none"
        if augmented and spec.channels > 1 and not self.transforms:
            chosen.append(Choice("transforms", "translation,cutout"))
        return chosen

    def ineffective(self, spec: Spec) -> dict[str, str]:
        """See `Config.ineffective`."""
        still = self.shift not in (None, "none") and not self.pixel_channels
        return super().ineffective(spec) | ({"shift": "pixel_channels is 0"} if still else {})

    def usual_length(self, spec: Spec) -> int:
        """See `Config.usual_length`."""
        return COLOUR_IMAGES if spec.channels > 1 and self.images == GREY_IMAGES else self.images

    def lr_at(self, images: int) -> float:
        """The learning rate after `images`."""
        return self.warmed_up(images, self.lr, self.warmup, self.decay)


def few_images(spec: Spec) -> int:
    """Number of training images below which augmentation is adaptive.

    It grows with the area of colour images: the discriminator is sooner sure of large ones.
    """
    if spec.channels == 1:
        return FEW
    return int(FEW_COLOUR * max(1.0, prod(spec.shape[1:]) / SIDE_OF_LIMIT**2))


def mismatch_for(spec: Spec) -> Choice:
    """The weight of mismatched labels: larger where labels are harder to follow."""
    if spec.labels.kind == "attributes" and len(spec.labels) > 1:
        weight, harder = SEVERAL, "labels of several attributes"
    elif spec.channels > 1:
        weight, harder = COLOUR, "labels of colour images"
    else:
        return Choice("mismatch", GREY)
    return Choice(
        "mismatch", weight, f"mismatch is {weight:g} instead of {GREY:g}, since {harder} are harder to follow."
    )


class Discriminator(nn.Module):
    """Image -> features (b, cfg.features); their inner product with the label's embedding, plus a linear term, is the
    score (b, 1).

    shifted: whether images are moved before. centred: whether that is by half a patch, so that the borders of the
    generator's patches are in the middle of D's; otherwise, it is by a random number of pixels.
    """

    def __init__(self, spec: Spec, cfg: Config) -> None:
        super().__init__()
        w, sides = cfg.width, grid(spec)
        numbers = SIDE**2 * spec.channels  # of a patch
        self.shifted, self.centred = bool(cfg.pixel_channels) and cfg.shift != "none", False
        if cfg.pixel_channels:
            convs = [of_patches(numbers, 2 * numbers, 1, cfg), nn.Conv2d(2 * numbers, w, 3, padding=1)]
        else:
            convs = [of_patches(numbers, w, 3, cfg)]
        convs.append(nn.Conv2d(w, w, 3, padding=1))
        while max(sides) > SMALLEST:
            convs.append(nn.Conv2d(convs[-1].out_channels, 2 * w, 3, stride=2, padding=1))
            sides = halved(sides)
        self.convs = nn.ModuleList(convs)
        known = self.shifted and cfg.shift == "known"
        self.if_centred = nn.Parameter(torch.zeros(convs[0].out_channels, 1, 1)) if known else None
        self.features = nn.Linear(convs[-1].out_channels * prod(sides), cfg.features)
        self.any = nn.Linear(cfg.features, 1, bias=False)  # no bias: it would cancel in differences of scores
        self.label = LabelEmbedding(len(spec.labels), cfg.features)
        nn.init.normal_(self.label.rows.weight, std=1 / sqrt(cfg.features))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.score(self.features_of(x), y)

    def features_of(self, x: Tensor) -> Tensor:
        if self.shifted:
            x = x.roll(shift(self.centred), (2, 3))
        first, *others = self.convs
        h = first(to_patches(x))
        if self.centred and self.if_centred is not None:
            h = h + self.if_centred
        h = F.leaky_relu_(h, LEAK)
        for conv in others:
            h = F.leaky_relu_(conv(h), LEAK)
        return F.leaky_relu_(self.features(h.permute(0, 2, 3, 1).flatten(1)), LEAK)  # no copy

    def score(self, h: Tensor, y: Tensor) -> Tensor:
        scores: Tensor = self.any(h) + (h * self.label(y)).sum(1, keepdim=True)
        return scores  # (b, 1)


def of_patches(numbers: int, out: int, kernel: int, cfg: Config) -> nn.Conv2d:
    """The first convolution of D, which has patches of so many numbers."""
    if cfg.pre_emphasis:
        return FrequencyConv(numbers, out, kernel, cfg.pre_emphasis)
    return nn.Conv2d(numbers, out, kernel, padding=kernel // 2)


def shift(centred: bool) -> list[int]:
    """Pixels by which D sees an image moved, vertically and horizontally."""
    return [SIDE // 2] * 2 if centred else common_offsets(SIDE, 2)


def exchanged(y: Tensor) -> Tensor:
    """The labels of a batch with neighbours swapped in pairs; the last of an odd number keeps its own.

    Neighbours are in the same process when several share a batch, so the result does not depend on their number.
    """
    return y[(torch.arange(len(y), device=y.device) ^ 1).clamp(max=len(y) - 1)]


class Swift(System):
    """min_G max_D E log sigmoid(D(x|y) - D(G(z|y)|y)): Eq. 2 of R3GAN, with labels."""

    paper: ClassVar = Paper(
        "Huang et al. 2024, arXiv 2501.05441",
        """@inproceedings{huang2024gan,
  title     = {The {GAN} is dead; long live the {GAN}! {A} Modern {GAN} Baseline},
  author    = {Huang, Yiwen and Gokaslan, Aaron and Kuleshov, Volodymyr and Tompkin, James},
  booktitle = {Advances in Neural Information Processing Systems 37},
  year      = {2024}
}""",
    )

    cfg: Config

    def __init__(self, spec: Spec, cfg: Config) -> None:
        cfg = cfg.chosen_for(spec)
        super().__init__(spec, cfg)
        self.prior = Prior(cfg.z_dim)
        self.G = Generator(spec, cfg.z_dim, cfg.width, cfg.blocks, cfg.pixel_channels or 0)
        self.D = Discriminator(spec, cfg)
        optimizer = adam(cfg.lr, (cfg.beta1, cfg.beta2))
        self.T = Augment(spec, cfg)
        self.players = {"g": Player(self.G, optimizer), "d": Player(self.D, optimizer)}

    @property
    def generator(self) -> nn.Module:
        return self.G

    def step(self, batches: Batches, images: int) -> dict[str, Tensor]:
        G, D, T, g, d = self.G, self.D, self.T, self.players["g"], self.players["d"]
        for player in (g, d):
            player.set_lr(self.cfg.lr_at(images))
        D.centred = D.shifted and not common_offsets(2, 1)[0]
        T.step = SIDE if D.centred else 1
        x, y = next(batches)
        fake = G(draw(self.prior, len(x), x.device), y)

        penalised = images // self.cfg.batch % self.cfg.penalty_every == 0
        both = torch.cat([x.requires_grad_(penalised), fake.detach()])
        h = D.features_of(T(both))
        real_scores, fake_scores = D.score(h, torch.cat([y, y])).chunk(2)
        loss_d = whole_loss = losses.says_real(real_scores - fake_scores)
        if penalised:
            weight = self.cfg.penalty_every * self.cfg.penalty_weight / 2
            whole_loss = whole_loss + weight * losses.r1(real_scores, x)
        if self.cfg.mismatch:
            wrong_scores = D.score(h[: len(x)], exchanged(y))
            whole_loss = whole_loss + self.cfg.mismatch * losses.says_real(real_scores - wrong_scores)
        descend((d, whole_loss))

        with torch.no_grad():
            real_scores = D(T(x), y)
        fake_scores = D(T(fake), y)
        loss_g = losses.says_real(fake_scores - real_scores)
        descend((g, loss_g))
        T.adapt(real_scores - fake_scores)
        return logged(loss_g=loss_g, loss_d=loss_d, accuracy_d=(real_scores > fake_scores).float().mean()) | T.logs
