"""The score of an evaluation: fidelity, variety, label, novelty and usefulness, each from 0 to 100. Needs no torch.

A metric becomes a share s of what is possible: 0 at the value of worthless images w, 1 at that of real images r,
s = (v - w) / (r - w), cut to 0 ... 1. For texture and colour, where r lies between two faults, s = min(v / r, r / v).
A part is 100 times the lowest share of its metrics. The overall score is the harmonic mean of the parts, as in F1, so
that a good part does not make up for a worthless one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import hypot, sqrt
from typing import Any, Literal

from condgen.metrics.estimate import Estimate, refused

Worst = float | Literal["chance", "classes", "ratio"]
"""The value of worthless images: a number, that of labels guessed at random, or the number of classes. ratio: the
metric is compared as a ratio."""
Pairs = Mapping[str, tuple[Estimate, Estimate | None]]
"""Metrics of generated and of real images, by name."""


@dataclass(frozen=True)
class Part:
    """One part of the score."""

    meaning: str
    metrics: Mapping[str, Worst]


PARTS: Mapping[str, Part] = {
    "fidelity": Part(
        "images look like real ones", {"precision": 0, "fine_detail": "ratio", "borders": "ratio", "colour": "ratio"}
    ),
    "variety": Part(
        "images vary as real ones do", {"recall": 0, "coverage": 0, "repeats": 1, "missing_classes": "classes"}
    ),
    "label": Part("images show the requested label", {"label_accuracy": "chance"}),
    "novelty": Part("training images are not copied", {"copying": 1, "near_copies": 1, "exact_copies": 1}),
    "usefulness": Part("a classifier learns from the images", {"cas": "chance"}),
}


@dataclass(frozen=True)
class PartScore:
    """A part of the score of some images."""

    points: Estimate
    """0 to 100; no value if none of its metrics was measured."""
    by: str = ""
    """The metric with the lowest share, which decides."""

    def to_json(self) -> dict[str, Any]:
        return self.points.to_json() | {"by": self.by}


@dataclass(frozen=True)
class Score:
    """The score of some images."""

    parts: Mapping[str, PartScore]

    @property
    def overall(self) -> Estimate:
        """The harmonic mean of the parts that were measured."""
        return harmonic([part.points for part in self.parts.values() if part.points.value is not None])

    def to_json(self) -> dict[str, Any]:
        return {"overall": self.overall.to_json()} | {name: part.to_json() for name, part in self.parts.items()}

    def __str__(self) -> str:
        """One line with the parts and the metric that decides each."""
        if self.overall.value is None:
            return "Score: not measured."
        known = [f"{name} {_short(part.points)}" for name, part in self.parts.items() if part.by]
        unknown = [name for name, part in self.parts.items() if not part.by]
        rest = f" (not measured: {', '.join(unknown)})" if unknown else ""
        return f"Score: {_short(self.overall)} of 100: {', '.join(known)}{rest}."


def of(metrics: Pairs, confusion: Sequence[Sequence[int]] | None) -> Score:
    """The score of these metrics. confusion: counts of requested and predicted classes; None for attributes.

    Values have the digits of the file, so that the score of an evaluation that was read is the same.
    """
    metrics = {name: (_written(ours), _written(real) if real else None) for name, (ours, real) in metrics.items()}
    worst = {"chance": _chance(confusion), "classes": float(len(confusion or [0]))}
    return Score({name: _part(part, metrics, worst) for name, part in PARTS.items()})


def harmonic(parts: Sequence[Estimate]) -> Estimate:
    """Harmonic mean of values from 0 to 100, with the error by the delta method; 0 if one of them is 0."""
    if not parts:
        return refused("no part of the score was measured.")
    values = [max(part.value or 0, 1e-9) for part in parts]
    mean = len(values) / sum(1 / value for value in values)
    slopes = [mean**2 / (len(values) * value**2) for value in values]
    error = sqrt(sum((slope * (part.error or 0)) ** 2 for slope, part in zip(slopes, parts, strict=True)))
    return Estimate(round(mean, 2), round(error, 2), min(part.n for part in parts))


def _part(part: Part, metrics: Pairs, worst: Mapping[str, float]) -> PartScore:
    shares = dict(_shares(part, metrics, worst))
    if not shares:
        reasons = [metrics[name][0].refused for name in part.metrics if name in metrics]
        return PartScore(refused(next(filter(None, reasons), "its metrics were not measured.")))
    by = min(shares, key=lambda name: shares[name].value or 0)
    share = shares[by]
    return PartScore(Estimate(round(100 * (share.value or 0), 2), round(100 * (share.error or 0), 2), share.n), by)


def _written(number: Estimate) -> Estimate:
    return Estimate.from_json(number.to_json())


def _shares(part: Part, metrics: Pairs, worst: Mapping[str, float]) -> Iterator[tuple[str, Estimate]]:
    """The share of each metric of a part that was measured."""
    for name, lowest in part.metrics.items():
        ours, real = metrics.get(name, (refused(""), None))
        if ours.value is None or real is None or real.value is None:
            continue
        if lowest == "ratio":
            yield name, _ratio(ours, real)
        elif real.value != (floor := worst[lowest] if isinstance(lowest, str) else lowest):
            yield name, _between(ours, real, floor)


def _between(ours: Estimate, real: Estimate, worst: float) -> Estimate:
    """(v - w) / (r - w), cut to 0 ... 1."""
    span = (real.value or 0) - worst
    share = ((ours.value or 0) - worst) / span
    error = hypot(ours.error or 0, share * (real.error or 0)) / abs(span)
    return Estimate(min(1.0, max(0.0, share)), error, ours.n)


def _ratio(ours: Estimate, real: Estimate) -> Estimate:
    """min(v / r, r / v)."""
    v, r = max(ours.value or 0, 1e-9), max(real.value or 0, 1e-9)
    share = min(v / r, r / v)
    return Estimate(share, share * hypot((ours.error or 0) / v, (real.error or 0) / r), ours.n)


def _chance(confusion: Sequence[Sequence[int]] | None) -> float:
    """Label accuracy if the requested labels were shuffled, as in Cohen's kappa; 0.5, that of balanced accuracy, for
    attributes."""
    if confusion is None:
        return 0.5
    rows, columns = [sum(line) for line in confusion], [sum(line) for line in zip(*confusion, strict=True)]
    total = max(1, sum(rows))
    return float(sum(row * column for row, column in zip(rows, columns, strict=True)) / total**2)


def _short(points: Estimate) -> str:
    return f"{points.value:.0f} ± {max(1, round(points.error or 0)):.0f}"
