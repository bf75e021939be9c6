"""The protocol: what is asked of a generator, and in which order images are looked at."""

from collections import Counter

import numpy as np
import pytest

from condgen import data
from condgen.judging.protocol import GeneratedSet, generate
from condgen.judging.reference import Reference, Samples
from condgen.labels import ANY
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


def test_sorted_images_are_mixed_before_some_are_taken(digits: Reference) -> None:
    """The first 5,000 of 6,000 that came sorted by label would have no 9."""
    labels = np.arange(6000) // 600
    generated = GeneratedSet(Samples(np.zeros((6000, 2, 2, 1), np.uint8), labels), digits)
    assert generated.requested is not None
    assert Counter(generated.requested[:5000].tolist())[9] == pytest.approx(500, abs=60)
