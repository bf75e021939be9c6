"""A small evaluation while a system trains, and alarms in plain sentences.

2,000 pictures, always from the same noise: FD, label accuracy, diversity within classes. Alarms are functions of what
is measured at that moment and of the log, so a training that is resumed gives the same ones. Thresholds and what they
found: docs/metrics.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from condgen.drawing.sampler import Sampler
from condgen.judging.protocol import GeneratedSet, generate, label_metrics
from condgen.judging.reference import Reference
from condgen.metrics import frechet, labelling

PICTURES = 2000
WARM_UP = 0.25
"""Part of a training in which nothing is called a failure yet."""
NARROW, TWINS = 0.35, 0.25
"""A class has collapsed if its median pairwise distance is below this part of the real one, or if more than that share
of pairs is nearer than all but a thousandth of real pairs."""
WORSE = 3.0
"""Quality is falling if FD is so many times its best."""
FALLING = 0.8
"""A generator still improves if FD is below this part of that before."""
WINNING, LINES, STANDSTILL = 0.98, 10, 0.95
"""The discriminator has won if it is right on this part of all pictures over so many lines of the log, while FD stays
above that part of what it was: early on a healthy game looks the same, but FD falls."""
DEAD, CREEPING = 0.03, 0.9
"""It has stopped learning if its loss stays within the one part of itself over as many lines, while FD stays above the
other of what it was: an averaged generator comes to rest for a while after all has stopped."""
FEWEST = 20
"""Pictures of a class below which its diversity is not judged."""


@dataclass(frozen=True)
class Alarm:
    """kind: collapse, missing, labels, pixels, quality or discriminator, by which it is told once and not at every
    evaluation."""

    kind: str
    text: str


@dataclass(frozen=True)
class Snapshot:
    """What one evaluation found: numbers for the log, alarms for the person."""

    scalars: dict[str, float]
    alarms: list[Alarm]


class Monitor:
    """Looks at a generator now and then. The judge, and what it sees in real pictures, are kept."""

    def __init__(self, reference: Reference, seed: int, images: int) -> None:
        """images: the length of the training."""
        self.reference, self.seed, self.length = reference, seed, images

    def evaluate(self, sampler: Sampler, images: int, log: Sequence[Mapping[str, Any]]) -> Snapshot:
        """At `images`; log: the lines before this one."""
        generated = GeneratedSet(generate(sampler, self.reference, PICTURES, self.seed), self.reference)
        found = {"fd": frechet.fd(self.reference.moments, generated.predictions.features)} | dict(
            label_metrics(generated)
        )
        scalars = {name: found[name].value for name in ("fd", "label_accuracy")}
        widths, twins = self.diversity(generated)
        known = [width for width in widths if width is not None]
        scalars |= {"diversity/mean": float(np.mean(known)), "diversity/worst": min(known)} if known else {}
        kept = {name: value for name, value in scalars.items() if value is not None}
        early = images < WARM_UP * self.length or (images < self.length and _improving(kept, log))
        alarms = [] if early else [*self._pixels(generated), *self._collapse(generated, widths, twins),
                                   *self._labels(generated), *_quality(kept, images, log),
                                   *_discriminator(kept, log)]  # fmt: skip
        return Snapshot({name: float(f"{value:.7g}") for name, value in kept.items()}, alarms)

    def diversity(self, generated: GeneratedSet) -> tuple[list[float | None], list[float]]:
        """Per class the median pairwise distance as a part of the real one, and the share of pairs that are twins.

        Of a generator that takes no label, by the class that the judge sees. None for classes with too few pictures.
        """
        groups = (
            generated.requested
            if generated.requested is not None and generated.requested.ndim == 1
            else generated.predictions.labels
        )
        if groups.ndim == 2:  # attributes overlap: all pictures are one group
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
        """Per class the median pairwise distance of real pictures, and the distance of the nearest thousandth."""
        labels = self.reference.labels
        groups = labels if labels.ndim == 1 else torch.zeros(len(labels), dtype=torch.long)
        found = []
        for number in range(len(self.reference.dataset.labels) if labels.ndim == 1 else 1):
            mine = self.reference.predictions.features[groups == number]
            pairs = torch.pdist(mine[:1000]) if len(mine) >= FEWEST else torch.zeros(1)
            found.append((float(pairs.median()), float(_quantile(pairs, 0.001))))
        return found

    def _pixels(self, generated: GeneratedSet) -> Iterator[Alarm]:
        for text in self.reference.problems(generated.samples.pictures):
            yield Alarm("pixels", text)

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
            which = "pictures" if len(widths) == 1 else f"pictures of {_some(names, narrow)}"
            yield Alarm("collapse", f"collapse: {which} are nearly all alike.")
        seen, real = generated.predictions.labels, self.reference.predictions.labels
        if gone := labelling.missing(seen, real, len(names)):
            yield Alarm("missing", f"missing: {_some(names, gone)} hardly ever drawn.")

    def _labels(self, generated: GeneratedSet) -> Iterator[Alarm]:
        if generated.requested is None:
            return
        found = labelling.accuracy(generated.requested, generated.predictions.labels)
        chance = chance_accuracy(generated.requested, generated.predictions.labels, len(self.reference.dataset.labels))
        if found.value is not None and found.value < chance + 1.5 * (found.error or 0):  # 3 standard deviations
            yield Alarm("labels", f"labels are ignored: {found.value:.1%} of the pictures show the label asked for, "
                        f"{chance:.1%} would by chance.")  # fmt: skip


def chance_accuracy(requested: Tensor, seen: Tensor, labels: int) -> float:
    """Label accuracy of a generator that draws the same classes without heeding what is requested."""
    if requested.ndim == 2:
        return 0.5
    return float(labelling.histogram(requested, labels) @ labelling.histogram(seen, labels))


def new_alarms(alarms: Sequence[Alarm], before: Sequence[Mapping[str, Any]]) -> list[Alarm]:
    """Those of another kind than the last evaluation had; before: the lines of alarms.jsonl."""
    known = {entry["kind"] for entry in before[-1]["alarms"]} if before else set()
    return [alarm for alarm in alarms if alarm.kind not in known]


def is_best(scalars: Mapping[str, float], by: str, log: Sequence[Mapping[str, Any]]) -> bool:
    """Whether this evaluation is better than all in the log, by FD (low) or label accuracy (high)."""
    if by not in scalars:
        return False
    sign = -1 if by == "fd" else 1
    return all(sign * scalars[by] > sign * line[by] for line in log if by in line)


def _improving(scalars: Mapping[str, float], log: Sequence[Mapping[str, Any]]) -> bool:
    """Whether FD still falls fast: such a generator is not done, and nothing is called a failure yet."""
    before = [line["fd"] for line in log if "fd" in line]
    return bool(before) and "fd" in scalars and scalars["fd"] < FALLING * before[-1]


def _quality(scalars: Mapping[str, float], images: int, log: Sequence[Mapping[str, Any]]) -> Iterator[Alarm]:
    earlier = [(line["fd"], line["images"]) for line in log if "fd" in line and line["images"] < images]
    if earlier and "fd" in scalars and scalars["fd"] > WORSE * min(earlier)[0]:
        fd, when = min(earlier)
        yield Alarm("quality", f"quality is falling: FD is {scalars['fd']:.3g}, it was {fd:.3g} at {when:,} images; "
                    "best/ keeps that generator.")  # fmt: skip


def _discriminator(scalars: Mapping[str, float], log: Sequence[Mapping[str, Any]]) -> Iterator[Alarm]:
    lines = [line for line in log if "accuracy/d" in line and "loss/d" in line][-LINES:]
    before = [line["fd"] for line in log if "fd" in line]
    if len(lines) < LINES or not before:
        return
    fd, earlier = scalars.get("fd", 0.0), before[-1]
    right, losses = sum(line["accuracy/d"] for line in lines) / LINES, [line["loss/d"] for line in lines]
    if right > WINNING and fd > STANDSTILL * earlier:
        yield Alarm("discriminator", f"the discriminator has won: it is right on {right:.1%} of all pictures, and FD "
                    "no longer falls. A smaller step size for it may help.")  # fmt: skip
    elif max(losses) - min(losses) < DEAD * abs(losses[-1]) and fd > CREEPING * earlier:
        yield Alarm("discriminator", "the discriminator has stopped learning: its loss no longer moves, and FD no "
                    "longer falls.")  # fmt: skip


def _some(names: Sequence[str], numbers: Sequence[int]) -> str:
    shown = ", ".join(names[number] for number in numbers[:5])
    return f"{shown} and {len(numbers) - 5} more" if len(numbers) > 5 else shown


def _quantile(values: Tensor, q: float) -> Tensor:
    """torch.quantile takes at most 16 million values; a k-th value takes any number."""
    return values.kthvalue(max(1, round(q * len(values)))).values
