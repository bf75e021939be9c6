"""The one schema of a system's settings.

A `Config` field carries its type, range, default and description. The command-line options, the Python keyword
arguments, config.json and the reference pages are all made from it; no field is listed a second time.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PositiveFloat

from condgen.schema import Settings
from condgen.spec import Spec

PATCH, NARROWEST = 4, 32
"""Side of the patches of a flow (nets/patches.py), and the smallest number of channels of its map by default."""
PIXEL_CHANNELS = 8
"""Channels at full resolution for colour images, behind a map of patches."""
TRANSFORMS = ("color", "translation", "cutout", "mirror")
"""Augmentations that can be applied to the discriminator's input (nets/diffaugment.py)."""
Width = Annotated[int, Field(ge=1, le=65_536)]
"""Units or channels of a layer, or the length of z. Bounded, because settings also come from untrusted files."""
Depth = Annotated[int, Field(ge=1, le=256)]
"""Number of consecutive layers."""
PixelChannels = Annotated[int, Field(ge=0, le=256)]
"""Channels at full resolution; 0: the network ends with a map of patches."""
Images = Annotated[int, Field(gt=0, le=10**12)]
"""Training length, in images."""
Span = Annotated[int, Field(ge=0, le=10**12)]
"""Number of images within a training; 0 disables the feature."""
Batch = Annotated[int, Field(gt=0, le=65_536)]
"""Batch size, in images."""
Repeats = Annotated[int, Field(ge=1, le=10_000)]
"""Repetitions within a step, or steps between two repetitions."""
Fraction = Annotated[float, Field(ge=0, lt=1)]
"""A fraction x with 0 <= x < 1, such as a dropout rate or one of Adam's betas."""


@dataclass(frozen=True)
class Choice:
    """A value for a setting that was not set, chosen for the data."""

    setting: str
    value: Any
    why: str = ""
    """A sentence for the user, which names the value and its reason; empty if it follows from the shape of the images
    alone."""


def of_pixels(spec: Spec) -> Choice:
    """Channels at full resolution, by the rule of the systems on patches."""
    return Choice("pixel_channels", 0 if spec.channels == 1 else PIXEL_CHANNELS)


class Config(Settings):
    """Settings that every system has: training length, batch size and weight averaging. Each system adds its own."""

    images: Images = 400_000
    """Training length, in images shown to the model. The data set is repeated as often as needed."""
    batch: Batch = 64
    """Batch size, in images."""
    ema_half_life: Span = 10_000
    """Half-life, in images, of the exponential moving average (EMA) of the generator's weights. The averaged generator
    is the one that is saved and sampled. 0 disables averaging."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Precision of matrix products in training. bf16 is faster on hardware that supports it (AMX, GPUs) and less
    exact. Weights and optimizer states are always fp32."""
    balanced_sampling: bool = False
    """Show images of rare labels more often: each label in proportion to the logarithm of its number of images."""

    def choices(self, spec: Spec, images: int | None = None) -> list[Choice]:
        """Values for the settings that are None, which means that they are chosen for the data. A run records them.

        images: number of training images, if it is known.
        """
        return []

    def ineffective(self, spec: Spec) -> dict[str, str]:
        """Settings that have no effect beside the others, each with the reason, to be read after "since"."""
        return {}

    def usual_length(self, spec: Spec) -> int:
        """Training length, in images, if none is requested."""
        return self.images

    def warmed_up(self, images: int, lr: float, warmup: int, decay: float, length: int | None = None) -> float:
        """Learning rate after `images`: linear warm-up to lr over `warmup` images, constant, then linear decay to 0.

        decay: fraction of the training, at its end, over which it decays. length: images of a part of the training.
        """
        warm = min(1.0, (images + self.batch) / warmup) if warmup else 1.0
        left = max(0.0, 1 - images / (length or self.images))
        return lr * warm * (min(1.0, left / decay) if decay else 1.0)

    def chosen_for(self, spec: Spec, images: int | None = None) -> Self:
        """The configuration with the values of `choices`."""
        return self.with_overrides({choice.setting: choice.value for choice in self.choices(spec, images)})


def _check_transforms(names: str) -> str:
    for name in filter(None, names.split(",")):
        if name not in TRANSFORMS:
            raise ValueError(f"contains an unknown transform {name!r}; available: {', '.join(TRANSFORMS)}")
    return names


class Adversarial(Config):
    """Settings that every system with a discriminator has: augmentation of the discriminator's input."""

    augmentation: Literal["none", "diff", "adaptive"] | None = None
    """Augment real and generated images before the discriminator sees them, which helps on small data sets: always
    (diff, as in DiffAugment), or with a probability that follows the discriminator's overfitting (adaptive, as in
    ADA). Default: none; for swift, adaptive with fewer than 700 training images in grey, or 1,500 in colour up to
    32x32; above, this number grows with the area (6,000 for 64x64)."""
    transforms: Annotated[str, AfterValidator(_check_transforms)] = ""
    """Augmentations to apply, a comma-separated subset of color,translation,cutout,mirror. Default: those that preserve
    labels, which are translation and cutout, and color for colour images, but not for swift, since a label may be a
    colour. mirror is never a default."""
    ada_target: Fraction = 0.6
    """With adaptive augmentation: target of the overfitting heuristic, E[sign D(real)]."""
    ada_images: Images = 100_000
    """With adaptive augmentation: images after which the probability can have risen from 0 to 1."""

    def choices(self, spec: Spec, images: int | None = None) -> list[Choice]:
        """See `Config.choices`."""
        return [Choice("augmentation", "none")] if self.augmentation is None else []

    def ineffective(self, spec: Spec) -> dict[str, str]:
        """See `Config.ineffective`."""
        adaptive = ("ada_target", "ada_images")
        idle = {"none": ("transforms", *adaptive), "diff": adaptive}.get(self.augmentation or "", ())
        return dict.fromkeys(idle, f"augmentation is {self.augmentation}")


class FlowMatching(Config):
    """Settings of the systems that train a rectified flow on patches."""

    images: Images = 240_000
    """Training length, in images. The data set is repeated as often as needed."""
    width: Width | None = None
    """Channels of the feature map. Default: as many as a patch has numbers, and at least 32: 32 for grey images, 48 for
    colour images."""
    blocks: Depth = 6
    """Residual convolutions."""
    pixel_channels: PixelChannels | None = None
    """Channels at full resolution, from which the last convolutions make the pixels together with the noisy image.
    0: the network ends with patches. Default: 8 for images of more than one channel, 0 for grey images."""
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
        found = [Choice("width", max(NARROWEST, PATCH**2 * spec.channels)), of_pixels(spec)]
        return [choice for choice in found if getattr(self, choice.setting) is None]

    def lr_at(self, images: int) -> float:
        """The learning rate after `images`."""
        return self.warmed_up(images, self.lr, self.warmup, self.decay)
