"""No kill of any verb loses anything: the same command again ends as if nothing had happened, and leaves no parts.

At every call that changes the file system, and half way through every write; by Ctrl-C at every call; and two processes
at once. A fresh seed each time, printed; CONDGEN_KILLS repeats one.
"""

import os
import random
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from hostile.verbs import (
    CALLED_FOR,
    VERBS,
    Stage,
    Verb,
    cheaply,
    finished,
    interrupting_at,
    left_over,
    run,
    start,
    torn,
    troubles,
    visible,
)
from reliability.crashes import end_of
from reliability.filesystem import Call, Watcher, dying_at, in_memory

SEED = int(os.environ.get("CONDGEN_KILLS") or secrets.randbelow(10**9))
FEW = 4
"""Kills of a verb in the fast tier."""
BUSY = "is writing"
UNSEEN = {"model.pt2"}
"""Written by torch itself, not by Python."""
every_verb = pytest.mark.parametrize("verb", VERBS, ids=str)
some_verbs = pytest.mark.parametrize("verb", [verb for verb in VERBS if verb.name in CALLED_FOR], ids=str)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with pytest.MonkeyPatch.context() as patch, in_memory() as folder:
        cheaply(patch)
        yield Stage(folder)


def kills(calls: list[Call]) -> list[tuple[str, Watcher]]:
    """Every call, and every write a second time, to be cut in half."""
    found = []
    for number, call in enumerate(calls):
        title = f"killed at {number} ({call.what} {Path(call.path).name})"
        found.append((title, dying_at(number, half=False)))
        if call.what == "write":
            found.append((f"{title}, half", dying_at(number, half=True)))
    return found


@some_verbs
def test_killed_at_some_calls(verb: Verb, stage: Stage) -> None:
    points = random.Random(SEED).sample(kills(stage.calls(verb)), FEW)
    assert [*troubles(stage, verb, points, stage.whole(verb))] == [], f"CONDGEN_KILLS={SEED}"


def test_augment_keeps_what_is_finished(stage: Stage) -> None:
    """Images that are written are not written again, and classifiers that are measured are not trained again."""
    verb = VERBS[0]
    calls = stage.calls(verb)
    images = [number for number, call in enumerate(calls) if call.target.endswith(".png")]
    lessons = [number for number, call in enumerate(calls) if "/lessons/" in call.target]
    assert len(images) == 6
    assert 10 < len(lessons) <= 35
    scene = stage.scene(verb)
    run(verb, scene, dying_at(images[4], half=False))
    assert not (scene / "more").exists()
    before = {path.name: path.stat().st_ino for path in (scene / ".more.incomplete").glob("*/[!.]*.png")}
    assert len(before) == 4
    code, said = run(verb, scene, interrupting_at(lessons[7] - images[4] + 2))
    assert code == 130
    assert said.endswith("the same command resumes from here.\n")
    measured = len([*scene.glob("cache/lessons/*.json")])
    assert 0 < measured < len(lessons)
    Path(f"{scene}.log").unlink()
    assert run(verb, scene)[0] == 0
    assert Path(f"{scene}.log").read_text().count(" images ...") == len(lessons) - measured
    now = {path.name: path.stat().st_ino for path in (scene / "more").glob("*/*.png")}
    assert before.items() <= now.items()


@pytest.mark.slow
@every_verb
def test_killed_at_every_call(verb: Verb, stage: Stage) -> None:
    calls = stage.calls(verb)
    points = kills(calls)
    print(f"{verb}: {len(calls)} calls, {len(points)} kills")
    whole = stage.whole(verb)
    written = {Path(name).name for name in whole.keys() - visible(stage.scene(verb)).keys()}
    assert written - UNSEEN <= {Path(name).name for call in calls for name in (call.path, call.target)}
    assert [*troubles(stage, verb, points, whole)] == []


@pytest.mark.slow
@every_verb
def test_interrupted_at_some_calls(verb: Verb, stage: Stage) -> None:
    """Ctrl-C: one line or none, and the same command goes on."""
    calls = stage.calls(verb)
    numbers = random.Random(SEED).sample(range(len(calls)), min(15, len(calls)))
    points = [(f"interrupted at {number}", interrupting_at(number)) for number in numbers]
    assert [*troubles(stage, verb, points, stage.whole(verb))] == [], f"CONDGEN_KILLS={SEED}"


@pytest.mark.slow
@every_verb
def test_two_at_once(verb: Verb, stage: Stage) -> None:
    """Both end well, or one says who is there before it; the result is that of one alone."""
    stage.calls(verb)
    whole = stage.whole(verb)
    for _ in range(3):
        scene = stage.scene(verb)
        before = visible(scene)
        pids = [start(verb, scene), start(verb, scene)]
        codes = sorted(map(end_of, pids))
        said = Path(f"{scene}.log").read_text(errors="replace")
        assert codes == [0, 0] or (codes == [0, 2] and BUSY in said), said
        assert torn(before, visible(scene), whole) == []
        assert left_over(scene) == []
        assert [*finished(verb, scene, whole)] == []
