"""Mixes of labels: a generator that receives the weighted mean of label vectors generates something in between."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from condgen.errors import CondgenError
from condgen.label_text import Label

CLOSE = 1e-9
"""Weights whose sum differs from 1 by less are kept as they are, so that recorded weights give the same bytes."""


@dataclass(frozen=True)
class Mix:
    """Two or more labels with their weights, which are positive and sum to 1."""

    parts: tuple[tuple[Label, float], ...]

    @classmethod
    def of(cls, weighted: Iterable[tuple[Label, float]]) -> "Label | Mix":
        """The mix of labels with any weights, which are normalised. A single label is returned as it is.

        Raises CondgenError if a weight is negative or not finite, or if all are 0.
        """
        weights: dict[Label, float] = {}
        for label, weight in weighted:
            if not (math.isfinite(weight) and weight >= 0):
                raise CondgenError(f"the weights of a mix should be numbers, 0 or more; found {weight}.")
            weights[label] = weights.get(label, 0.0) + weight
        found = [(label, weight) for label, weight in weights.items() if weight]
        if not found:
            raise CondgenError("a mix needs a label with a weight above 0, such as 3:.5,8:.5.")
        if len(found) == 1:
            return found[0][0]
        total = sum(weight for _, weight in found)
        scale = 1.0 if abs(total - 1) < CLOSE else total
        return cls(tuple((label, weight / scale) for label, weight in found))


Condition = Label | Mix
"""What an image is generated for: a label, or a mix of labels."""


def percent(weight: float) -> str:
    """A weight as part of a file name: its percentage, with '_' for the decimal point."""
    return f"{100 * weight:.10f}".rstrip("0").rstrip(".").replace(".", "_")
