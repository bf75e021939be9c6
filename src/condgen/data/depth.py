"""Images with more than 8 bits: which of their values are black and white.

16 bits are read from 0 to 65,535. If their values fill less than a quarter of that, as those of 12-bit cameras and
scanners do, the images would come out nearly black, so the user is asked. For 32-bit integers and floating point
numbers there is no convention at all, so the user is always asked. The answer is --window LOW,HIGH.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from condgen.data.decode import SIXTEEN, Values
from condgen.data.window import answers, as_option
from condgen.data_options import DataOptions
from condgen.errors import Question

WHOLE = 65_535
SMALL = WHOLE / 4
"""If the values of all 16-bit images lie in a range smaller than this, the user is asked."""


@dataclass(frozen=True)
class Depth:
    """The values of the images with more than 8 bits: by kind, their number, smallest and largest value."""

    found: Mapping[str, tuple[int, float, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Values | None) -> "Depth":
        return cls() if values is None else cls({values.kind: (1, values.low, values.high)})

    def __add__(self, other: "Depth") -> "Depth":
        both = dict(self.found)
        for kind, (count, low, high) in other.found.items():
            n, least, most = both.get(kind, (0, low, high))
            both[kind] = (n + count, min(least, low), max(most, high))
        return Depth(both)

    def to_json(self) -> dict[str, Sequence[float]]:
        return {kind: list(values) for kind, values in self.found.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Sequence[float]]) -> "Depth":
        return cls({kind: (int(count), float(low), float(high)) for kind, (count, low, high) in data.items()})


def check_depth(name: str, depth: Depth, options: DataOptions) -> None:
    """Raise Question if it is doubtful which values are black and white."""
    if options.window is not None:
        return
    for kind, (count, low, high) in depth.found.items():
        images = f"{count:,} images of {name!r} hold" if count > 1 else f"1 image of {name!r} holds"
        what = f"{images} {kind} from {low:.10g} to {high:.10g}"
        if kind != SIXTEEN:
            raise Question(f"{what}; which are black and white?", answers(low, high, np.dtype(np.float32)))
        if high - low < SMALL:
            raise Question(
                f"{what}, and would be nearly uniform if 0 is black and {WHOLE:,} white.",
                [as_option(low, high), as_option(0, WHOLE)],
            )
