"""Which numbers the options of the verbs take. Settings of systems have theirs in `Config`."""

from collections.abc import Mapping
from typing import Any

from condgen.errors import CondgenError, shortened

Bounds = tuple[float, float]
"""Least and most."""
ANY_SEED = (-(2**63), 2**63 - 1)
IMAGES = (0, 10**12)
SIDE = 2048
"""Of an image, in pixels; what the card of a generator may hold."""

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
    "steps": (2, 1000),
    "side": (1, 1000),
    "port": (0, 65_535),
    "evaluate.count": (1, 10_000_000),
    "per_class": (1, 10_000_000),
}
"""By name, or by verb and name."""


def of(verb: str, option: str) -> Bounds | None:
    """What a number has to lie between; None if there are no bounds."""
    return OPTIONS.get(f"{verb}.{option}", OPTIONS.get(option))


def check(verb: str, options: Mapping[str, Any]) -> None:
    """Raise CondgenError for the first number that is out of bounds. Other values are not looked at."""
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
    except ValueError:  # more digits than Python writes
        return "more digits than can be read"
