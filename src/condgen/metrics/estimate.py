"""An estimated value with its error and its sample size."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import mean, stdev
from typing import Any

Z = 1.959964
"""Half-width of a 95 % interval of a normal distribution, in standard deviations."""
STUDENT = {
    1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262, 10: 2.228, 11: 2.201,
    12: 2.179, 13: 2.160, 14: 2.145, 15: 2.131, 16: 2.120, 17: 2.110, 18: 2.101, 19: 2.093,
}  # fmt: skip
"""Two-sided 95 % quantiles of Student's t distribution, by degrees of freedom."""


@dataclass(frozen=True)
class Estimate:
    """An estimate. error: half-width of the 95 % confidence interval. n: sample size (images, or pairs of runs)."""

    value: float | None
    error: float | None
    n: int
    refused: str | None = None
    """Why there is no value, in one sentence; None if there is one."""

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"value": _short(self.value), "error": _short(self.error), "n": self.n}
        return found | ({"refused": self.refused} if self.refused else {})

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "Estimate":
        return cls(found["value"], found["error"], found["n"], found.get("refused"))

    def __str__(self) -> str:
        """Value and error, rounded to the digits that the error supports: 0.178 ± 0.021."""
        if self.value is None:
            return "-"
        if not self.error:
            return f"{self.value:.4g}"
        digits = next((d for d in range(5) if round(self.error, d) >= 2 * 10**-d), 4)
        return f"{self.value:.{digits}f} ± {self.error:.{digits}f}"


def refused(why: str, n: int = 0) -> Estimate:
    return Estimate(None, None, n, why)


def share(hits: int, n: int) -> Estimate:
    """A share, with the half-width of Wilson's interval (Wilson 1927), which is valid near 0 and 1 too."""
    p = hits / n
    return Estimate(p, Z / (1 + Z**2 / n) * sqrt(p * (1 - p) / n + Z**2 / (4 * n**2)), n)


def mean_of(values: Sequence[float], n: int) -> Estimate:
    """The mean of a few independent values, with the error by Student's t."""
    if len(values) < 2:
        return Estimate(values[0], None, n)
    t = STUDENT.get(len(values) - 1, Z)
    return Estimate(mean(values), t * stdev(values) / sqrt(len(values)), n)


def _short(value: float | None) -> float | None:
    """Seven significant digits, so that results are equal on machines with different rounding."""
    return None if value is None else float(f"{value:.7g}")
