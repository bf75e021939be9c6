"""The protocol: what is asked of a generator, and in which order images are looked at."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from condgen import data
from condgen.judging import evaluation, protocol
from condgen.judging.by_label import uncertain
from condgen.judging.generated_set import GeneratedSet, generate
from condgen.judging.judge import Judge
from condgen.judging.reference import Reference, Samples
from condgen.labels import ANY
from condgen.metrics import METRICS, Metric, flag
from condgen.metrics.estimate import Estimate, share
from condgen.sampling.sampler import Sampler
from condgen.spec import Prior, Spec
from condgen.testing.trainings import build
from conftest import toy_data


@pytest.fixture(scope="module")
def digits() -> Reference:
    return Reference(data.load("mnist"), None)  # type: ignore[arg-type]


def sampler(kind: str) -> Sampler:
    system = build("cvae", toy_data(kind).spec)
    return Sampler(system.generator, system.generator_spec, system.prior)


def test_labels_are_asked_for_as_the_test_split_has_them(digits: Reference) -> None:
    generated = generate(sampler("digits"), digits, 10_000, seed=0)
    assert digits.dataset.test
    assert Counter(generated.requested.tolist()) == Counter(digits.dataset.test.labels.tolist())  # type: ignore[union-attr]
    assert len({image.tobytes() for image in generated.images[:500]}) == 500


def test_a_shorter_request_begins_as_a_longer_one(digits: Reference) -> None:
    one, more = (generate(sampler("digits"), digits, count, seed=3) for count in (50, 80))
    assert (one.images == more.images[:50]).all()


def test_a_generator_that_takes_no_label_is_asked_for_none(digits: Reference) -> None:
    generator = sampler("digits")
    plain = build("vae", toy_data("digits").spec)
    generator = Sampler(plain.generator, Spec((1, 28, 28), ANY), Prior(plain.prior.dim))
    assert generate(generator, digits, 20, seed=0).requested is None


@pytest.mark.parametrize(
    ("tested", "measured"),
    [
        (share(3, 3), False),
        (share(29, 29), False),
        (share(40, 80), False),
        (share(30, 30), True),
        (share(90, 99), True),
    ],
)
def test_label_accuracy_needs_a_judge_that_was_tested(tested: Estimate, measured: bool) -> None:
    """By a judge of three test images, an untrained generator had a label accuracy of 1.000."""
    judge = Judge("x", torch.nn.Sequential(), toy_data("digits").labels, "", tested)
    why = uncertain(Reference(data.load("mnist"), judge))
    assert (not why) == measured
    if why:
        assert re.search(r"known to ±0.1 from at least 30 real test images; it is .* from \d+\.$", why)


@pytest.mark.parametrize(
    ("number", "real", "is_flagged"),
    [(share(8, 8), share(6, 8), False), (share(800, 800), share(600, 800), True), (share(6, 8), share(6, 8), False)],
)
def test_a_difference_within_both_errors_is_no_warning(number: Estimate, real: Estimate, is_flagged: bool) -> None:
    assert bool(flag("copying", number, real)) == is_flagged


def test_sorted_images_are_mixed_before_some_are_taken(digits: Reference) -> None:
    """The first 5,000 of 6,000 that came sorted by label would have no 9."""
    labels = np.arange(6000) // 600
    generated = GeneratedSet(Samples(np.zeros((6000, 2, 2, 1), np.uint8), labels), digits)
    assert generated.requested is not None
    assert Counter(generated.requested[:5000].tolist())[9] == pytest.approx(500, abs=60)


def test_real_images_are_measured_once_and_again_for_a_new_metric(
    digits: Reference, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    measured: list[dict[str, Estimate]] = []

    def estimates(*_: object, **__: object) -> dict[str, Estimate]:
        measured.append({name: Estimate(1.0, None, 9) for name in vars(evaluation)["METRICS"]})
        return measured[-1]

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(protocol, "real_estimates", estimates)
    monkeypatch.setattr(Reference, "key", "key")
    found = [evaluation._real(digits, 9, cas=False, full=False) for _ in range(2)]
    assert found == measured * 2
    monkeypatch.setattr(evaluation, "METRICS", {**METRICS, "contrast": Metric("contrast", "real", "")})
    assert "contrast" in evaluation._real(digits, 9, cas=False, full=False)
