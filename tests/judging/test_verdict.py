"""The verdict: every warning becomes a sentence and a next step; what few images cannot tell is not called good."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from condgen import verdict
from condgen.evaluation import About, DataFacts, Evaluation, Gate, GeneratorFacts, JudgeFacts, MetricResult, Verdict
from condgen.metrics import METRICS, Metric
from condgen.metrics.estimate import Estimate, refused

RESULTS = Path(__file__).parents[2] / "benchmarks/results"
FLAGGED = [name for name, metric in METRICS.items() if metric.flag is not Metric("", "low", "").flag and metric.wrong]
"""Metrics with a rule."""

NONE: Mapping[str, float | None] = MappingProxyType({})


def evaluation(values: Mapping[str, float | None] = NONE, error: float = 0.01, gate: Sequence[str] = ()) -> Evaluation:
    """An evaluation whose metrics have these values, beside good ones of real images."""
    real = {"fd": 0.2, "fd_intra": 0.5, "fd_reduced": 1.0, "precision": 0.94, "recall": 0.95, "label_accuracy": 0.99,
            "copying": 0.5, "near_copies": 0.01, "missing_classes": 0, "fine_detail": 1, "repeats": 0.05,
            "colour": 1, "cas": 0.97}  # fmt: skip
    numbers = {name: Estimate(value, error, 100) for name, value in {**real, **values}.items() if value is not None}
    results = {n: MetricResult.of(n, number, Estimate(real[n], error, 100)) for n, number in numbers.items()}
    about = About(protocol="p", images_measured=100, data=DataFacts(name="d"), judge=JudgeFacts(name="j"), run="runs/a")
    return Evaluation(results, about, gate=Gate(troubles=[*gate]))


def test_a_good_generator_is_good_and_to_be_used() -> None:
    found = verdict.of(evaluation())
    assert len(found.good) == len(verdict.ASPECTS)
    assert (found.wrong, found.untold) == ((), ())
    assert "condgen sample runs/a" in found.next[0]


@pytest.mark.parametrize(
    ("values", "says", "step"),
    [
        ({"fine_detail": 2.48}, "speckled", "train longer"),
        ({"fine_detail": 0.5}, "blurred", "train longer"),
        ({"near_copies": 0.9}, "training images are nearly reproduced", "more training images"),
        ({"recall": 0.1}, "never generated", "train longer"),
        ({"label_accuracy": 0.5}, "labels are not always followed", "condgen figure titled runs/a"),
        ({"missing_classes": 2}, "classes are not generated", "--balanced-sampling"),
        ({"cas": 0.8}, "poor training data", "train longer"),
    ],
)
def test_a_warning_is_a_sentence_with_its_value_and_a_step(values: dict[str, float], says: str, step: str) -> None:
    found = verdict.of(evaluation(values))
    [name] = values
    assert len(found.wrong) == 1
    assert says in found.wrong[0]
    assert METRICS[name].title in found.wrong[0]
    assert step in found.next[0]
    assert len(found.good) == len(verdict.ASPECTS) - 1, "the aspect of the warning is not called good"


@pytest.mark.parametrize("metric", ["near_copies", "repeats"])
@pytest.mark.parametrize(
    ("config", "step"),
    [
        ({"augmentation": "none"}, "--augmentation adaptive"),
        ({"augmentation": "adaptive"}, "augmentation"),
        ({"augmentation": "diff"}, "augmentation"),
        ({"width": 32}, None),
        (None, None),
    ],
)
def test_advice_knows_whether_images_were_augmented(
    metric: str, config: dict[str, Any] | None, step: str | None
) -> None:
    """A system without a discriminator has no --augmentation, and what is on already is not advised."""
    found = evaluation({metric: 0.9}).with_facts(generator=GeneratorFacts(sha256="s", config=config))
    [said] = verdict.of(found).next
    assert (step or "more") in said
    assert ("--augmentation adaptive" in said) == (config == {"augmentation": "none"})
    assert ("augmentation" in said) == (step is not None)


@pytest.mark.parametrize("name", FLAGGED)
def test_every_rule_has_a_next_step_and_an_aspect_or_is_told_all_the_same(name: str) -> None:
    assert name in verdict.STEPS


def test_large_errors_are_not_called_good() -> None:
    found = verdict.of(evaluation(error=0.3))
    assert "whether labels are followed (label accuracy" in " ".join(found.untold)
    assert "labels are followed" not in found.good
    assert any("more" in step for step in found.next)


def test_a_refusal_gives_its_reason() -> None:
    none = evaluation({"label_accuracy": None})
    found = verdict.of(none.with_metric("label_accuracy", MetricResult(refused("label accuracy needs 30 images."))))
    assert found.untold == ("whether labels are followed (label accuracy needs 30 images)",)


def test_the_gate_comes_first() -> None:
    assert verdict.of(evaluation({"recall": 0.1}, gate=("wrong value range?",))).wrong[0] == "wrong value range?"


def test_a_verdict_is_read_as_it_was_written_and_may_be_absent() -> None:
    found = verdict.judged(evaluation({"recall": 0.1}))
    written = json.loads(json.dumps(found.to_json()))
    assert next(iter(written)) == "verdict"
    assert written["verdict"].keys() == {"good", "wrong", "untold", "next"}
    assert Evaluation.from_json(written).verdict == found.verdict
    del written["verdict"]
    former = Evaluation.from_json(written)
    assert former.verdict is None
    assert "verdict" not in former.to_json()
    assert verdict.of(former) == found.verdict


def test_it_is_one_sentence_for_each_part_that_says_something() -> None:
    assert str(Verdict(("a", "b"), (), (), ("c",))) == "Good: a; b.\nNext: c."


def test_good_runs_are_not_flagged() -> None:
    """The swift runs of the leaderboard on MNIST, three seeds."""
    rows = json.loads((RESULTS / "leaderboard.json").read_text())["results"]
    good = [row for row in rows if row["data"] == "mnist" and row["row"] == "swift"]
    assert len(good) == 3
    for row in good:
        for name, number in row["numbers"].items():
            ours, real = Estimate(number["value"], number["error"], 1), row["real"].get(name)
            assert not MetricResult.of(name, ours, None if real is None else Estimate(real, 0, 1)).flag, name
