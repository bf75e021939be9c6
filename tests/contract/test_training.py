"""Laws of a training, over every row of the table: it can be stopped anywhere, and any amount of data will do."""

from pathlib import Path

import pytest
import torch

from condgen.api import load
from condgen.sampling.sampler import Sampler
from condgen.systems import SYSTEMS
from conftest import KINDS, toy_data
from contract.laws import BATCH, begin, equal, everything, logged, round_of, run_to

every_row = pytest.mark.parametrize("name", SYSTEMS, scope="module")  # a row's laws in turn: they share its runs
pytestmark = pytest.mark.usefixtures("without_curves")
STOPS = {"after one step": 1, "between two log lines": 7, "at a log line": 9}


@pytest.fixture(scope="module")
def digits(name: str, tmp_path_factory: pytest.TempPathFactory) -> Sampler:
    """Of a row that has seen a few digits, for laws that only draw from it."""
    return run_to(begin(name, tmp_path_factory.mktemp(name), toy_data("digits")), 3).sampler


@every_row
def test_resume_is_bit_exact(name: str, tmp_path: Path) -> None:
    """However often a training is stopped and wherever, it ends as one that nobody stopped."""
    whole = run_to(begin(name, tmp_path / "whole"), 20)
    parts = begin(name, tmp_path / "parts")
    for where, stop_at in STOPS.items():
        run_to(parts, 20, stop_at)
        parts = begin(name, tmp_path / "parts")
        assert parts.images == stop_at * round_of(parts), where
    run_to(parts, 20)
    assert equal(everything(whole), everything(parts))
    assert logged(whole) == logged(parts)
    assert len(whole.run.log) == 7
    published = [next((tmp_path / run / "generator").glob("*.safetensors")).read_bytes() for run in ("whole", "parts")]
    assert published[0] == published[1]


@every_row
def test_drawing_and_saving_leave_no_trace_in_what_is_trained(name: str, tmp_path: Path) -> None:
    quiet = run_to(begin(name, tmp_path / "quiet"), 10)
    watched = begin(name, tmp_path / "watched")
    for rounds in (1, 2, 3, 4, 8, 9, 10):  # about a log line, and about swift's penalty of every eighth step
        run_to(watched, rounds)
        watched.sampler.sample("all", count=3)
    weights = {key: value for key, value in everything(quiet).items() if not key.startswith("meter")}
    assert all(torch.equal(value, everything(watched)[key]) for key, value in weights.items())


@pytest.mark.parametrize("n", [1, 3, BATCH, BATCH + 3])
@every_row
def test_any_number_of_images_will_do(name: str, n: int, tmp_path: Path) -> None:
    training = run_to(begin(name, tmp_path, toy_data("attributes", n)), 5)
    assert training.images == 5 * round_of(training)
    assert all(value.isfinite().all() for value in everything(training).values())


@pytest.mark.parametrize("kind", KINDS)
@every_row
def test_image_i_is_the_same_whatever_is_asked_beside_it(name: str, kind: str, tmp_path: Path) -> None:
    sampler = run_to(begin(name, tmp_path, toy_data(kind)), 3).sampler
    names = sampler.spec.labels
    wanted = names.each[-1]
    many = sampler.sample([wanted], count=50, seed=7)
    assert (sampler.sample([wanted], count=1, seed=7)[0] == many[0]).all()
    assert (sampler.sample([wanted] * 3, seed=7) == many[:3]).all()
    assert (next(sampler.batches([wanted], 7, start=41))[0].reshape(many[41].shape) == many[41]).all()
    mixed = [names.each[i % len(names)] for i in range(40)]  # other neighbours, other places in the micro-batch
    places = [place for place, label in enumerate(mixed) if label == wanted]
    assert (sampler.sample(mixed, seed=7)[places] == many[: len(places)]).all()


@every_row
def test_what_is_published_draws_the_same_bytes(name: str, tmp_path: Path) -> None:
    training = run_to(begin(name, tmp_path), 3)
    assert (load(tmp_path).sample("all", count=3) == training.sampler.sample("all", count=3)).all()


@every_row
def test_image_i_is_the_same_on_one_thread_and_on_two(name: str, digits: Sampler) -> None:
    one = digits.sample("all", count=3)
    torch.set_num_threads(2)
    try:
        assert (digits.sample("all", count=3) == one).all()
    finally:
        torch.set_num_threads(1)


@every_row
def test_other_seeds_and_indices_are_other_images(name: str, digits: Sampler) -> None:
    last = digits.spec.labels.each[-1]
    generated = [image for seed in (0, 1) for image in digits.sample([last], count=20, seed=seed)]
    assert len({image.tobytes() for image in generated}) == 40


@every_row
def test_bf16_is_another_training_of_the_same_fp32_weights(name: str, tmp_path: Path) -> None:
    fast, exact = (run_to(begin(name, tmp_path / p, precision=p), 3) for p in ("bf16", "fp32"))
    ours, theirs = everything(fast), everything(exact)
    assert {key: value.dtype for key, value in ours.items()} == {key: value.dtype for key, value in theirs.items()}
    assert all(value.isfinite().all() for value in ours.values())
    assert not equal(ours, theirs)
