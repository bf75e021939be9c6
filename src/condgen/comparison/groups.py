"""Runs that differ only in their seeds as one group, and groups beside each other in a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from condgen.comparison.runs import Entry
from condgen.metrics import METRICS
from condgen.metrics.estimate import Estimate

REAL = "real images"
HEADLINE = tuple(name for name, metric in METRICS.items() if metric.headline)


@dataclass(frozen=True)
class Group:
    """Runs that differ only in their seeds."""

    title: str
    entries: list[Entry]

    def number(self, name: str) -> Estimate | None:
        """The median of a metric over the seeds, with the error of that one run; None if it was not measured."""
        found = [entry.numbers[name] for entry in self.entries if name in entry.numbers]
        values = sorted((n for n in found if n.value is not None), key=lambda n: n.value or 0)
        return values[(len(values) - 1) // 2] if values else None

    def values(self, name: str) -> list[float]:
        """The values of a metric of all seeds that have one."""
        found = [entry.numbers[name].value for entry in self.entries if name in entry.numbers]
        return [value for value in found if value is not None]

    def text(self, name: str) -> str:
        """The median of a metric with its range over the seeds, or the value of a single run with its error."""
        values = self.values(name)
        if len(values) < 2:
            return str(self.number(name) or "-")
        return f"{median(values):.3g} ({min(values):.3g}-{max(values):.3g})"


def grouped(found: Sequence[Entry]) -> list[Group]:
    """Group the runs that differ only in their seeds, in the order of their first run.

    Lengths may differ by a tenth, since the number of images in one minute varies.
    """
    groups: list[list[Entry]] = []
    for each in found:
        mates = (members for members in groups if _alike(each, members[0]))
        if group := next(mates, None):
            group.append(each)
        else:
            groups.append([each])
    names = [members[0].identity.system for members in groups]
    return [
        Group(name if names.count(name) == 1 else f"{name} ({members[0].folder.name})", members)
        for name, members in zip(names, groups, strict=True)
    ]


def lines(groups: Sequence[Group]) -> list[dict[str, str]]:
    """The table: one row per cost and per headline metric, one column per group, and one for real images."""
    evaluation = groups[0].entries[0].evaluation
    table = [{"": name} | {group.title: cost(group) for group in groups} | {REAL: ""} for name, cost in COSTS.items()]
    for name in HEADLINE:
        cells = {group.title: group.text(name) for group in groups}
        table.append({"": METRICS[name].title} | cells | {REAL: evaluation.real_text(name)})
    return table


def measured(groups: Sequence[Group]) -> list[dict[str, Any]]:
    """The numbers of the table, unrounded, with one row per group and metric.

    value: the median over the seeds; error: half of the 95 % confidence interval of that run; lowest and highest: the
    range over the seeds; real: the value of real images.
    """
    evaluation = groups[0].entries[0].evaluation
    rows = []
    for group in groups:
        for name in HEADLINE:
            number, values = group.number(name), group.values(name)
            real = evaluation.metrics[name].real if name in evaluation.metrics else None
            rows.append(
                {
                    "system": group.title, "metric": name, "seeds": len(group.entries),
                    "value": median(values) if values else None, "error": number.error if number else None,
                    "lowest": min(values, default=None), "highest": max(values, default=None),
                    "real": real.value if real else None,
                }
            )  # fmt: skip
    return rows


def vae_beside_gan(groups: Sequence[Group]) -> list[str]:
    """The claims on VAE and GAN in CLAIMS with measured values, as lines of text; empty without a run of each."""
    sides = {
        "autoencoders": [group for group in groups if not group.entries[0].is_game],
        "games": [group for group in groups if group.entries[0].is_game],
    }
    if not all(sides.values()):
        return []
    said = ["VAE and GAN compared:"]
    for name, claim in CLAIMS.items():
        values = [
            f"{', '.join(f'{group.title} {group.text(name)}' for group in members)}"
            for members in sides.values()
        ]  # fmt: skip
        said.append(f"  {claim}: {' | '.join(values)}")
    spreads = [", ".join(f"{group.title} {_spread(group)}" for group in members) for members in sides.values()]
    return [*said, f"  a game is harder to train (FD, worst seed over best): {' | '.join(spreads)}"]


CLAIMS = {
    "sharpness": "a GAN is sharper (edges, 1 is as in real images)",
    "precision": "its images are better (precision)",
    "recall": "but it may collapse (recall)",
    "walk": "a VAE's latent space is smoother (largest of 16 steps of an interpolation; 0.0625 is even)",
}
"""Claims of "Python 深度学习: 基于 PyTorch" (2019), section 8.4, by the name of the metric that tests each one."""


COSTS: dict[str, Callable[[Group], str]] = {
    "seeds": lambda group: str(len(group.entries)),
    "parameters": lambda group: f"{group.entries[0].parameters:,}",
    "images seen": lambda group: f"{median(each.images for each in group.entries):,.0f}",
    "minutes": lambda group: f"{median(each.seconds for each in group.entries) / 60:.1f}",
    "images/s": lambda group: f"{median(each.images / max(each.seconds, 1e-3) for each in group.entries):,.0f}",
}


def _spread(group: Group) -> str:
    values = [value for each in group.entries if (value := each.numbers["fd"].value)]
    return f"{max(values) / min(values):.2f} of {len(values)}" if len(values) > 1 else "one seed"


def _alike(one: Entry, other: Entry) -> bool:
    """Whether two runs differ only in their seeds, and by at most a tenth in their lengths."""
    settings = [{k: v for k, v in each.identity.config.items() if k != "images"} for each in (one, other)]
    same = one.identity.system == other.identity.system and settings[0] == settings[1]
    return same and abs(one.images - other.images) <= 0.1 * other.images
