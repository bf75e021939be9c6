"""A disk that is full, read-only or gone costs neither the training nor the checkpoint before."""

import errno
import json
import os
import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from condgen import api, cli
from condgen.disk_errors import DiskError
from condgen.errors import CondgenError
from condgen.progress import Progress
from condgen.training import checkpoint
from condgen.training.run import Run, RunConfig
from reliability.crashes import Course, calls_of, end_of, finish, in_a_fork, outcome
from reliability.filesystem import Call, Watcher, watching

pytestmark = pytest.mark.usefixtures("cheap")


def full_between(first: int, last: int) -> Watcher:
    """No space for the calls first ... last - 1 that need some; half of a write still fits."""
    number = 0

    def watcher(call: Call, do: Callable[[], object]) -> object:
        nonlocal number
        number += 1
        if first <= number - 1 < last and call.what in ("open", "append", "mkdir", "write"):
            if call.what == "write":
                with open(os.open(call.path, os.O_WRONLY | os.O_APPEND), "ab", buffering=0) as file:
                    file.write(call.data[: len(call.data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return do()

    return watcher


def said_by(work: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(Progress, "say", lambda self, text: said.append(text))
        work()
    return said


def test_a_disk_that_is_full_for_a_while(pets: Path, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it happens: the training goes on, says so once, and ends as if there had been room all the time."""
    course = Course("cvae", pets)
    calls = calls_of(course, memory / "whole")
    whole = {name: data for name, data in outcome(memory / "whole").items() if not name.startswith("best")}
    began = next(number for number, call in enumerate(calls) if "samples" in call.path)  # at the start it is refused
    chance, sentences = random.Random(0), 0
    for number in range(25):
        first = chance.randrange(began, len(calls) // 2)
        folder = memory / str(number)

        def train(first: int = first, folder: Path = folder) -> None:
            with watching(full_between(first, first + chance.randrange(1, 6))):
                course.train(folder)

        told = [text for text in said_by(train, monkeypatch) if "Training continues" in text]
        assert len(told) <= 1
        assert all("No space left on device" in text and str(folder) in text for text in told)
        sentences += len(told)
        found = outcome(folder)
        assert {name: found.get(name) for name in whole} == whole, f"full from call {first}"
    assert sentences > 5


def test_a_disk_that_stays_full_is_an_error_at_the_end(pets: Path, memory: Path) -> None:
    course = Course("cvae", pets)
    calls = calls_of(course, memory / "whole")
    whole, folder = outcome(memory / "whole"), memory / "full"
    with (
        pytest.raises(DiskError, match=r"No space left on device.* at 24 images is kept; the same command resumes"),
        watching(full_between(number_of(calls, "checkpoints/000000000024"), 10**9)),
    ):
        course.train(folder)
    found, sentences = checkpoint.newest(folder / "checkpoints")
    assert found
    assert (found.images, sentences) == (24, [])
    assert finish(course, folder) == whole


def number_of(calls: list[Call], name: str) -> int:
    """The call after the one that makes a checkpoint's folder list safe."""
    renamed = next(i for i, call in enumerate(calls) if call.what == "replace" and call.target.endswith(name))
    return renamed + 2


def test_a_real_limit_ends_the_command_with_an_error(
    pets: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """By the kernel's own limit on the size of files: a checkpoint is larger, a line of the log is not."""

    def command() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        cli.main(f"train cvae --data {pets} --images 24 --batch 8 --save-seconds 0 --out {tmp_path / 'run'}".split())
        sys.stdout.flush()

    Course("cvae", pets).train(tmp_path / "warm")
    assert end_of(in_a_fork(command)) == 2
    said = capfd.readouterr()
    assert said.out.count("Training continues") == 1
    assert said.err.count("\n") == 1
    assert "File too large" in said.err
    assert json.loads((tmp_path / "run/log.jsonl").read_text().splitlines()[-1])["images"] == 24


def test_a_read_only_folder_is_refused_at_once(pets: Path, memory: Path) -> None:
    memory.chmod(0o755)
    (memory / "locked").mkdir(mode=0o555)

    def train() -> None:
        if os.geteuid() == 0:  # root may write anywhere
            os.setuid(65534)
        with pytest.raises(CondgenError, match=r"cannot write .*locked/run': Permission denied\."):
            opened(memory / "locked/run")

    assert end_of(in_a_fork(train)) == 0


def opened(folder: Path) -> None:
    with Run.open(folder, RunConfig("cvae", {}, "pets", "", {}, 0)):
        pass


def test_a_full_disk_is_refused_at_the_start(pets: Path, tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="No space left"), watching(full_between(0, 10**9)):
        Course("cvae", pets).train(tmp_path / "run")


def test_a_folder_that_vanishes_is_not_made_again(pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check = Run.check

    def vanished(self: Run) -> None:
        if self.images >= 24:
            shutil.rmtree(self.folder)
            monkeypatch.setattr(Run, "check", check)
        check(self)

    monkeypatch.setattr(Run, "check", vanished)
    with pytest.raises(DiskError, match="was deleted while condgen wrote to it; condgen does not create it again"):
        Course("cvae", pets).train(tmp_path / "run")
    assert not (tmp_path / "run/checkpoints").exists()


def test_clock_time_zone_and_locale_have_no_say(tmp_path: Path) -> None:
    """Names of labels in Chinese, in a session that knows ASCII only and lives in the past, with a clock gone wild."""
    images = np.random.default_rng(0).integers(0, 256, (20, 4, 4), np.uint8)
    np.savez(tmp_path / "pets.npz", images=images, labels=np.arange(20) % 2, names=np.array(["猫", "狗"]))
    course = Course("cvae", tmp_path / "pets.npz")
    words = f"train cvae --data {course.data} --images 24 --batch 8 --log-every 24 --out {tmp_path / 'there'}".split()
    code = "import sys, time; now = time.time; time.time = lambda: 1e9 - now() / 7\n"
    plain = {
        "OMP_NUM_THREADS": "1",
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "TZ": "Asia/Kathmandu",
    }
    command = [sys.executable, "-c", code + "from condgen.cli import main; main(sys.argv[1:])", *words]
    done = subprocess.run(
        command, env=os.environ | plain | {"OMP_NUM_THREADS": "1"}, check=True, capture_output=True, text=True
    )
    assert "24 images seen" in done.stdout
    for name in ("here", "there"):
        course.train(tmp_path / name)
    here, there = (
        {
            name: data
            for name, data in outcome(tmp_path / place).items()
            if name.startswith(("checkpoints", "generator"))
        }
        for place in ("here", "there")
    )
    assert json.loads((tmp_path / "there/config.json").read_bytes())["spec"]["labels"]["names"] == ["猫", "狗"]
    assert len(here) == 3
    assert here == there


def test_going_on_with_changed_data_is_refused_or_recorded(pets: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.npz"
    shutil.copy(pets, mine)
    course = Course("cvae", mine)
    course.train(tmp_path / "run")
    with np.load(pets) as arrays:
        edited = arrays["images"].copy()
        edited[3, 0, 0] ^= 1
        np.savez(mine, images=edited, labels=arrays["labels"])
    with pytest.raises(CondgenError, match=r"other images or labels in .*mine\.npz"):
        course.train(tmp_path / "run")
    longer: dict[str, Any] = {"data": mine, "batch": 8, "quiet": True, "out": tmp_path / "run"}
    api.train("cvae", **longer, images=96, allow_changed=True)
    sessions = json.loads((tmp_path / "run/env.json").read_text())
    assert sessions[-1]["changed"] == [f"other images or labels in {str(mine)!r}"]
    with pytest.raises(CondgenError, match="the networks of the run differ from those of these settings"):
        api.train("cvae", **longer, images=200, hidden=7, allow_changed=True)
    assert api.train("cvae", **longer, images=96).images == 96
