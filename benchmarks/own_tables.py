"""Tables of the pages on own images: the benchmark, the automatic choices, and the use of generated images."""

import json
from statistics import median
from typing import Any

from printed import RESULTS, middle, results_of

from condgen.metrics.estimate import mean_of

OWN = (
    "fine_detail", "patch_borders", "spectrum", "precision", "recall", "coverage", "label_accuracy", "memorised", "fd",
)  # fmt: skip
CHOSEN = ("fine_detail", "patch_borders", "spectrum", "label_accuracy", "recall", "fd")


def own_images() -> list[str]:
    """For each data set, one line of real images and one per system and length: medians over the seeds with ranges."""
    found = json.loads((RESULTS / "own_images.json").read_text())
    lines = []
    for name in found["sets"]:
        if not (measured := [result for result in found["results"] if result["data"] == name]):
            continue
        real = " | ".join(middle([*{_own(result, key, "real") for result in measured}]) for key in OWN)
        lines.append(f"| `{name}` | real images | | | | {real} |\n")
        for kind in dict.fromkeys((result["system"], result["length"]) for result in measured):
            some = [result for result in measured if (result["system"], result["length"]) == kind]
            seen, spent = (round(median([one[key] for one in some])) for key in ("images", "cpu_seconds"))
            cells = " | ".join(middle([_own(result, key, "value") for result in some]) for key in OWN)
            lines.append(f"| `{name}` | {kind[0]} | {len(some)} | {seen:,} | {spent:,} | {cells} |\n")
    return lines


def own_choices() -> list[str]:
    """One line per data set and choice: medians over the seeds with ranges."""
    results, lines = results_of("own_choices"), []
    for data, choice in dict.fromkeys((result["data"], result["choice"]) for result in results):
        some = [result["numbers"] for result in results if (result["data"], result["choice"]) == (data, choice)]
        cells = " | ".join(middle([numbers.get(name) for numbers in some]) for name in CHOSEN)
        lines.append(f"| `{data}` | {choice} | {len(some)} | {cells} |\n")
    return lines


def _own(result: dict[str, Any], key: str, which: str) -> float | None:
    """A figure or a metric, of generated (`value`) or of real images (`real`)."""
    found = result["figures"].get(key) or result["metrics"].get(key, {})
    value = found.get(which)
    return value["value"] if isinstance(value, dict) else value


def use() -> list[str]:
    """Per data set and arm: the gain of rare classes with the interval of all paired seeds, medians over the splits in
    percent, and how often it was best and chosen."""
    results, lines = results_of("use"), []
    for name in dict.fromkeys(result["data"] for result in results):
        some = [result for result in results if result["data"] == name]
        for arm in some[0]["arms"]:
            keys = ("mean recall", "of rare classes", "mean F1", "calibration error")
            values = [[100 * one["arms"][arm][key]["value"] for one in some] for key in keys]
            best = sum(_best(one["arms"]) == arm for one in some)
            chosen = sum(one["chosen"]["name"] == arm for one in some)
            cells = " | ".join(middle(numbers) for numbers in values)
            gain = _points([100 * value for one in some for value in one["rare gains"][arm]])
            lines.append(f"| `{name}` | {arm} | {len(some)} | {gain} | {cells} | {best or ''} | {chosen or ''} |\n")
    return lines


def _points(gains: list[float]) -> str:
    """Their mean with a 95 % interval; `-` for a training set beside itself."""
    found = mean_of(gains, len(gains))
    return f"{found.value:+.1f} ± {found.error:.1f}" if any(gains) else "-"


def _best(arms: dict[str, dict[str, Any]]) -> str:
    return max(arms, key=lambda name: arms[name]["mean recall"]["value"])
