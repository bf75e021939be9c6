"""Trainings that are killed, in processes forked from one that has already imported and tried everything."""

import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from condgen import api
from condgen.judging.monitor import Alarm, Snapshot
from condgen.sampling.sampler import Sampler
from condgen.training.ema import EMA
from condgen.training.job import TrainingJob
from reliability.filesystem import Call, Watcher, dying_at, recording, watching

BATCH, IMAGES = 8, 48
Outcome = dict[str, bytes]


@dataclass(frozen=True)
class Course:
    """One short training by `api.train`: a checkpoint at every step, logs, grids and evaluations in between."""

    system: str
    data: Path
    settings: tuple[tuple[str, Any], ...] = ()

    def train(self, folder: Path) -> None:
        api.train(
            self.system, data=self.data, out=folder, images=IMAGES, batch=BATCH, save_seconds=0, log_every=3 * BATCH,
            grid_every=IMAGES, evaluate_every=3 * BATCH, quiet=True, **dict(self.settings),
        )  # fmt: skip


class Onlooker:
    """Stands in for the monitor, which would need a judge: numbers that follow from the average, an alarm or none."""

    def evaluate(self, sampler: Sampler, images: int, log: object) -> Snapshot:
        value = float(next(iter(sampler.net.state_dict().values())).double().abs().sum())
        return Snapshot({"fd": value}, [Alarm("collapse", f"{value}")] if images % 2 else [])


def cheaply(patch: pytest.MonkeyPatch) -> None:
    """Leave out judging, which takes long and writes no other way."""
    patch.setattr(TrainingJob, "reference", lambda *_: None)
    patch.setattr(TrainingJob, "monitor", lambda *_: Onlooker())


def outcome(folder: Path) -> Outcome:
    """What must not differ: every number of the training, what is published, what was logged; and nothing half done."""
    newest = max((folder / "checkpoints").glob("[0-9]*"))
    names = ("log.jsonl", "alarms.jsonl", "rollbacks.json")
    files = [newest / "state.safetensors", newest / "state.json"]
    files += [folder / name for name in names if (folder / name).exists()]
    files += [path for name in ("generator", "best") for path in (folder / name).glob("*.safetensors")]
    litter = [path for path in folder.rglob(".*") if path.suffix == ".part"]
    found = {str(path.relative_to(folder)): path.read_bytes() for path in files}
    return found | {"litter": b" ".join(str(path.name).encode() for path in litter)}


def in_a_fork(work: Callable[[], None]) -> int:
    """The pid of a child that does `work` and ends, with code 1 after an exception."""
    sys.stdout.flush()
    sys.stderr.flush()
    if pid := os.fork():
        return pid
    try:
        work()
        os._exit(0)
    except SystemExit as ended:
        os._exit(ended.code if isinstance(ended.code, int) else 1)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def in_processes(count: int, work: Callable[[], None]) -> list[int]:
    """The pids of children that do `work` together, as if torchrun had started them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def joined(rank: int) -> Callable[[], None]:
        place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}

        def play() -> None:
            os.environ.update({name: str(value) for name, value in place.items()})
            work()

        return play

    return [in_a_fork(joined(rank)) for rank in range(count)]


def end_of(pid: int) -> int:
    """Exit code of a child, negative if a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def finish(course: Course, folder: Path) -> Outcome:
    """Give the same command once more, and see what it leaves."""
    code = end_of(in_a_fork(lambda: course.train(folder)))
    assert code == 0, f"the training in {folder} could not go on: code {code}"
    return outcome(folder)


def calls_of(course: Course, folder: Path) -> list[Call]:
    """Every call of a whole training that changes the file system."""
    calls: list[Call] = []
    with watching(recording(calls)):
        course.train(folder)
    return calls


def killed_by(watcher: Watcher, course: Course, folder: Path) -> bool:
    """Whether a training that `watcher` watches was killed; False if it came to its end."""

    def work() -> None:
        with watching(watcher):
            course.train(folder)

    code = end_of(in_a_fork(work))
    assert code in (0, -signal.SIGKILL), f"ended by itself with code {code}"
    return code != 0


def killed_at(number: int, half: bool, course: Course, folder: Path) -> bool:
    return killed_by(dying_at(number, half), course, folder)


def killed_after(seconds: float, course: Course, folder: Path) -> bool:
    """Whether SIGKILL met the training after so long."""
    pid = in_a_fork(lambda: course.train(folder))
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    return end_of(pid) != 0


def average_saved_too_early(patch: pytest.MonkeyPatch) -> None:
    """A planted bug: what is saved as the average is that of the step before."""
    update = EMA.update

    def late(self: EMA, before: int, now: int) -> None:
        vars(self)["previous"] = {name: value.clone() for name, value in self.net.state_dict().items()}
        update(self, before, now)

    patch.setattr(EMA, "update", late)
    from condgen.training.state import Training

    tensors = Training._tensors

    def stale(self: Training) -> dict[str, Tensor]:
        old = getattr(self.ema, "previous", {})
        return tensors(self) | {f"average:{name}": value for name, value in old.items()}

    patch.setattr(Training, "_tensors", stale)
