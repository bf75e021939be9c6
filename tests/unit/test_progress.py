"""What a user sees while waiting: length, speed and end of a training, and a bar that moves."""

from datetime import datetime
from pathlib import Path

import pytest

from condgen import progress
from condgen.forecast import Forecast, duration
from condgen.progress import Progress, quietly, tracked

NOON = datetime(2026, 3, 1, 12, 0)


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.6, "1 min"),
        (500, "8 min 20 s"),
        (3600, "1 h"),
        (11_100, "3 h 5 min"),
        (187_300, "2 days 4 h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_forecast_names_length_epochs_speed_end_and_place() -> None:
    (said,) = Forecast(240_000, 0, 922, 480.0, Path("runs/x/samples")).sentences(NOON)
    assert said == (
        "240,000 images (260 epochs of 922) at 480 images/s: 8 min 20 s, until 12:08. Image grids: runs/x/samples"
    )


def test_a_resumed_training_ends_sooner_and_a_long_one_is_doubted() -> None:
    (said,) = Forecast(240_000, 192_000, 922, 480.0, Path("s")).sentences(NOON)
    assert "1 min 40 s" in said
    said, doubt = Forecast(100_000_000, 0, 922, 480.0, Path("s")).sentences(NOON)
    assert "until 2026-03-03" in said
    assert "--minutes 60" in doubt


def test_the_forecast_comes_once_after_a_second_of_steps(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """The first step is not measured: it selects kernels."""
    shown = Progress()
    with shown.training(0, 10_000, lambda speed: [f"{speed:.0f} images/s"]):
        clock.now += 5.0
        for step in range(1, 8):
            shown.tick(100 * step)
            clock.now += 0.5
    assert capsys.readouterr().out.splitlines() == ["200 images/s"]


def test_a_pipe_hears_from_a_training_every_minute(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    shown = Progress()
    with shown.training(0, 10_000):
        for step in range(1, 200):
            clock.now += 1.0
            shown.tick(step)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" of ")[0] for line in lines] == ["60", "120", "180"]
    assert lines[0].endswith("2 h 45 min left")


def test_long_work_in_a_pipe_is_announced_once(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    def slow(seconds: float) -> list[int]:
        found = []
        for item in tracked(range(100), "counting", 100):
            found.append(item)
            clock.now += seconds
        return found

    assert slow(0.9) == list(range(100))
    assert capsys.readouterr().err == "condgen: counting: about 1 min 28 s.\n"
    slow(0.01)
    with quietly():
        slow(0.9)
    assert not capsys.readouterr().err
