"""How the tables of the documentation print numbers, and the results that they print."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

RESULTS = Path(__file__).with_name("results")
Results = Sequence[dict[str, Any]]

WORDS = {  # labels that older results carry, and the words that the pages print
    "rare ones repeated": "rare images repeated",
    "real and drawn": "real and generated",
    "gain over rare ones repeated": "gain over rare images repeated",
    "pictures": "images",
}


def spread(values: Sequence[float]) -> str:
    """Mean and range over the seeds."""
    digits = 3 if mean(values) < 10 else 1
    low, centre, high = (f"{value:.{digits}f}" for value in (min(values), mean(values), max(values)))
    return f"{centre} ({low}-{high})"


def middle(values: Sequence[float | None]) -> str:
    """The median, with its range if there are several."""
    found = sorted(value for value in values if value is not None)
    if not found:
        return "-"
    usual = short(median(found))
    return usual if len(found) == 1 else f"{usual} ({short(found[0])}-{short(found[-1])})"


def word(label: str) -> str:
    return WORDS.get(label, label)


def short(value: float | None) -> str:
    """At most three significant digits and three decimal places."""
    if value is None:
        return "-"
    places = 0 if value >= 100 else 1 if value >= 10 else 2 if value > 1 else 3
    return f"{value:.{places}f}"


def results_of(name: str) -> Results:
    found: Results = json.loads((RESULTS / f"{name}.json").read_text())["results"]
    return found


def rows_of(name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((RESULTS / f"{name}.json").read_text())["rows"]
    return found
