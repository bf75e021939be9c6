"""The known-answer table: every planted fault is noticed by the number that should notice it."""

import numpy as np
import pytest

from condgen import data
from condgen.judging import judge
from condgen.judging.faults import FAULTS, noticed, self_test
from condgen.judging.generated_set import GeneratedSet
from condgen.judging.protocol import EVALUATORS, measure
from condgen.judging.reference import Reference, Samples
from condgen.metrics.estimate import Estimate


@pytest.fixture(scope="module")
def digits() -> Reference:
    dataset = data.load("mnist")
    found = judge.find(dataset)
    assert found, "the judge of MNIST is in the package"
    return Reference(dataset, found)


def real(reference: Reference, count: int) -> Samples:
    split = reference.other_train(count)
    return Samples(split.images, split.labels)


def plant(name: str, generated: Samples, reference: Reference) -> dict[str, Estimate]:
    broken = FAULTS[name].plant(generated, reference, np.random.default_rng(0))
    return measure(GeneratedSet(broken, reference), EVALUATORS)


def test_there_are_22_faults() -> None:
    assert len(FAULTS) == 22


def test_at_2000_images_the_plain_faults_are_noticed(digits: Reference) -> None:
    generated = real(digits, 2000)
    floor = measure(GeneratedSet(generated, digits), EVALUATORS)
    for name, catcher in {"blur 1.0": "fd", "few": "recall", "wrong label 10 %": "label_accuracy",
                          "class dropped": "missing_classes", "copies of train": "copying"}.items():  # fmt: skip
        fault = "10 images per class" if name == "few" else name
        assert catcher in noticed(plant(fault, generated, digits), floor), name


def test_colours_are_a_fault_of_colour_images_only() -> None:
    random, requested = np.random.default_rng(0), np.arange(5)
    grey = Samples(np.zeros((5, 8, 8, 1), np.uint8), requested)
    colour = Samples(random.integers(0, 255, (5, 8, 8, 3), dtype=np.uint8), requested)
    for name in ("colours x0.5", "grey"):
        assert not FAULTS[name].possible(grey)
        assert FAULTS[name].possible(colour)
        washed = FAULTS[name].plant(colour, None, random).images.astype(float)  # type: ignore[arg-type]
        spread, before = np.ptp(washed, axis=-1), np.ptp(colour.images.astype(float), axis=-1)
        assert np.abs(spread - before * (0.5 if name == "colours x0.5" else 0)).max() <= 1


def test_wrong_labels_leave_fd_as_it_is_to_the_bit(digits: Reference) -> None:
    generated = real(digits, 2000)
    clean = measure(GeneratedSet(generated, digits), EVALUATORS)
    for name in ("wrong label 10 %", "labels ignored", "two classes swapped"):
        broken = plant(name, generated, digits)
        for number in ("fd", "kid", "precision", "recall", "density", "coverage"):
            assert broken[number] == clean[number], (name, number)
        assert (broken["label_accuracy"].value or 0) < (clean["label_accuracy"].value or 0) - 0.05


WINDOWS: dict[str, list[tuple[str, float, float]]] = {
    # fault: (metric, lowest, highest), around the values of the specification for another judge of the recipe
    "none: real images": [("fd", 0.11, 0.23), ("label_accuracy", 0.993, 1), ("precision", 0.92, 0.95),
                            ("recall", 0.93, 0.96), ("copying", 0.49, 0.55), ("fd_intra", 0.4, 0.7)],
    "blur 0.5": [("fd", 0.8, 2.3), ("recall", 0.7, 0.9)],
    "blur 1.0": [("fd", 11, 33), ("recall", 0, 0.1)],
    "noise 0.1": [("fd", 4, 25), ("precision", 0.6, 0.88)],
    "noise 0.3": [("fd", 60, 170), ("label_accuracy", 0, 0.5)],
    "mean of two images": [("fine_detail", 0.65, 0.82)],
    "patch borders": [("borders", 1.12, 1.3), ("fine_detail", 0.95, 1.1)],
    "range bug": [("fd", 90, 260), ("label_accuracy", 0.05, 0.2)],
    "contrast x0.5": [("fd", 10, 40), ("recall", 0, 0.1)],
    "inverted": [("fd", 50, 150), ("label_accuracy", 0.1, 0.4)],
    "1 image per class": [("fd", 14, 56), ("recall", 0, 0.001), ("coverage", 0, 0.02)],
    "10 images per class": [("fd", 2, 7), ("recall", 0, 0.01), ("coverage", 0.06, 0.12)],
    "100 images per class": [("fd", 0.4, 1.2), ("recall", 0.35, 0.55)],
    "shrink: central 50 %": [("fd", 0.5, 1.6), ("recall", 0.45, 0.7), ("precision", 0.96, 1)],
    "shrink: central 20 %": [("fd", 1, 3.5), ("recall", 0.15, 0.35), ("precision", 0.97, 1)],
    "wrong label 10 %": [("label_accuracy", 0.885, 0.91), ("fd_intra", 5, 13)],
    "wrong label 50 %": [("label_accuracy", 0.48, 0.52), ("fd_intra", 40, 100)],
    "labels ignored": [("label_accuracy", 0.085, 0.115), ("fd_intra", 80, 220)],
    "two classes swapped": [("label_accuracy", 0.77, 0.82), ("fd_intra_max", 80, 220)],
    "class dropped": [("fd", 4, 11), ("missing_classes", 1, 1), ("balance", 0.09, 0.11), ("recall", 0.8, 0.92)],
    "copies of train": [("copying", 0.999, 1), ("fd", 0.1, 0.32), ("fd_train", 0, 0.15)],
}  # fmt: skip
"""Per fault (number, lowest, highest), about the values of the specification for another judge of the recipe."""


@pytest.mark.slow
def test_the_known_answers_at_10000_images(digits: Reference) -> None:
    assert (digits.judge.accuracy.value or 0) >= 0.993
    lines = {line.fault: line for line in self_test(digits, 10_000)}
    assert lines.keys() == WINDOWS.keys()
    for name, windows in WINDOWS.items():
        for number, low, high in windows:
            value = lines[name].numbers[number].value
            assert value is not None
            assert low <= value <= high, (name, number, value)
    clean = lines["none: real images"].numbers
    possible = {name: fault for name, fault in FAULTS.items() if not fault.colours_only}
    for name, fault in possible.items():
        assert set(fault.caught_by) <= set(lines[name].noticed), name
        if fault.caught_by == ("label_accuracy",):
            assert lines[name].numbers["fd"] == clean["fd"], name
    named = {name for name, line in lines.items() if line.noticed}
    assert named == set(possible), "nothing is noticed in real images, and something in every fault"
    smallest = {"fd", "label_accuracy", "copying", "borders"}
    assert all(smallest & set(lines[name].noticed) for name in possible), "these four notice every fault"
