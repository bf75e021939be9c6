"""Which values become black and white: the option --window LOW,HIGH, for arrays and files that are not 8-bit."""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.generic]
Window = tuple[float, float]
CHUNK = 2**24
"""Number of values that are converted at a time."""


def windowed(values: Values, window: Window) -> NDArray[np.uint8]:
    """Convert values linearly so that the window becomes 0 to 255. Others become 0 or 255, and NaN becomes 0."""
    low, high = window
    found = np.empty(values.shape, np.uint8)
    each = max(1, CHUNK // max(1, values[:1].size))
    for start in range(0, len(values), each):
        part = (values[start : start + each].astype(np.float64) - low) * (255 / (high - low))
        found[start : start + each] = np.nan_to_num(part, posinf=255).round().clip(0, 255)
    return found


def extent(values: Values) -> Window:
    """The smallest and the largest finite value. Raises ValueError if there is none."""
    finite = values[np.isfinite(values)]
    return float(finite.min()), float(finite.max())


def as_option(low: float, high: float) -> str:
    """The option that makes these values black and white, for questions."""
    return f"--window={low:.10g},{high if high > low else low + 1:.10g}"


def answers(low: float, high: float, dtype: np.dtype[np.generic]) -> list[str]:
    """Likely values of --window, as options, for images with values from `low` to `high`."""
    known = [(0, 1), (-1, 1), (0, 255), *([(0, 65535)] if dtype == np.uint16 else [])]
    likely = [as_option(a, b) for a, b in known if a <= low and high <= b and (a < 0) == (low < 0)][:1]
    return [*dict.fromkeys([*likely, as_option(low, high)])]
