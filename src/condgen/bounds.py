"""Ranges of the numeric options of the commands. The ranges of a system's settings are in its `Config`."""

from collections.abc import Mapping
from typing import Any

from condgen.errors import CondgenError, shortened

Bounds = tuple[float, float]
"""Minimum and maximum, both included."""
ANY_SEED = (-(2**63), 2**63 - 1)
IMAGES = (0, 10**12)
SIDE = 2048
"""Maximum side of an image, in pixels, that the card of a generator may contain."""

OPTIONS: dict[str, Bounds] = {
    "size": (1, SIDE),
    "minutes": (1e-6, 1e6),
    "epochs": (1e-9, 1e9),
    "seed": ANY_SEED,
    "log_every": IMAGES,
    "grid_every": IMAGES,
    "evaluate_every": IMAGES,
    "save_seconds": (0, 1e9),
    "count": (1, 1000),
    "sample.count": (1, 100_000_000),
    "scatter.count": (1, 10_000_000),
    "shard": (1, 10_000_000),
    "columns": (1, 1000),
    "walk.columns": (2, 1000),
    "side": (1, 1000),
    "port": (0, 65_535),
    "evaluate.count": (1, 10_000_000),
    "audit.count": (1, 10_000_000),
    "fail_under": (0, 100),
    "private": (0, 100),
    "per_class": (1, 10_000_000),
}
"""Bounds by option name, or by command and option name."""


def of(verb: str, option: str) -> Bounds | None:
    """The bounds of an option; None if it has none."""
    return OPTIONS.get(f"{verb}.{option}", OPTIONS.get(option))


def check(verb: str, options: Mapping[str, Any]) -> None:
    """Raise CondgenError for the first number that is out of bounds. Values of other types are ignored."""
    for name, value in options.items():
        bounds = of(verb, name)
        if bounds and isinstance(value, int | float) and not bounds[0] <= value <= bounds[1]:
            raise CondgenError(f"--{name.replace('_', '-')} should be {_wanted(bounds, value)}, found {_shown(value)}.")


def _wanted(bounds: Bounds, value: float) -> str:
    least, most = bounds
    if value != value:
        return "a number"
    if value > most:
        return f"at most {most:,}"
    return "more than 0" if 0 < least < 1 else f"{least:,} or more"


def _shown(value: float) -> str:
    try:
        return shortened(str(value))
    except ValueError:  # the number has more digits than Python converts to text
        return "more digits than can be read"
