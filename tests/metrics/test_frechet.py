"""FD against closed forms, against scipy's matrix square root, and its laws."""

import json
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from torch import Tensor

from condgen.metrics import frechet
from condgen.metrics.frechet import Moments
from metrics.features import features

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text())


def moments(mean: Tensor, covariance: Tensor) -> Moments:
    return Moments(10_000, mean.double(), covariance.double())


def test_equal_sets_are_at_no_distance() -> None:
    x = Moments.of(features(2000, 1))
    assert abs(frechet.distance(x, x)) < 1e-9


@given(st.integers(1, 40), st.floats(-3, 3), st.floats(0.1, 4))
@settings(max_examples=30, deadline=None)
def test_of_two_round_normals_it_is_the_closed_form(dim: int, shift: float, scale: float) -> None:
    one = moments(torch.zeros(dim), torch.eye(dim, dtype=torch.float64))
    other = moments(torch.full((dim,), shift, dtype=torch.float64), scale**2 * torch.eye(dim, dtype=torch.float64))
    expected = dim * (shift**2 + (1 - scale) ** 2)
    assert frechet.distance(one, other) == pytest.approx(expected, abs=1e-9)


def test_of_normals_with_one_axis_system_it_is_the_distance_of_the_deviations() -> None:
    axes = torch.linalg.qr(features(8, 3, dim=8))[0]
    a, b = torch.rand(8) + 0.1, torch.rand(8) + 0.1
    one = moments(torch.zeros(8), axes @ torch.diag(a**2).double() @ axes.T)
    other = moments(torch.zeros(8), axes @ torch.diag(b**2).double() @ axes.T)
    assert frechet.distance(one, other) == pytest.approx(float((a - b).square().sum()), rel=1e-5)


def test_it_is_symmetric() -> None:
    one, other = Moments.of(features(500, 1)), Moments.of(features(700, 2, 0.3))
    assert frechet.distance(one, other) == pytest.approx(frechet.distance(other, one), rel=1e-9)


@pytest.mark.parametrize("n", [2000, 500])
def test_it_is_what_scipys_matrix_root_gives(n: int) -> None:
    one, other = Moments.of(features(n, 1)), Moments.of(features(n, 2, 0.1))
    root = np.real(sqrtm((one.covariance @ other.covariance).numpy()))
    traces = one.covariance.trace() + other.covariance.trace() - 2 * np.trace(root)
    expected = float((one.mean - other.mean).square().sum() + traces)
    assert frechet.distance(one, other) == pytest.approx(expected, abs=1e-6)


def test_with_fewer_images_than_features_it_is_the_low_rank_form() -> None:
    """tr (S1 S2)^1/2 is the sum of singular values of X1 X2ᵀ for centred X / √(n - 1)."""
    x, y = features(40, 1), features(50, 2, 0.2)
    a, b = ((f - f.mean(0)) / (len(f) - 1) ** 0.5 for f in (x, y))
    overlap = torch.linalg.svdvals(a @ b.T).sum()
    apart = (x.mean(0) - y.mean(0)).square().sum()
    expected = float(apart + a.square().sum() + b.square().sum() - 2 * overlap)
    assert frechet.distance(Moments.of(x), Moments.of(y)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("n", [2000, 500, 50])
def test_it_is_what_torch_fidelity_gives(n: int) -> None:
    found = frechet.distance(Moments.of(features(n, 1)), Moments.of(features(n, 2, 0.1)))
    assert found == pytest.approx(GOLDEN[f"fd {n}"], rel=1e-5)


def test_it_is_what_torchmetrics_gives() -> None:
    library = pytest.importorskip("torchmetrics.image.fid")
    one, other = Moments.of(features(2000, 1)), Moments.of(features(2000, 2, 0.1))
    found = library._compute_fid(one.mean, one.covariance, other.mean, other.covariance)
    assert frechet.distance(one, other) == pytest.approx(float(found), rel=1e-5)


def test_too_few_images_are_refused_with_the_number_that_would_do() -> None:
    real = Moments.of(features(1000, 1))
    number = frechet.fd(real, features(255, 2))
    assert number.value is None
    assert number.refused
    assert "256" in number.refused
    assert "255 generated" in number.refused
    assert frechet.fd(real, features(256, 2)).value is not None


def test_its_error_is_about_the_spread_of_independent_sets_and_not_below_it() -> None:
    """Far from the floor, where parts scale as the whole does."""
    real = Moments.of(features(4000, 1))
    found = [frechet.fd(real, features(1000, seed, 0.3)) for seed in range(10, 30)]
    spread = 1.96 * stdev(number.value or 0 for number in found)
    claimed = mean(number.error or 0 for number in found)
    assert 0.7 * spread < claimed < 2.5 * spread


def test_fd_inf_takes_away_what_few_images_add() -> None:
    real = Moments.of(features(50_000, 1))
    biased = [frechet.fd(real, features(1500, seed)) for seed in range(5)]
    extrapolated = [frechet.fd_inf(real, features(1500, seed)) for seed in range(5)]
    assert abs(mean(n.value or 0 for n in extrapolated)) < 0.3 * mean(n.value or 0 for n in biased)
    assert all(abs(n.value or 0) < 2 * (n.error or 0) + 0.01 for n in extrapolated)
