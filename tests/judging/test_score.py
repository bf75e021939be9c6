"""The score: 100 for real images, and each fault costs the part that is named after it."""

from dataclasses import replace

import numpy as np
import pytest

from condgen import data, score
from condgen.judging import judge
from condgen.judging.evaluation import evaluate_samples
from condgen.judging.faults import FAULTS, altered
from condgen.judging.reference import Reference, Samples, subset
from condgen.metrics.estimate import Estimate, refused

LOST = {
    "labels ignored": "label", "copies of train": "novelty", "1 image per class": "variety", "noise": "fidelity",
}  # fmt: skip
"""The part that a fault costs."""
NOISE = altered(lambda x, random: random.uniform(size=x.shape))


def test_each_fault_costs_its_part_and_real_images_have_100() -> None:
    """The images are real ones that neither the feature classifier nor the reference has seen."""
    digits = data.load("mnist")
    found, test = judge.find(digits), digits.test
    assert found
    assert test
    order = np.random.default_rng(0).permutation(len(test))
    reference = Reference(replace(digits, test=subset(test, order[:2000])), found)
    fresh = subset(test, order[2000:3000])
    real = Samples(fresh.images, fresh.labels)
    clean = points(real, reference)
    assert "usefulness" not in clean
    assert min(clean.values()) >= 94
    for fault, part in LOST.items():
        plant = FAULTS[fault].plant if fault in FAULTS else NOISE
        spoilt = points(plant(real, reference, np.random.default_rng(0)), reference)
        others = {name for name, value in spoilt.items() if value < 85}
        assert spoilt[part] < 10, (fault, spoilt)
        assert spoilt["overall"] < 15, (fault, spoilt)
        if fault in ("labels ignored", "copies of train"):
            assert others == {part, "overall"}, (fault, spoilt)


def points(samples: Samples, reference: Reference) -> dict[str, float]:
    found = evaluate_samples(samples, reference, cas=False).score
    parts = {name: part.points.value for name, part in found.parts.items()}
    return {name: value for name, value in {**parts, "overall": found.overall.value}.items() if value is not None}


def test_the_shares_in_closed_form() -> None:
    metrics = {
        "precision": (Estimate(0.45, 0.03, 100), Estimate(0.9, 0, 100)),  # (0.45 - 0) / (0.9 - 0)
        "fine_detail": (Estimate(1.25, 0, 100), Estimate(1, 0, 100)),  # 1 / 1.25
        "copying": (Estimate(0.75, 0.02, 100), Estimate(0.5, 0.02, 100)),  # (0.75 - 1) / (0.5 - 1)
        "label_accuracy": (Estimate(0.75, 0, 100), Estimate(1, 0, 100)),  # by chance 0.5
        "recall": (refused("too few"), Estimate(1, 0, 100)),
    }
    found = score.of(metrics, [[30, 20], [5, 45]])
    assert {name: part.points.value for name, part in found.parts.items()} == {
        "fidelity": 50, "variety": None, "label": pytest.approx(50), "novelty": 50, "usefulness": None,
    }  # fmt: skip
    assert found.parts["fidelity"].by == "precision"
    assert found.parts["fidelity"].points.error == pytest.approx(100 * 0.03 / 0.9, abs=0.01)
    assert found.parts["novelty"].points.error == pytest.approx(100 * np.hypot(0.02, 0.5 * 0.02) / 0.5, abs=0.01)
    assert found.parts["variety"].points.refused == "too few"
    assert "not measured: variety, usefulness" in str(found)


def test_the_overall_score_is_the_harmonic_mean_with_the_error_of_small_changes() -> None:
    parts = [Estimate(80, 3, 10), Estimate(40, 2, 20)]
    found = score.harmonic(parts)
    assert found.value == pytest.approx(2 / (1 / 80 + 1 / 40), abs=0.01)
    step = [
        score.harmonic([replace(parts[0], value=81), parts[1]]),
        score.harmonic([parts[0], replace(parts[1], value=41)]),
    ]
    changes = [(each.value or 0) - (found.value or 0) for each in step]
    assert found.error == pytest.approx(np.hypot(3 * changes[0], 2 * changes[1]), rel=0.1)
    assert score.harmonic([Estimate(100, 0, 1), Estimate(0, 1, 1)]).value == pytest.approx(0, abs=1e-6)
