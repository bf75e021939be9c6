"""Precision, recall, density, coverage, KID and copying: laws, expectations, second implementations."""

import contextlib
import io
import json
from math import prod
from pathlib import Path
from statistics import mean, stdev

import pytest
import torch

from condgen.metrics import kid, neighbours
from condgen.metrics.neighbours import Balls
from metrics.features import features

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text())


def prdc(n: int, m: int, shift: float = 0.1, k: int = 5) -> dict[str, float | None]:
    real, generated = features(n, 1).float(), features(m, 2, shift).float()
    return {name: number.value for name, number in neighbours.prdc(Balls.around(real, k), generated).items()}


def test_a_set_before_itself_is_perfect() -> None:
    x = features(300, 1)
    found = neighbours.prdc(Balls.around(x), x)
    assert [found[name].value for name in ("precision", "recall", "coverage")] == [1, 1, 1]
    assert found["density"].value == pytest.approx(
        1
    )  # k others and itself, strictly nearer than the k-th: k in k balls


def test_coverage_of_equal_distributions_is_its_expectation() -> None:
    """E[C] = 1 - prod (N - i) / (N + M - i), i = 1 ... k (Naeem et al. 2020)."""
    n = m = 1000
    expected = 1 - prod((n - i) / (n + m - i) for i in range(1, 6))
    found = [
        neighbours.prdc(Balls.around(features(n, seed)), features(m, 100 + seed))["coverage"].value or 0
        for seed in range(6)
    ]
    assert mean(found) == pytest.approx(expected, abs=0.01)


def test_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = prdc(500, 400)
    monkeypatch.setattr(neighbours, "CHUNK", 37)
    assert prdc(500, 400) == whole


def test_memory_is_a_chunk_of_rows_at_a_time() -> None:
    rows = next(neighbours.distances(features(5000, 1), features(3000, 2)))
    assert rows.shape == (neighbours.CHUNK, 3000)


def test_it_is_what_prdc_gives() -> None:
    library = pytest.importorskip("prdc")
    real, generated = features(700, 1), features(700, 2, 0.1)
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = library.compute_prdc(real.numpy(), generated.numpy(), nearest_k=5)
    ours = neighbours.prdc(Balls.around(real), generated)
    assert {name: number.value for name, number in ours.items()} == pytest.approx(theirs, abs=1e-5)


def test_precision_and_recall_are_what_torch_fidelity_gives() -> None:
    found = prdc(2000, 2000, k=3)
    assert found["precision"] == pytest.approx(GOLDEN["precision"], abs=1e-5)
    assert found["recall"] == pytest.approx(GOLDEN["recall"], abs=1e-5)


def test_kid_is_what_torch_fidelity_and_torchmetrics_give() -> None:
    one, other = features(2000, 1)[:1000], features(2000, 2, 0.1)[:1000]
    assert kid.mmd2(one, other) == pytest.approx(GOLDEN["kid, 1000"], rel=1e-5)
    library = pytest.importorskip("torchmetrics.image.kid")
    assert kid.mmd2(one, other) == pytest.approx(float(library.poly_mmd(one, other)), rel=1e-5)


def test_kid_is_unbiased() -> None:
    found = [kid.mmd2(features(200, 2 * seed), features(200, 2 * seed + 1)) for seed in range(50)]
    assert abs(mean(found)) < 3 * stdev(found) / 50**0.5


def test_kids_error_is_that_of_its_blocks() -> None:
    one, other = features(3000, 1), features(3000, 2, 0.1)
    number = kid.kid(one, other)
    parts = [kid.mmd2(one[i : i + 1000], other[i : i + 1000]) for i in (0, 1000, 2000)]
    assert number.value == pytest.approx(mean(parts))
    assert number.error == pytest.approx(1.96 * stdev(parts) / 3**0.5, rel=1e-3)


def test_copies_are_seen_and_others_are_fair() -> None:
    train, held_out = features(1000, 1), features(1000, 2)
    assert neighbours.copying(train[:500], train, held_out).value == 1
    assert neighbours.copying(held_out[:500], train, held_out).value == 0
    fair = neighbours.copying(features(2000, 3), train, held_out)
    assert abs((fair.value or 0) - 0.5) < 2 * (fair.error or 0)


@pytest.mark.parametrize(("n", "m"), [(5, 100), (100, 5), (1, 1)])
def test_fewer_images_than_neighbours_are_refused(n: int, m: int) -> None:
    found = neighbours.prdc(Balls.around(features(n, 1)), features(m, 2))
    assert all(number.value is None and number.refused for number in found.values())


def test_the_nearest_is_the_nearest() -> None:
    x, among = features(50, 1), features(2500, 2)
    distance, which = neighbours.nearest(x, among)
    every = torch.stack([(among - one).norm(dim=1) for one in x])
    assert torch.allclose(distance, every.min(1).values)
    assert (which == every.argmin(1)).all()
