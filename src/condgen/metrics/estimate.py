"""A measured number: never without its error and the count behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import mean, stdev
from typing import Any

Z = 1.959964
"""Half-width of a 95 % interval, in standard deviations of a normal."""
STUDENT = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}
"""The same for means of few values, by degrees of freedom (two-sided 95 % quantiles of Student's t)."""


@dataclass(frozen=True)
class Estimate:
    """value: None if it was refused. error: half-width of a 95 % interval. n: pictures (or pairs of runs) behind it."""

    value: float | None
    error: float | None
    n: int
    refused: str | None = None
    """Why there is no value: one sentence."""

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"value": _short(self.value), "error": _short(self.error), "n": self.n}
        return found | ({"refused": self.refused} if self.refused else {})

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "Estimate":
        return cls(found["value"], found["error"], found["n"], found.get("refused"))

    def __str__(self) -> str:
        """Value and error, the value to the digit that the error reaches: 0.178 ± 0.021."""
        if self.value is None:
            return "-"
        if not self.error:
            return f"{self.value:.4g}"
        digits = next((d for d in range(5) if round(self.error, d) >= 2 * 10**-d), 4)
        return f"{self.value:.{digits}f} ± {self.error:.{digits}f}"


def refused(why: str, n: int = 0) -> Estimate:
    return Estimate(None, None, n, why)


def share(hits: int, n: int) -> Estimate:
    """A share with the half-width of Wilson's interval (Wilson 1927), which holds at 0 and 1 too."""
    p = hits / n
    return Estimate(p, Z / (1 + Z**2 / n) * sqrt(p * (1 - p) / n + Z**2 / (4 * n**2)), n)


def mean_of(values: Sequence[float], n: int) -> Estimate:
    """A mean of a few independent values; its error from their own spread (Student's t)."""
    if len(values) < 2:
        return Estimate(values[0], None, n)
    t = STUDENT.get(len(values) - 1, Z)
    return Estimate(mean(values), t * stdev(values) / sqrt(len(values)), n)


def _short(value: float | None) -> float | None:
    """Seven significant digits: enough for every use, and the same on machines that round otherwise."""
    return None if value is None else float(f"{value:.7g}")
