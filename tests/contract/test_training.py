"""Laws of a training, over every row of the table: it can be stopped anywhere, and any amount of data will do."""

from pathlib import Path

import pytest
import torch

from condgen.sampling.sampler import Sampler
from condgen.systems import SYSTEMS
from condgen.testing import training_laws as laws
from condgen.testing.toys import KINDS, toy_data
from condgen.testing.trainings import BATCH, Case, begin, equal, everything, run_to
from conftest import one_kind

every_row = pytest.mark.parametrize("name", SYSTEMS, scope="module")  # a row's laws in turn: they share its runs


@pytest.fixture(scope="module")
def digits(name: str, tmp_path_factory: pytest.TempPathFactory) -> Sampler:
    """Of a row that has seen a few digits, for laws that only draw from it."""
    return run_to(begin(name, tmp_path_factory.mktemp(name), toy_data("digits")), 3).sampler


@every_row
def test_resume_is_bit_exact(name: str, tmp_path: Path) -> None:
    laws.resume_is_bit_exact(Case(name, toy_data(one_kind(name)), tmp_path))


@every_row
def test_drawing_and_saving_leave_no_trace_in_what_is_trained(name: str, tmp_path: Path) -> None:
    laws.sampling_and_saving_change_no_training(Case(name, toy_data(one_kind(name)), tmp_path))


@pytest.mark.parametrize("n", [1, 3, BATCH, BATCH + 3])
@every_row
def test_any_number_of_images_will_do(name: str, n: int, tmp_path: Path) -> None:
    laws.takes_any_number_of_images(Case(name, toy_data("attributes", n), tmp_path))


@pytest.mark.parametrize("kind", KINDS)
@every_row
def test_image_i_is_the_same_whatever_is_asked_beside_it(name: str, kind: str, tmp_path: Path) -> None:
    laws.image_is_independent_of_its_company(Case(name, toy_data(kind), tmp_path))


@every_row
def test_what_is_published_draws_the_same_bytes(name: str, tmp_path: Path) -> None:
    laws.run_folder_samples_the_same_bytes(Case(name, toy_data(one_kind(name)), tmp_path))


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
