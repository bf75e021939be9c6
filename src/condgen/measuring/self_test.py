"""The self-test of the metrics: which of them detect known faults in real images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from condgen.measuring.evaluator import Say, reference_for
from condgen.metrics import METRICS
from condgen.result import Result
from condgen.tables import as_table

if TYPE_CHECKING:
    from condgen.data import Dataset
    from condgen.judging.faults import FaultResult

SHOWN = ("fd", "fd_intra", "precision", "recall", "label_accuracy", "copying")
"""Metrics that have a column of their own."""


@dataclass(frozen=True, repr=False)
class SelfTest(Result):
    """What the metrics say about real images with known faults. The first line is for unchanged images."""

    lines: "Sequence[FaultResult]"

    @property
    def missed(self) -> list[str]:
        """The faults that no metric detects."""
        return [line.fault for line in self.lines[1:] if not (line.noticed or line.gate)]

    def to_json(self) -> list[dict[str, Any]]:
        return [line.to_json() for line in self.lines]

    def __repr__(self) -> str:
        return f"SelfTest({len(self.lines) - 1} faults, {len(self.missed)} not noticed)"

    def __str__(self) -> str:
        table = as_table([_row(line) for line in self.lines])
        verdict = f"not noticed: {', '.join(self.missed)}." if self.missed else "every fault was noticed."
        return f"{table}\n\n* more than three standard deviations worse than real images. {verdict}"


def self_test(dataset: "Dataset", count: int, say: Say) -> SelfTest:
    """The metrics of at most `count` real images under each fault."""
    from condgen.judging import faults

    reference, _ = reference_for(dataset, say)
    lines = []
    for line in faults.self_test(reference, count):
        say(f"{line.fault} ...")
        lines.append(line)
    return SelfTest(lines)


def _row(line: "FaultResult") -> dict[str, Any]:
    cells = {METRICS[name].title: f"{_value(line, name)}{'*' if name in line.noticed else ''}" for name in SHOWN}
    others = [METRICS[name].title for name in line.noticed if name not in SHOWN] + (["the gate"] if line.gate else [])
    return {"fault": line.fault} | cells | {"also noticed by": ", ".join(others)}


def _value(line: "FaultResult", name: str) -> str:
    value = line.numbers[name].value
    return "-" if value is None else f"{value:.3g}"
