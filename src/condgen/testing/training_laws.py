"""Laws of a training and of what it leaves behind. Each raises AssertionError if it is broken."""

import torch

from condgen.api import load
from condgen.testing.trainings import Case, begin, equal, everything, logged, round_of, run_to

STOPS = {"after one step": 1, "between two log lines": 7, "at a log line": 9}


def resume_is_bit_exact(case: Case) -> None:
    """However often a training is stopped and wherever, it ends like one that was never stopped."""
    name, folder = case.system, case.folder
    whole = run_to(begin(name, folder / "whole", case.data), 20)
    parts = begin(name, folder / "parts", case.data)
    for where, stop_at in STOPS.items():
        run_to(parts, 20, stop_at)
        parts = begin(name, folder / "parts", case.data)
        assert parts.images == stop_at * round_of(parts), where
    run_to(parts, 20)
    assert equal(everything(whole), everything(parts))
    assert logged(whole) == logged(parts)
    assert len(whole.run.log) == 7
    published = [next((folder / run / "generator").glob("*.safetensors")).read_bytes() for run in ("whole", "parts")]
    assert published[0] == published[1]


def sampling_and_saving_change_no_training(case: Case) -> None:
    """A training from which images are generated, and which is saved, has the weights of one that is left alone."""
    quiet = run_to(begin(case.system, case.folder / "quiet", case.data), 10)
    watched = begin(case.system, case.folder / "watched", case.data)
    for rounds in (1, 2, 3, 4, 8, 9, 10):  # about a log line, and about swift's penalty of every eighth step
        run_to(watched, rounds)
        watched.sampler.sample("all", count=3)
    weights = {key: value for key, value in everything(quiet).items() if not key.startswith("meter")}
    assert all(torch.equal(value, everything(watched)[key]) for key, value in weights.items())


def takes_any_number_of_images(case: Case) -> None:
    """Five steps run and stay finite, also if the data set is smaller than a batch."""
    training = run_to(begin(case.system, case.folder, case.data), 5)
    assert training.images == 5 * round_of(training)
    assert all(value.isfinite().all() for value in everything(training).values())


def image_is_independent_of_its_company(case: Case) -> None:
    """Image i of a label and a seed is the same, whatever is requested beside it."""
    sampler = run_to(begin(case.system, case.folder, case.data), 3).sampler
    names = sampler.spec.labels
    wanted = names.each[-1]
    many = sampler.sample([wanted], count=50, seed=7)
    assert (sampler.sample([wanted], count=1, seed=7)[0] == many[0]).all()
    assert (sampler.sample([wanted] * 3, seed=7) == many[:3]).all()
    assert (next(sampler.batches([wanted], 7, start=41))[0].reshape(many[41].shape) == many[41]).all()
    mixed = [names.each[i % len(names)] for i in range(40)]  # other neighbours, other places in the micro-batch
    places = [place for place, label in enumerate(mixed) if label == wanted]
    assert (sampler.sample(mixed, seed=7)[places] == many[: len(places)]).all()


def run_folder_samples_the_same_bytes(case: Case) -> None:
    """The generator that is loaded from the run folder returns the bytes of the one in memory."""
    training = run_to(begin(case.system, case.folder, case.data), 3)
    assert (load(case.folder).sample("all", count=3) == training.sampler.sample("all", count=3)).all()
