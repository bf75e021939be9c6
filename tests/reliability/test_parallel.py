"""Two processes train as one would: equal weights to rounding, and no more fragile than one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from condgen import parallel
from condgen.errors import CondgenError
from condgen.noise import reseed_step
from condgen.stream import Stream
from condgen.system import Batches
from condgen.systems import SYSTEMS
from condgen.systems.vae import VAE
from condgen.testing.trainings import build
from conftest import toy_data
from reliability.crashes import Course, end_of, in_processes, outcome

LIKE_ONE = ["swift", "r3gan", "vae", "vae-2d", "cvae"]
"""Rows without batch norm, whose statistics are those of a process's own part, and without dropout."""
pytestmark = pytest.mark.usefixtures("cheap")


class Precise:
    """A stream in double precision, where rounding cannot be mistaken for a difference."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return self

    def __next__(self) -> tuple[Tensor, Tensor]:
        x, y = next(self.stream)
        return x.double(), y.double()


def play(name: str) -> dict[str, Tensor]:
    """Weights and averaged logs after some steps of 64 images, by however many processes this is one of."""
    data = toy_data("digits", 200)
    torch.set_default_dtype(torch.float64)
    try:
        system, stream = build(name, data.spec).double(), Stream(data.train, data.labels, 64, 0)
        for _ in range(9 if name in LIKE_ONE else 1):  # the ninth step of swift has its second penalty
            reseed_step(0, stream.images)
            logs = system.step(Precise(stream), stream.images)
        parallel.average([*logs.values()])
    finally:
        torch.set_default_dtype(torch.float32)
    return dict(system.state_dict()) | {f"log {name}": value.clone() for name, value in logs.items()}


@pytest.mark.parametrize("names", [("swift", "cvae", "dcgan"), pytest.param(tuple(SYSTEMS), marks=pytest.mark.slow)])
def test_2_times_32_is_1_times_64(names: tuple[str, ...], tmp_path: Path) -> None:
    def both() -> None:
        with parallel.process_group(torch.device("cpu"), 64):
            for name in names:
                tensors = {key: value.contiguous() for key, value in play(name).items()}
                save_file(tensors, tmp_path / f"{name}-{parallel.rank()}")

    assert [end_of(pid) for pid in in_processes(2, both)] == [0, 0]
    for name in names:
        ranks = [load_file(tmp_path / f"{name}-{rank}") for rank in (0, 1)]
        learnt = [key for key in ranks[0] if "running" not in key]  # batch norm's own averages stay with each process
        assert all(torch.equal(ranks[0][key], ranks[1][key]) for key in learnt), name
        if name in LIKE_ONE:
            one = play(name)
            assert all((one[key] - ranks[0][key]).abs().max() < 1e-9 for key in one), name


@pytest.fixture
def course(pets: Path) -> Course:
    return Course("cvae", pets)


def together(course: Course, folder: Path) -> list[int]:
    return [end_of(pid) for pid in in_processes(2, lambda: course.train(folder))]


def test_the_first_one_writes_and_what_it_writes_is_repeatable(course: Course, memory: Path) -> None:
    for name in ("once", "again"):
        assert together(course, memory / name) == [0, 0]
    once = outcome(memory / "once")
    assert once == outcome(memory / "again")
    course.train(memory / "alone")
    assert [line.split(b",")[0] for line in once["log.jsonl"].splitlines()] == [
        line.split(b",")[0] for line in outcome(memory / "alone")["log.jsonl"].splitlines()
    ]
    assert (memory / "once/env.json").read_text().count('"processes": 2') == 1


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_process_ends_the_other_and_going_on_is_exact(victim: int, course: Course, memory: Path) -> None:
    assert together(course, memory / "whole") == [0, 0]
    pids = in_processes(2, lambda: course.train(memory / "killed"))
    when_saved(memory / "killed")
    os.kill(pids[victim], signal.SIGKILL)
    began = time.monotonic()
    assert end_of(pids[victim]) == -signal.SIGKILL
    assert end_of(pids[1 - victim]) not in (0, -signal.SIGKILL)
    assert time.monotonic() - began < 30
    assert together(course, memory / "killed") == [0, 0]
    assert outcome(memory / "killed") == outcome(memory / "whole")


def when_saved(folder: Path) -> None:
    """Wait until a training has a checkpoint."""
    while not list(folder.glob("checkpoints/0*/manifest.json")):
        time.sleep(0.001)


def test_a_stopped_process_is_not_waited_for(
    course: Course, memory: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(parallel, "TIMEOUT", 2)
    pids = in_processes(2, lambda: course.train(memory / "run"))
    when_saved(memory / "run")
    os.kill(pids[1], signal.SIGSTOP)
    assert end_of(pids[0]) == 1
    assert "process 0 of 2 got no answer while" in capfd.readouterr().err
    assert end_of(pids[1]) != 0, "woken, so that it ends too"
    assert together(course, memory / "run") == [0, 0]


def test_a_bad_number_in_one_rolls_back_all(course: Course, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = VAE.step

    def poisoned(game: VAE, batches: Batches, images: int) -> dict[str, Tensor]:
        bad = parallel.rank() == 1 and images == 24 and game.players["vae"].lr_scale == 1
        with pytest.MonkeyPatch.context() as inner:
            if bad:
                inner.setattr("condgen.losses.kl_to_standard_normal", lambda mu, logvar: (mu * float("nan")).mean())
            return step(game, batches, images)

    monkeypatch.setattr(VAE, "step", poisoned)
    assert together(course, memory / "run") == [0, 0]
    assert b'"number": 1' in outcome(memory / "run")["rollbacks.json"]
    assert b'"number": 2' not in outcome(memory / "run")["rollbacks.json"]


def test_a_batch_that_cannot_be_shared_out_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(CondgenError, match="--batch 9 is not divisible by the number of processes, 2"):
        parallel.process_group(torch.device("cpu"), 9).__enter__()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_torchrun_starts_again_by_itself(number: signal.Signals, pets: Path, tmp_path: Path) -> None:
    """The real thing: torchrun notices, ends all, starts all again, and the result is as if nothing had happened."""
    words = ["-m", "condgen", "train", "cvae", "--data", pets, "--batch", 8, "--images", 4000, "--save-seconds", 1]
    torchrun = [str(Path(sys.executable).parent / "torchrun"), "--nproc-per-node", "2", "--max-restarts", "1"]
    whole, hit = ([*torchrun, *map(str, words), "--out", str(tmp_path / name)] for name in ("whole", "hit"))
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(whole, env=env, check=True, capture_output=True)
    agent = subprocess.Popen(hit, env=env, stdout=subprocess.DEVNULL)
    when_saved(tmp_path / "hit")
    children = Path(f"/proc/{agent.pid}/task/{agent.pid}/children").read_text().split()
    os.kill(int(children[1]), number)
    began = time.monotonic()
    while any(Path(f"/proc/{child}").exists() for child in children):
        time.sleep(0.1)
    assert time.monotonic() - began < 30
    assert agent.wait() == 0
    assert outcome(tmp_path / "hit") == outcome(tmp_path / "whole")
