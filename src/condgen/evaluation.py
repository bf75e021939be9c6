"""An evaluation: what `condgen evaluate` measured of one set of images, stores and prints. Needs no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from condgen import records
from condgen import score as scoring
from condgen.metrics import METRICS, flag
from condgen.metrics.estimate import Estimate
from condgen.result import Result
from condgen.tables import as_table

WALK = "walk"
"""The metric that stands last in the file, because it is measured last."""


@dataclass(frozen=True)
class MetricResult:
    """A metric of generated images, beside that of real images."""

    generated: Estimate
    real: Estimate | None = None
    flag: str | None = None
    """A warning, in words; None if the value is not suspicious."""

    @classmethod
    def of(cls, name: str, generated: Estimate, real: Estimate | None = None) -> "MetricResult":
        return cls(generated, real, flag(name, generated, real))

    def to_json(self) -> dict[str, Any]:
        return self.generated.to_json() | {"real": self.real.to_json() if self.real else None, "flag": self.flag}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "MetricResult":
        real = found.get("real")
        return cls(Estimate.from_json(found), Estimate.from_json(real) if real else None, found.get("flag"))


class Facts(BaseModel):
    """Part of an evaluation. Only the fields that are given are written, in the order of their declaration."""

    model_config = ConfigDict(frozen=True, defer_build=True)  # built when it is used, for a quick --help

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_unset=True)


class JudgeFacts(Facts):
    name: str
    sha256: str = ""
    accuracy: dict[str, Any] | None = None
    """On real test images (`Estimate.to_json`)."""


class DataFacts(Facts):
    name: str
    fingerprint: str = ""


class GeneratorFacts(Facts):
    """The facts about a generator that are needed to generate the same images."""

    system: str | None = None
    config: dict[str, Any] | None = None
    images: int | None = None
    seed: int | None = None
    sha256: str
    micro_batch: int | None = None
    data: dict[str, Any] | None = None
    sampling: dict[str, Any] | None = None


class About(Facts):
    """What was measured, by which protocol and judge."""

    protocol: str
    images_measured: int
    cas: str | None = None
    labels: list[str] = []
    data: DataFacts
    judge: JudgeFacts
    versions: dict[str, str] = {}
    run: str | None = None
    images: str | None = None
    """Path of the images, if no run was measured."""
    generator: GeneratorFacts | None = None
    which: str | None = None
    """last or best."""
    seed: int | None = None
    reference: str = ""
    """The real images that were compared with, in words."""


class Gate(Facts):
    """The validity check: pixel statistics of generated and of real images, and what is wrong, in sentences."""

    generated: dict[str, Any] = {}
    real: dict[str, Any] = {}
    troubles: list[str] = []


@dataclass(frozen=True)
class Verdict:
    """An evaluation in words, as phrases. `condgen.verdict` makes it."""

    good: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()
    """What could not be told with so few images."""
    next: tuple[str, ...] = ()
    """What to do, the most useful first."""

    def __str__(self) -> str:
        """One sentence for each of the four that says something."""
        found = {"Wrong": self.wrong, "Good": self.good, "Not known": self.untold, "Next": self.next}
        return "\n".join(f"{title}: {'; '.join(said)}." for title, said in found.items() if said)

    def to_json(self) -> dict[str, list[str]]:
        return {"good": [*self.good], "wrong": [*self.wrong], "untold": [*self.untold], "next": [*self.next]}

    @classmethod
    def from_json(cls, found: Mapping[str, Sequence[str]]) -> "Verdict":
        return cls(*(tuple(found[key]) for key in ("good", "wrong", "untold", "next")))


@dataclass(frozen=True, repr=False)
class Evaluation(Result):
    """A complete evaluation."""

    metrics: Mapping[str, MetricResult]
    about: About
    per_class: Sequence[Mapping[str, Any]] = ()
    """For each class, or attribute present and absent: number of images, and metrics."""
    confusion: Sequence[Sequence[int]] | None = None
    """Counts: one row per requested class, one column per predicted one; None without classes."""
    gate: Gate = field(default_factory=Gate)
    verdict: Verdict | None = None
    """None in evaluations of an earlier condgen, which stored none; see `condgen.verdict.of`."""

    def __repr__(self) -> str:
        shown = [f"{METRICS[name].title} {number}" for name, number in self.numbers.items() if METRICS[name].headline]
        return f"Evaluation({self.about.images_measured:,} images, {', '.join(shown)})"

    def __str__(self) -> str:
        """The score and the verdict; every metric with its error, that of real images and its flag; what is unknown."""
        about, said = self.about, [str(self.verdict), ""] if self.verdict else []
        refusals = dict.fromkeys(number.refused for number in self.numbers.values() if number.refused)
        return "\n".join(
            [
                str(self.score),
                *said,
                f"{about.images_measured:,} images against {about.reference} of {about.data.name!r}; "
                f"{about.protocol}, FD[{about.judge.name}], sha256 {about.judge.sha256[:12]}; ± is a 95 % interval.",
                "",
                as_table([self._row(name) for name, number in self.numbers.items() if number.value is not None]),
                *(f"not measured: {why}" for why in refusals),
            ]
        )

    def _row(self, name: str) -> dict[str, str]:
        found = self.metrics[name]
        cells = {"generated": str(found.generated), "real images": self.real_text(name), "wrong": found.flag or ""}
        return {"": METRICS[name].title} | cells

    @property
    def numbers(self) -> dict[str, Estimate]:
        """The metrics of the generated images by name, in the order of METRICS."""
        return {name: self.metrics[name].generated for name in METRICS if name in self.metrics}

    @property
    def score(self) -> scoring.Score:
        """Fidelity, variety, label, novelty and usefulness from 0 to 100, and the overall score."""
        return scoring.of({name: (each.generated, each.real) for name, each in self.metrics.items()}, self.confusion)

    def real_text(self, name: str) -> str:
        """The value of a metric for real images, as text; '-' if there is none."""
        real = self.metrics[name].real if name in self.metrics else None
        return str(real) if real else "-"

    def with_metric(self, name: str, result: MetricResult) -> "Evaluation":
        return replace(self, metrics={**self.metrics, name: result})

    def with_facts(self, **facts: Any) -> "Evaluation":
        """A copy with these fields of `about`."""
        return replace(self, about=self.about.model_copy(update=facts))

    def to_json(self) -> dict[str, Any]:
        """The content of evaluation.json: the verdict, the score, one key per metric, then the rest."""
        found = {name: result.to_json() for name, result in self.metrics.items()}
        last = {WALK: found.pop(WALK)} if WALK in found else {}
        said = {"verdict": self.verdict.to_json()} if self.verdict else {}
        return said | {"score": self.score.to_json()} | found | {
            "per_class": list(self.per_class), "confusion": self.confusion, "gate": self.gate.to_json(),
            "about": self.about.to_json(),
        } | last  # fmt: skip

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Evaluation":
        """Raises KeyError, TypeError, AttributeError or pydantic.ValidationError if `found` is no evaluation."""
        metrics = {name: MetricResult.from_json(found[name]) for name in METRICS if name in found}
        about, gate = About.model_validate(found["about"]), Gate.model_validate(found.get("gate", {}))
        verdict = Verdict.from_json(found["verdict"]) if "verdict" in found else None
        return cls(metrics, about, found.get("per_class", ()), found.get("confusion"), gate, verdict)

    def save(self, path: str | Path) -> Path:
        """Write the evaluation as JSON with a checksum and return the path. Raises DiskError if that fails."""
        target = Path(path).expanduser()
        records.write(target, self.to_json())
        return target
