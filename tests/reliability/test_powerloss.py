"""A power cut at any call of a training: what was saved is still there, and the same command ends with the same bytes.

SIGKILL leaves the operating system's cache alone, so it never asks whether anything was fsynced. This does.
"""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from condgen import disk
from condgen.training import checkpoint
from reliability.crashes import Course, calls_of, finish, outcome
from reliability.filesystem import Call
from reliability.powerloss import Disk, Loss, all_that_is_safe, by_chance, names_ahead, replayed

pytestmark = pytest.mark.usefixtures("cheap")


def promised(calls: Sequence[Call]) -> int:
    """Images of the newest checkpoint that was whole: its folder's list of names was fsynced after its renaming."""
    renamed = found = 0
    for call in calls:
        if call.what == "replace" and Path(call.target).parent.name == "checkpoints":
            renamed = int(Path(call.target).name)
        if call.what == "fsync" and Path(call.path).name == "checkpoints":
            found = renamed
    return found


def lost(played: Disk, calls: Sequence[Call], loss: Loss, place: Path) -> bool:
    """Whether a checkpoint that had been promised is gone or damaged after these calls, all played on that disk."""
    played.write(loss, place)
    found, sentences = checkpoint.newest(place / "run/checkpoints")
    return bool(sentences) or (found.images if found else 0) < promised(calls)


@pytest.mark.parametrize("loss", [all_that_is_safe, names_ahead, by_chance(0)], ids=["least", "names", "chance"])
def test_at_every_call(loss: Loss, pets: Path, memory: Path) -> None:
    root = memory / "whole"
    root.mkdir()
    calls = calls_of(Course("cvae", pets), root / "run")
    assert len(calls) > 300
    assert promised(calls) == 48
    played = Disk(root)
    for number, call in enumerate(calls):
        assert not lost(played, calls[:number], loss, memory / str(number)), f"after {number} calls, before {call}"
        played.do(call)
    assert not lost(played, calls, loss, memory / "all"), "after all calls"


@pytest.mark.parametrize("points", [12, pytest.param(150, marks=pytest.mark.slow)])
def test_going_on_ends_with_the_same_bytes(points: int, pets: Path, memory: Path) -> None:
    course, root, chance = Course("cvae", pets), memory / "whole", random.Random(0)
    root.mkdir()
    calls = calls_of(course, root / "run")
    whole = outcome(root / "run")
    for number in chance.sample(range(len(calls)), points):
        for loss in (all_that_is_safe, names_ahead, by_chance(number)):
            place = memory / f"{number}-{getattr(loss, '__name__', 'chance')}"
            replayed(calls[:number], root).write(loss, place)
            assert finish(course, place / "run") == whole, f"after {number} calls: {calls[number]}"


def test_without_fsync_it_is_red(pets: Path, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = memory / "whole"
    root.mkdir()
    monkeypatch.setattr(disk, "sync", lambda path: None)
    calls = calls_of(Course("cvae", pets), root / "run")
    assert lost(replayed(calls, root), calls, names_ahead, memory / "careless")
