"""What a training measures and decides before it begins: threads, and whether it is evaluated."""

import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from condgen import api
from condgen.data import Dataset
from condgen.labels import ANY, Labels
from condgen.spec import Spec
from condgen.systems import preset
from condgen.training import enough, evaluated, rehearsal, threads
from condgen.training.length import Length
from condgen.training.request import Schedule, TrainingRequest
from conftest import toy_data


def unlabelled(dataset: Dataset) -> Dataset:
    train = replace(dataset.train, labels=np.zeros(len(dataset.train), np.int64))
    return replace(dataset, labels=ANY, train=train, test=None)


@pytest.mark.parametrize(("two", "found"), [(100.0, 1), (109.0, 1), (120.0, 2), (4.0, 1)])
def test_a_second_thread_has_to_be_worth_it(two: float, found: int) -> None:
    assert threads.fastest({1: 100.0, 2: two}.__getitem__, most=2) == found
    assert threads.fastest({1: 100.0}.__getitem__, most=1) == 1


def test_the_speed_of_a_training_is_that_of_all_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three quarters of the images at 10 a second and a quarter at 10 in three seconds."""
    now, stream = [0.0], SimpleNamespace(images=0, device=torch.device("cpu"))

    def step(stream: Any, images: int) -> None:
        stream.images += 10
        now[0] += 1 if images < 1000 else 3

    system: Any = SimpleNamespace(parts=((0.75, 0), (0.25, 1000)), step=step, autocast=lambda device: nullcontext())
    monkeypatch.setattr(rehearsal, "time", SimpleNamespace(monotonic=lambda: now[0]))
    assert rehearsal.speed(system, stream, 60) == pytest.approx(1 / (0.075 + 0.075))  # type: ignore[arg-type]


def test_a_training_in_minutes_chooses_its_threads_and_a_resumed_one_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in threads.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    speeds: dict[int, float] = {}
    monkeypatch.setattr(rehearsal, "speed", lambda *a, **k: speeds[torch.get_num_threads()])
    before = torch.get_num_threads()
    asked: dict[str, Any] = {"data": "mnist", "evaluate_every": 0, "out": tmp_path / "run", "quiet": True}
    try:
        torch.set_num_threads(2)
        speeds |= {1: 30.0, 2: 20.0}  # another program uses a core
        run = api.train("cvae", minutes=0.1, **asked)
        assert torch.get_num_threads() == 2, "the caller's number"
        speeds |= {2: 1e9}
        api.train("cvae", images=run.images + 64, **asked)
    finally:
        torch.set_num_threads(before)
    sessions = json.loads((tmp_path / "run/env.json").read_text())
    assert [session["threads"] for session in sessions] == [1, 1]


@pytest.mark.parametrize(
    ("data", "length", "every", "found"),
    [
        ("digits", Length(images=100_000), None, True),
        ("digits", Length(images=90_000), None, False),
        ("digits", Length(images=90_000), 5000, True),
        ("digits", Length(images=100_000), 0, False),
        ("digits", Length(minutes=5), None, True),
        ("digits", Length(minutes=4), None, False),
        ("digits", Length(epochs=100_000), None, True),
        ("unlabelled", Length(images=100_000), None, False),
    ],
)
def test_own_data_are_watched_if_the_training_is_long(
    data: str, length: Length, every: int | None, found: bool
) -> None:
    dataset = toy_data("digits")
    if data == "unlabelled":
        dataset = unlabelled(dataset)
    config = preset("swift").config.with_overrides({"images": length.images} if length.images else {})
    request = TrainingRequest(length=length, schedule=Schedule(evaluate_every=every))
    assert evaluated.is_evaluated(request, config, dataset) is found
    said = [*evaluated.doubts(request, config, dataset)]
    assert len(said) == (not found and every is None and data != "unlabelled")


@pytest.mark.parametrize(
    ("system", "shape", "images", "says"),
    [
        ("swift", (3, 32, 32), 240_000, "after 500,000 images; this training shows 240,000"),
        ("swift", (3, 32, 32), 500_000, ""),
        ("swift", (1, 28, 28), 60_000, ""),
        ("swift", (3, 64, 64), 10**7, "64x64 images in colour take about 4.0 times as long as 32x32"),
        ("cdcgan", (3, 32, 32), 60_000, ""),
    ],
)
def test_a_short_training_in_colour_is_doubted(
    system: str, shape: tuple[int, int, int], images: int, says: str
) -> None:
    said = [*enough.doubts(system, Spec(shape, Labels(("a", "b"))), images)]
    assert len(said) == bool(says)
    assert says in "".join(said)
