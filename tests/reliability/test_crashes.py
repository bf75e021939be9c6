"""No SIGKILL loses a training: wherever it hits, the same command ends with the same bytes.

Twice: at every call that changes the file system (and half way through every write), where random kills hardly ever
land; and at random moments. A fresh seed each time, printed; CONDGEN_KILLS repeats one.
"""

import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from condgen.training import checkpoint, metric_log
from condgen.training.state import Training
from reliability import crashes
from reliability.crashes import Course, calls_of, finish, killed_after, killed_at, outcome
from reliability.filesystem import Call

SYSTEMS = ["swift", "cvae"]
SEED = int(os.environ.get("CONDGEN_KILLS") or secrets.randbelow(10**9))
SMALL = (("ema_half_life", 20),)
pytestmark = pytest.mark.usefixtures("cheap")


@pytest.fixture(scope="module", params=SYSTEMS)
def course(request: pytest.FixtureRequest, pets: Path) -> Course:
    return Course(request.param, pets, SMALL)


@pytest.fixture(scope="module")
def calls(course: Course, cheap: None, tmp_path_factory: pytest.TempPathFactory) -> list[Call]:
    """Those of a whole training; having gone through one, this process is warm."""
    return calls_of(course, tmp_path_factory.mktemp(course.system) / "whole")


@pytest.fixture(scope="module")
def whole(course: Course, calls: list[Call], tmp_path_factory: pytest.TempPathFactory) -> crashes.Outcome:
    """What a training leaves that nobody disturbs."""
    return finish(course, tmp_path_factory.mktemp(course.system) / "undisturbed")


def bad_points(course: Course, points: list[tuple[int, bool]], whole: crashes.Outcome, place: Path) -> Iterator[str]:
    """Kill at each point, go on, and name the points after which anything differs."""
    for number, half in points:
        folder = place / f"{number}{'half' * half}"
        if killed_at(number, half, course, folder):
            try:
                found = finish(course, folder)
                yield from (f"{number}: {name}" for name in found | whole if found.get(name) != whole.get(name))
            except AssertionError as lost:
                yield f"{number}: {lost}"


def points_of(calls: list[Call]) -> list[tuple[int, bool]]:
    """Every call, and every write a second time, to be cut in half."""
    whole = [(number, False) for number in range(len(calls))]
    return sorted([*whole, *((number, True) for number, call in enumerate(calls) if call.what == "write")])


def test_the_harness_sees_every_file(course: Course, calls: list[Call], memory: Path) -> None:
    found = calls_of(course, memory / "run")
    named = {Path(name).name for call in found for name in (call.path, call.target)}
    assert {path.name for path in (memory / "run").rglob("*")} <= named
    assert [call.what for call in found] == [call.what for call in calls], "two trainings make the same calls"
    assert {"mkdir", "open", "append", "write", "fsync", "replace", "unlink", "rmdir"} <= {call.what for call in calls}


def test_killed_at_some_calls(course: Course, calls: list[Call], whole: crashes.Outcome, memory: Path) -> None:
    points = random.Random(SEED).sample(points_of(calls), 15)
    assert [*bad_points(course, points, whole, memory)] == [], f"CONDGEN_KILLS={SEED}"


@pytest.mark.slow
def test_killed_at_every_call(course: Course, calls: list[Call], whole: crashes.Outcome, memory: Path) -> None:
    points = points_of(calls)
    print(f"{course.system}: {len(points)} points, {len(calls)} calls")
    assert len(points) > 200
    assert [*bad_points(course, points, whole, memory)] == []


@pytest.mark.parametrize("kills", [20, pytest.param(100, marks=pytest.mark.slow)])
def test_killed_at_random_moments(kills: int, course: Course, whole: crashes.Outcome, memory: Path) -> None:
    """Again and again, until so many kills have met a training."""
    chance, met, runs = random.Random(SEED), 0, 0
    began = time.monotonic()
    finish(course, memory / "timed")
    length = time.monotonic() - began
    while met < kills:
        folder, runs = memory / str(runs), runs + 1
        while killed_after(chance.uniform(0, length), course, folder):
            met += 1
        assert outcome(folder) == whole, f"CONDGEN_KILLS={SEED}, run {runs}"
    print(f"CONDGEN_KILLS={SEED}: {course.system}, {met} kills over {runs} runs")


@pytest.mark.slow
def test_fresh_processes_killed_at_random_moments(course: Course, memory: Path) -> None:
    """The command itself, ten times, with nothing warmed, patched or shared."""
    words = ["train", course.system, "--data", course.data, "--batch", 8, "--images", 2000, "--save-seconds", 0.3]
    command = [sys.executable, "-m", "condgen", *map(str, words), "--ema-half-life", "20", "--out"]
    began = time.monotonic()
    subprocess.run([*command, str(memory / "whole")], check=True, capture_output=True)
    length, chance, met = time.monotonic() - began, random.Random(SEED), 0
    while met < 10:
        again = subprocess.Popen([*command, str(memory / "killed")], stdout=subprocess.DEVNULL)
        try:
            assert again.wait(chance.uniform(0.3, 1) * length) == 0
            break
        except subprocess.TimeoutExpired:
            again.send_signal(signal.SIGKILL)
            met += again.wait() == -signal.SIGKILL
    subprocess.run([*command, str(memory / "killed")], check=True, capture_output=True)
    assert met
    assert outcome(memory / "killed") == outcome(memory / "whole"), f"CONDGEN_KILLS={SEED}"


def keeping_a_lost_future(patch: pytest.MonkeyPatch) -> None:
    """A planted bug: lines of the log that are newer than the checkpoint stay when a training resumes."""
    patch.setattr(metric_log, "_keep", lambda path, images: None)


def forgetting_a_counter(patch: pytest.MonkeyPatch) -> None:
    """A planted bug: the running means go on from a count of 0."""
    take = Training._restore

    def forgetful(self: Training, saved: checkpoint.Checkpoint) -> None:
        take(self, saved)
        self.meter.count = 0

    patch.setattr(Training, "_restore", forgetful)


@pytest.mark.parametrize(
    "plant",
    [
        crashes.average_saved_too_early,
        pytest.param(keeping_a_lost_future, marks=pytest.mark.slow),
        pytest.param(forgetting_a_counter, marks=pytest.mark.slow),
    ],
)
def test_a_planted_bug_turns_it_red(
    plant: Callable[[pytest.MonkeyPatch], None], pets: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = Course("cvae", pets, SMALL)
    calls = calls_of(course, memory / "calls")
    whole = outcome(memory / "calls")
    plant(monkeypatch)
    points = [(number, half) for number, half in points_of(calls) if half or calls[number].what == "replace"]
    assert next(bad_points(course, points, whole, memory), None)
