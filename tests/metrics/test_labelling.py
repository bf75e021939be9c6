"""Shares, labels and pixels: against counts by hand."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from condgen.metrics import METRICS, flag, labelling, pixels
from condgen.metrics.estimate import Estimate, mean_of, refused, share


def test_wilsons_interval_by_hand() -> None:
    """90 of 100: Wilson gives [.8256, .9448]."""
    number = share(90, 100)
    assert number.value == 0.9
    assert number.error == pytest.approx((0.9448 - 0.8256) / 2, abs=1e-4)


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_a_share_has_an_error_even_at_its_ends(n: int, part: float) -> None:
    number = share(round(part * n), n)
    assert 0 < (number.error or 0) < 1


def test_a_mean_of_seeds_uses_students_t() -> None:
    from scipy import stats

    for count in range(2, 21):
        values = np.arange(count)
        wanted = stats.t.ppf(0.975, count - 1) * values.std(ddof=1) / count**0.5
        assert mean_of(values.tolist(), 7).error == pytest.approx(wanted, rel=3e-4)
    assert mean_of([1], 7).error is None


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Estimate(0.17812, 0.0213, 9), "0.18 ± 0.02"),
        (Estimate(0.99123, 0.0014, 9), "0.9912 ± 0.0014"),
        (Estimate(138.2, 2.4, 9), "138 ± 2"),
        (Estimate(3.0, None, 9), "3"),
        (refused("too few."), "-"),
    ],
)
def test_a_number_is_written_to_the_digit_its_error_reaches(number: Estimate, text: str) -> None:
    assert str(number) == text


@given(st.builds(Estimate, st.floats(-1e6, 1e6), st.none() | st.floats(0, 1e3), st.integers(0, 10**6)))
def test_numbers_survive_json(number: Estimate) -> None:
    again = Estimate.from_json(number.to_json())
    assert again.value == pytest.approx(number.value, rel=1e-6)
    assert Estimate.from_json(again.to_json()) == again


ASKED, SEEN = torch.tensor([0, 0, 1, 1, 2]), torch.tensor([0, 1, 1, 1, 0])


def test_accuracy_recalls_and_confusion_by_hand() -> None:
    assert labelling.accuracy(ASKED, SEEN).value == 0.6
    assert [number.value for number in labelling.recalls(ASKED, SEEN, 3)] == [0.5, 1, 0]
    assert labelling.confusion(ASKED, SEEN, 3) == [[1, 1, 0], [0, 2, 0], [1, 0, 0]]


def test_balanced_accuracy_of_attributes_by_hand() -> None:
    asked = torch.tensor([[1, 0], [1, 0], [0, 1], [0, 1]])
    seen = torch.tensor([[1, 0], [0, 1], [0, 1], [0, 1]])
    # the first: half of those on, all of those off; the second: half of those off, all of those on
    assert labelling.accuracy(asked, seen).value == 0.75
    rare_off = labelling.accuracy(torch.tensor([[1], [1], [1], [0]]), torch.tensor([[1], [1], [0], [1]]))
    assert rare_off.value == pytest.approx((2 / 3 + 0) / 2)


def test_an_attribute_that_is_always_on_and_never_seen_is_no_success() -> None:
    ones = torch.ones(10, 1, dtype=torch.long)
    assert labelling.accuracy(ones, 1 - ones).value == 0
    assert labelling.accuracy(ones, ones).value == 1


def test_balance_is_total_variation() -> None:
    assert labelling.balance(torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 2, 3]), 4).value == 0.5
    assert labelling.balance(SEEN, SEEN, 3).value == 0


def test_missing_classes_are_those_hardly_ever_seen() -> None:
    real = torch.arange(4).repeat(100)
    seen = torch.cat([torch.zeros(300, dtype=torch.long), torch.full((97,), 1), torch.full((3,), 2)])
    assert labelling.missing(seen, real, 5) == [2, 3]  # 4 is missing in real images too


def noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 80, (n, 8, 8, 1), dtype=np.uint8)


def test_the_gate_names_a_range_bug_flat_images_and_copies() -> None:
    real = pixels.facts(noise(50))
    assert pixels.problems(pixels.facts(noise(50, 1)), real) == []
    broken = {"wrong value range?": noise(50) // 2 + 127, "flat": np.full((50, 8, 8, 1), 40, np.uint8)}
    for word, images in broken.items():
        assert any(said.startswith(word) for said in pixels.problems(pixels.facts(images), real))
    assert any("differ" in said for said in pixels.problems(pixels.facts(noise(2).repeat(50, 0)), real))


def test_exact_copies_are_counted() -> None:
    train = noise(20)
    assert pixels.exact_copies(np.concatenate([train[:5], noise(15, 1)]), train).value == 0.25


def test_sharpness_falls_with_blur_and_rises_with_noise() -> None:
    real = noise(100)
    blurred = ((real.astype(int) + np.roll(real, 1, 1) + np.roll(real, 1, 2)) // 3).astype(np.uint8)
    assert (pixels.sharpness(blurred, real).value or 0) < 0.7
    assert pixels.sharpness(real, real).value == 1
    assert (pixels.sharpness(real * 3, real).value or 0) == pytest.approx(3, rel=0.01)


@dataclass
class Case:
    name: str
    value: float
    real: float
    wrong: bool


@pytest.mark.parametrize(
    "case",
    [
        Case("fd", 0.9, 0.2, False),
        Case("fd", 1.1, 0.2, True),
        Case("precision", 0.97, 0.94, True),
        Case("precision", 0.92, 0.94, False),
        Case("precision", 0.6, 0.94, True),
        Case("recall", 0.85, 0.95, False),
        Case("recall", 0.7, 0.95, True),
        Case("fine_detail", 1.05, 1, False),
        Case("fine_detail", 1.2, 1, True),
        Case("fine_detail", 0.8, 1, True),
        Case("borders", 1.2, 1, True),
        Case("borders", 0.8, 1, False),
        Case("spectrum", 0.3, 0.02, True),
        Case("colour", 0.5, 1, True),
        Case("repeats", 0.05, 0.0, False),
        Case("repeats", 0.3, 0.05, True),
        Case("fd_reduced", 4, 1.7, True),
        Case("copying", 0.57, 0.52, True),
        Case("missing_classes", 1, 0, True),
    ],
    ids=str,
)
def test_red_flags(case: Case) -> None:
    assert bool(flag(case.name, Estimate(case.value, 0.001, 9), Estimate(case.real, 0.001, 9))) == case.wrong


def test_label_accuracy_is_a_red_flag_on_both_sides() -> None:
    real = Estimate(0.99, 0.002, 10_000)
    assert flag("label_accuracy", Estimate(0.97, 0.002, 10_000), real)
    assert flag("label_accuracy", Estimate(1.0, 0.001, 10_000), real)
    assert not flag("label_accuracy", Estimate(0.989, 0.002, 10_000), real)


def test_a_refused_number_is_no_red_flag() -> None:
    assert all(flag(name, refused("why."), Estimate(0.5, 0.1, 9)) is None for name in METRICS)
