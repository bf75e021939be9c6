"""Evaluations while training: failures are named in words, health is not, and a resumed training is told the same."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from condgen import api, data
from condgen.data import Dataset
from condgen.judging import judge
from condgen.judging.monitor import Alarm, Monitor, _discriminator, is_best, new_alarms
from condgen.judging.reference import Reference, subset
from condgen.labels import Label
from condgen.systems import SYSTEMS
from condgen.testing.trainings import begin, equal, everything, round_of
from conftest import toy_data

HEALTHY = "healthy"


@pytest.fixture(scope="module")
def monitor() -> Monitor:
    digits = data.load("mnist")
    found = judge.find(digits)
    assert found
    return Monitor(Reference(digits, found), seed=0, images=1000)


class Generator:
    """Real training digits as if they had been generated, with a fault."""

    def __init__(self, digits: Dataset, fault: str, seed: int) -> None:
        self.fault, self.random = fault, np.random.default_rng(seed)
        self.train, self.spec = digits.train, digits.spec

    def batches(self, labels: Sequence[Label], seed: int) -> Iterator[np.ndarray]:
        wanted = np.array(labels)
        if self.fault == "labels shuffled":
            wanted = self.random.permutation(wanted)
        if self.fault == "class never generated":
            wanted[wanted == 7] = 1
        kept = {"one image": 1, "three images": 3}.get(self.fault, 5000)
        chosen = [self.random.choice(np.flatnonzero(self.train.labels == label)[:kept]) for label in wanted]
        images = self.train.images[chosen]
        if self.fault == "one image":  # with some noise on it, so that no two are equal
            images = np.clip(images + self.random.integers(0, 20, images.shape), 0, 255).astype(np.uint8)
        if self.fault == "speckle":
            images = np.clip(images + self.random.normal(0, 80, images.shape), 0, 255).astype(np.uint8)
        if self.fault == "patches":
            offsets = self.random.normal(0, 25, (len(images), 7, 7, 1)).repeat(4, 1).repeat(4, 2)
            images = np.clip(images + offsets, 0, 255).astype(np.uint8)
        yield images // 2 + 127 if self.fault == "range bug" else images


def alarms(monitor: Monitor, fault: str, seed: int, log: Sequence[dict[str, float]] = ()) -> set[str]:
    glance = monitor.evaluate(Generator(monitor.reference.dataset, fault, seed), 1000, log)  # type: ignore[arg-type]
    assert all(len(alarm.text) < 250 and "\n" not in alarm.text for alarm in glance.alarms)
    return {alarm.kind for alarm in glance.alarms}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("one image", "collapse"),
        ("three images", "collapse"),
        ("labels shuffled", "labels"),
        ("class never generated", "missing"),
        ("range bug", "pixels"),
        ("speckle", "texture"),
        ("patches", "texture"),
    ],
)
def test_an_injected_failure_is_named_at_once(monitor: Monitor, fault: str, kind: str, seed: int) -> None:
    assert kind in alarms(monitor, fault, seed)


@pytest.mark.parametrize("seed", range(5))
def test_health_is_not_alarming(monitor: Monitor, seed: int) -> None:
    assert alarms(monitor, HEALTHY, seed) == set()


def test_a_test_split_too_small_for_fd_is_replaced_by_training_images(monitor: Monitor) -> None:
    """So that best/ and the alarms of quality work for small data sets too."""
    digits = monitor.reference.dataset
    assert digits.test
    few = replace(digits, train=subset(digits.train, np.arange(600)), test=subset(digits.test, np.arange(60)))
    small = Monitor(Reference(few, monitor.reference.judge), seed=0, images=1000)
    sound, broken = (
        small.evaluate(Generator(digits, fault, 0), 1000, []).scalars["fd"]  # type: ignore[arg-type]
        for fault in (HEALTHY, "speckle")
    )
    assert 5 * sound < broken


def test_falling_quality_names_its_best(monitor: Monitor) -> None:
    log = [{"images": 400, "fd": 0.1}, {"images": 500, "fd": 0.05}]
    [alarm] = monitor.evaluate(Generator(monitor.reference.dataset, HEALTHY, 0), 1000, log).alarms  # type: ignore[arg-type]
    assert alarm.kind == "quality"
    assert "0.05 at 500 images" in alarm.text


@pytest.mark.parametrize(
    ("accuracy", "swing", "fd", "told"),
    [
        (0.99, 0.1, 0.1, True),
        (0.9, 0.1, 0.1, False),
        (0.95, 0.001, 0.1, False),
        (0.5, 0.001, 0.1, True),
        (0.99, 0.1, 1e6, False),
    ],
    ids=["won", "playing", "calm", "dead", "won but improving"],
)
def test_a_discriminator_is_told_of_if_nothing_improves(
    monitor: Monitor, accuracy: float, swing: float, fd: float, told: bool
) -> None:
    log: list[dict[str, float]] = [
        {"images": i, "accuracy/d": accuracy, "loss/d": 0.7 + swing * (i % 2)} for i in range(10)
    ]
    assert ("discriminator" in alarms(monitor, HEALTHY, 0, [*log, {"images": 10, "fd": fd}])) == told
    assert "discriminator" not in alarms(monitor, HEALTHY, 0, log), "the first evaluation has nothing to compare with"


@pytest.mark.parametrize(("accuracy", "swing", "told"), [(0.99, 0.1, False), (0.5, 0.001, True), (0.5, 0.1, False)])
def test_an_average_that_comes_to_rest_does_not_hide_a_dead_discriminator(
    accuracy: float, swing: float, told: bool
) -> None:
    lines = [{"images": i, "accuracy/d": accuracy, "loss/d": 0.7 + swing * (i % 2)} for i in range(10)]
    assert bool([*_discriminator({"fd": 0.92}, [*lines, {"images": 10, "fd": 1.0}])]) == told


def test_nothing_is_called_a_failure_early_or_while_it_improves(monitor: Monitor) -> None:
    def look(images: int, *fds: float) -> list[Alarm]:
        log = [{"images": i, "fd": fd} for i, fd in enumerate(fds)]
        return monitor.evaluate(Generator(monitor.reference.dataset, "one image", 0), images, log).alarms  # type: ignore[arg-type]

    assert not look(249)
    assert not look(500, 1000.0)
    assert look(500, 30.0)
    assert look(1000, 1000.0), "at the end everything is told"


def test_an_alarm_is_told_once_until_it_stops() -> None:
    one, other = Alarm("collapse", "a"), Alarm("labels", "b")
    line = {"images": 1, "alarms": [{"kind": "collapse", "text": "c"}]}
    assert new_alarms([one, other], []) == [one, other]
    assert new_alarms([one, other], [line]) == [other]
    assert new_alarms([one], [line, {"images": 2, "alarms": []}]) == [one]


def test_the_best_is_lowest_fd_or_highest_accuracy() -> None:
    log = [{"images": 1, "fd": 3.0, "label_accuracy": 0.5}, {"images": 2, "loss/d": 1.0}]
    assert is_best({"fd": 2.0}, "fd", log)
    assert not is_best({"fd": 3.0}, "fd", log)
    assert is_best({"label_accuracy": 0.6}, "label_accuracy", log)
    assert not is_best({"label_accuracy": 0.6}, "fd", log)


def test_resume_is_exact_with_evaluations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("condgen.judging.monitor.IMAGES", 600)
    options = {"images": 1280, "evaluate_every": 300, "log_every": 640, "quiet": True}
    whole = api.train("cvae", out=tmp_path / "whole", **options)  # type: ignore[arg-type]
    api.train("cvae", out=tmp_path / "parts", **options | {"images": 640})  # type: ignore[arg-type]
    # what a crash would leave: a line after the newest checkpoint, of a future that was lost
    with (tmp_path / "parts/log.jsonl").open("a") as file:
        file.write('{"images": 1100, "fd": 0.0001}\n')
    with (tmp_path / "parts/alarms.jsonl").open("a") as file:
        file.write('{"images": 1100, "alarms": [{"kind": "labels", "text": "of a lost future"}]}\n')
    parts = api.train("cvae", out=tmp_path / "parts", **options)  # type: ignore[arg-type]
    assert [line["images"] for line in whole.log if "fd" in line] == [384, 640, 1024, 1280]
    for name in ("log.jsonl", "alarms.jsonl"):
        assert (whole.folder / name).read_bytes() == (parts.folder / name).read_bytes(), name
    for name in ("generator", "best"):
        weights = [next((run.folder / name).glob("*.safetensors")).read_bytes() for run in (whole, parts)]
        assert weights[0] == weights[1], name
    card = api.card(whole.folder, best=True)
    best = min((line for line in whole.log if "fd" in line), key=lambda line: line["fd"])
    assert card.images == best["images"]
    assert card.scores is not None
    assert card.scores["fd"] == best["fd"]


@pytest.mark.parametrize("name", SYSTEMS)
def test_looking_leaves_no_trace_in_what_is_trained(
    name: str, tmp_path: Path, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("condgen.judging.monitor.IMAGES", 100)
    trainings = [begin(name, tmp_path / folder, toy_data("digits")) for folder in ("quiet", "watched")]
    for rounds in range(3):
        for training in trainings:
            training.step()
        if rounds < 2:
            monitor.evaluate(trainings[1].sampler, trainings[1].images, [])
    assert equal(*map(everything, trainings))
    assert round_of(trainings[0]) * 3 == trainings[1].images
