"""Metrics for few images: closed forms, and the jackknife done one image at a time."""

from statistics import mean, stdev

import pytest
import torch

from condgen.metrics import frechet, kid, labelling, small
from condgen.metrics.estimate import Z
from metrics.features import features


@pytest.mark.parametrize(("images", "expected"), [(5, 1), (30, 3), (85, 10), (300, 37), (5000, 64)])
def test_few_images_support_few_features(images: int, expected: int) -> None:
    assert small.dimensions(images, 64) == expected


def test_fd_over_all_components_is_fd() -> None:
    train, generated = features(2000, 1), features(1000, 2, 0.1)
    whole = frechet.fd(frechet.Moments.of(train), generated)
    assert small.fd_reduced(train, generated).value == pytest.approx(whole.value)


def test_fd_of_few_images_sees_a_shift_along_the_leading_component() -> None:
    scales = torch.tensor([5.0, 1, 1, 1]).double()
    train = torch.randn(4000, 4, generator=torch.Generator().manual_seed(0)).double() * scales
    shifted = train[:4000:125] + torch.tensor([9.0, 0, 0, 0])  # 32 images: 4 components
    fair = small.fd_reduced(train, train[1::125])
    found = small.fd_reduced(train, shifted)
    assert found.value == pytest.approx(81, rel=0.35)
    assert (fair.value or 99) < 5


@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_the_error_of_fd_is_no_smaller_than_the_spread_of_draws(shift: float) -> None:
    train = features(2000, 1)
    found = [small.fd_reduced(train, features(100, seed, shift)) for seed in range(100, 120)]
    claimed = mean(number.error or 0 for number in found)
    assert 0.8 * claimed / 2 < 1.96 * stdev(number.value or 0 for number in found) < 1.3 * claimed


def test_kid_over_all_pairs_has_the_error_of_the_jackknife() -> None:
    train, generated = features(40, 1), features(25, 2, 0.1)
    found = small.kid_train(train, generated)
    without = [kid.mmd2(train, torch.cat([generated[:i], generated[i + 1 :]])) for i in range(25)]
    others = [kid.mmd2(torch.cat([train[:i], train[i + 1 :]]), generated) for i in range(40)]
    variance = sum(torch.tensor(x).var(correction=0).item() * (len(x) - 1) for x in (without, others))
    assert found.value == pytest.approx(kid.mmd2(train, generated))
    assert found.error == pytest.approx(Z * variance**0.5, rel=1e-4)


def test_repeats_are_a_twentieth_unless_images_exist_twice() -> None:
    real = features(1000, 1).float()
    fair = small.repeats(real, features(1000, 2).float())
    twice = small.repeats(real, features(500, 3).float().repeat(2, 1))
    assert fair.value == pytest.approx(0.05, abs=0.03)
    assert twice.value == 1


def test_fewer_images_than_ten_are_refused() -> None:
    few, train = features(9, 1).float(), features(100, 2).float()
    for found in (small.fd_reduced(train, few), small.kid_train(train, few), small.repeats(train, few)):
        assert found.value is None
        assert "at least 10 images" in (found.refused or "")


def test_classes_that_chance_may_miss_are_the_error_of_missing_classes() -> None:
    real = torch.arange(10).repeat(30)
    found = labelling.missing_classes(torch.arange(10).repeat(3), real, 10)
    assert found.value == 0
    assert found.error == pytest.approx(Z * (10 * 0.9**30) ** 0.5)
    many = labelling.missing_classes(torch.arange(9).repeat(500), real, 10)
    assert (many.value, many.error) == (1, None)
