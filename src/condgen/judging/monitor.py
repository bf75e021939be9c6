"""A small evaluation during training, and alarms for failures.

It generates 2,000 images, always from the same latent vectors, and computes FD, label accuracy and diversity within
classes. Alarms are functions of these values and of the log, so a resumed training raises the same ones. Thresholds and
detection rates are in docs/metrics.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from condgen.judging.by_label import label_metrics
from condgen.judging.generated_set import GeneratedSet, generate
from condgen.judging.reference import Reference
from condgen.metrics import METRICS, flag, frechet, labelling, small, texture
from condgen.metrics.estimate import Estimate
from condgen.metrics.texture import Texture
from condgen.sampling.sampler import Sampler

IMAGES = 2000
WARM_UP = 0.25
"""Fraction of the training, at its start, without alarms."""
NARROW, TWINS = 0.35, 0.25
"""A class has collapsed if its median pairwise distance is below NARROW times that of real images, or if more than the
fraction TWINS of its pairs is nearer than 99.9 % of the real pairs."""
WORSE = 3.0
"""Quality is decreasing if FD is more than WORSE times its best value."""
FALLING = 0.8
"""A generator is still improving if FD is below FALLING times the previous value."""
WINNING, LINES, STANDSTILL = 0.98, 10, 0.95
"""The discriminator has won if its mean accuracy over LINES lines of the log is above WINNING while FD stays above
STANDSTILL times its previous value. Early in a healthy training the accuracy is as high, but FD falls."""
DEAD, CHANCE, CREEPING = 0.03, 0.55, 0.9
"""The discriminator has stopped learning if its loss varies by less than DEAD times its value over LINES lines and its
mean accuracy is at most CHANCE, while FD stays above CREEPING times its previous value (the averaged generator still
changes for a while). In a healthy training the loss is as constant for a while, but the accuracy is above chance."""
LOOKED_AT = 500
"""Number of images whose texture is measured."""
TEXTURES = {"fine_detail": 2.0, "borders": 1.3}
"""A texture is an alarm if its metric is flagged and exceeds that of real images by this factor. An adversarial
generator that is not yet trained has a fine detail of up to 1.4, and a VAE blurs by nature, so blur is no alarm."""
FEWEST = 20
"""Minimum number of images of a class for a measurement of its diversity."""


@dataclass(frozen=True)
class Alarm:
    """A failure that an evaluation found. kind: collapse, missing, labels, pixels, texture, quality or discriminator;
    an alarm of the same kind as in the previous evaluation is not repeated on the console."""

    kind: str
    text: str


@dataclass(frozen=True)
class Snapshot:
    """The result of one evaluation: values for the log, and alarms."""

    scalars: dict[str, float]
    alarms: list[Alarm]


class Monitor:
    """Evaluates a generator during training. The judge and its predictions of real images are reused."""

    def __init__(self, reference: Reference, seed: int, images: int) -> None:
        """images: length of the training."""
        self.reference, self.seed, self.length = reference, seed, images

    def evaluate(self, sampler: Sampler, images: int, log: Sequence[Mapping[str, Any]]) -> Snapshot:
        """Evaluate the generator after `images` training images. log: all lines so far."""
        generated = GeneratedSet(generate(sampler, self.reference, IMAGES, self.seed), self.reference)
        found = {"fd": self._fd(generated.predictions.features)} | dict(label_metrics(generated))
        scalars = {name: found[name].value for name in ("fd", "label_accuracy")}
        widths, twins = self.diversity(generated)
        known = [width for width in widths if width is not None]
        scalars |= {"diversity/mean": float(np.mean(known)), "diversity/worst": min(known)} if known else {}
        kept = {name: value for name, value in scalars.items() if value is not None}
        early = images < WARM_UP * self.length or (images < self.length and _improving(kept, log))
        alarms = [] if early else [*self._pixels(generated), *self._texture(generated.samples.images),
                                   *self._collapse(generated, widths, twins), *self._labels(generated),
                                   *_quality(kept, images, log), *_discriminator(kept, log)]  # fmt: skip
        return Snapshot({name: float(f"{value:.7g}") for name, value in kept.items()}, alarms)

    def _fd(self, features: Tensor) -> Estimate:
        """FD to the test images; over few features to the training images if the former are too few."""
        found = frechet.fd(self.reference.moments, features)
        if found.value is not None:
            return found
        train = self.reference.train_predictions.features
        return small.fd_reduced(train, features[: len(train)])

    def diversity(self, generated: GeneratedSet) -> tuple[list[float | None], list[float]]:
        """Per class: median pairwise distance relative to real images (None if there are too few images), and the share
        of near-equal pairs. For an unconditional generator, classes are those that the judge predicts.
        """
        groups = (
            generated.requested
            if generated.requested is not None and generated.requested.ndim == 1
            else generated.predictions.labels
        )
        if groups.ndim == 2:  # attributes overlap, so all images are one group
            groups = torch.zeros(len(groups), dtype=torch.long)
        widths: list[float | None] = []
        twins: list[float] = []
        for number, (median, close) in enumerate(self._real_spread):
            mine = generated.predictions.features[groups == number]
            if len(mine) < FEWEST or median == 0:
                widths.append(None)
                twins.append(0.0)
                continue
            pairs = torch.pdist(mine[:300])
            widths.append(float(pairs.median()) / median)
            twins.append(float((pairs < close).double().mean()))
        return widths, twins

    @cached_property
    def _real_spread(self) -> list[tuple[float, float]]:
        """Per class: median pairwise distance of real images, and the 0.1 % quantile of the distances."""
        labels = self.reference.labels
        groups = labels if labels.ndim == 1 else torch.zeros(len(labels), dtype=torch.long)
        found = []
        for number in range(len(self.reference.dataset.labels) if labels.ndim == 1 else 1):
            mine = self.reference.predictions.features[groups == number]
            pairs = torch.pdist(mine[:1000]) if len(mine) >= FEWEST else torch.zeros(1)
            found.append((float(pairs.median()), float(_quantile(pairs, 0.001))))
        return found

    def _pixels(self, generated: GeneratedSet) -> Iterator[Alarm]:
        for text in self.reference.problems(generated.samples.images):
            yield Alarm("pixels", text)

    def _texture(self, images: NDArray[np.uint8]) -> Iterator[Alarm]:
        if min(images.shape[1:3]) < texture.SMALLEST:
            return
        found = dict(texture.textures(Texture.of(images[:LOOKED_AT]), self.reference.texture))
        for name, factor in TEXTURES.items():
            value, real = found[name].value or 0, self._real_texture[name]
            if (wrong := flag(name, found[name], real)) and value > factor * (real.value or 1):
                yield Alarm("texture", f"{wrong}: {METRICS[name].title} is {value:.3g}, that of real images {real}.")

    @cached_property
    def _real_texture(self) -> dict[str, Estimate]:
        return dict(texture.textures(Texture.of(self.reference.split.images[:LOOKED_AT]), self.reference.texture))

    def _collapse(
        self, generated: GeneratedSet, widths: Sequence[float | None], twins: Sequence[float]
    ) -> Iterator[Alarm]:
        names = self.reference.dataset.labels.names
        narrow = [
            number
            for number, width in enumerate(widths)
            if (width is not None and width < NARROW) or twins[number] > TWINS
        ]
        if narrow:
            which = "images" if len(widths) == 1 else f"images of {_some(names, narrow)}"
            yield Alarm("collapse", f"mode collapse: {which} are nearly all equal.")
        seen, real = generated.predictions.labels, self.reference.predictions.labels
        if gone := labelling.missing(seen, real, len(names)):
            yield Alarm("missing", f"missing classes: hardly any images of {_some(names, gone)} are generated.")

    def _labels(self, generated: GeneratedSet) -> Iterator[Alarm]:
        if generated.requested is None:
            return
        found = labelling.accuracy(generated.requested, generated.predictions.labels)
        chance = chance_accuracy(generated.requested, generated.predictions.labels, len(self.reference.dataset.labels))
        if found.value is not None and found.value < chance + 1.5 * (found.error or 0):  # 3 standard deviations
            yield Alarm("labels", f"labels are ignored: {100 * found.value:.1f} % of the images show the requested "
                        f"label, {100 * chance:.1f} % would be expected by chance.")  # fmt: skip


def chance_accuracy(requested: Tensor, seen: Tensor, labels: int) -> float:
    """Expected label accuracy of a generator with the same class frequencies that ignores the requested labels."""
    if requested.ndim == 2:
        return 0.5
    return float(labelling.histogram(requested, labels) @ labelling.histogram(seen, labels))


def new_alarms(alarms: Sequence[Alarm], before: Sequence[Mapping[str, Any]]) -> list[Alarm]:
    """Alarms of kinds that the previous evaluation did not raise. before: lines of alarms.jsonl."""
    known = {entry["kind"] for entry in before[-1]["alarms"]} if before else set()
    return [alarm for alarm in alarms if alarm.kind not in known]


def is_best(scalars: Mapping[str, float], by: str, log: Sequence[Mapping[str, Any]]) -> bool:
    """Whether this evaluation is better than all in the log. by: fd (lower is better) or label_accuracy (higher)."""
    if by not in scalars:
        return False
    sign = -1 if by == "fd" else 1
    return all(sign * scalars[by] > sign * line[by] for line in log if by in line)


def _improving(scalars: Mapping[str, float], log: Sequence[Mapping[str, Any]]) -> bool:
    """Whether FD still decreases fast. There are no alarms then, since training is not finished."""
    before = [line["fd"] for line in log if "fd" in line]
    return bool(before) and "fd" in scalars and scalars["fd"] < FALLING * before[-1]


def _quality(scalars: Mapping[str, float], images: int, log: Sequence[Mapping[str, Any]]) -> Iterator[Alarm]:
    earlier = [(line["fd"], line["images"]) for line in log if "fd" in line and line["images"] < images]
    if earlier and "fd" in scalars and scalars["fd"] > WORSE * min(earlier)[0]:
        fd, when = min(earlier)
        yield Alarm("quality", f"quality is decreasing: FD is {scalars['fd']:.3g}, it was {fd:.3g} at {when:,} images; "
                    "best/ contains that generator.")  # fmt: skip


def _discriminator(scalars: Mapping[str, float], log: Sequence[Mapping[str, Any]]) -> Iterator[Alarm]:
    lines = [line for line in log if "accuracy/d" in line and "loss/d" in line][-LINES:]
    before = [line["fd"] for line in log if "fd" in line]
    if len(lines) < LINES or not before:
        return
    fd, earlier = scalars.get("fd", 0.0), before[-1]
    right, losses = sum(line["accuracy/d"] for line in lines) / LINES, [line["loss/d"] for line in lines]
    if right > WINNING and fd > STANDSTILL * earlier:
        yield Alarm("discriminator", f"the discriminator has won: its accuracy is {100 * right:.1f} %, and FD no "
                    "longer decreases. A lower learning rate of the discriminator may help.")  # fmt: skip
    elif right <= CHANCE and max(losses) - min(losses) < DEAD * abs(losses[-1]) and fd > CREEPING * earlier:
        yield Alarm("discriminator", f"the discriminator has stopped learning: its loss is constant, its accuracy is "
                    f"{100 * right:.1f} %, and FD no longer decreases.")  # fmt: skip


def _some(names: Sequence[str], numbers: Sequence[int]) -> str:
    shown = ", ".join(names[number] for number in numbers[:5])
    return f"{shown} and {len(numbers) - 5} more" if len(numbers) > 5 else shown


def _quantile(values: Tensor, q: float) -> Tensor:
    """The q-quantile. torch.quantile accepts at most 16 million values; kthvalue accepts any number."""
    return values.kthvalue(max(1, round(q * len(values)))).values
