"""A real process, really killed: the same command again ends as if nothing had happened."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from condgen import cli

OFTEN = ("--save-seconds", 0.3)


def command(folder: Path, name: str, system: str, images: int, *more: object) -> list[str]:
    words = ["train", system, "--images", images, "--out", folder / name, *more]
    return [sys.executable, "-m", "condgen", *map(str, words)]


def result(run: Path) -> tuple[bytes, bytes, bytes]:
    """What must not differ: every number of the training, the published weights, the log."""
    checkpoint = max((run / "checkpoints").glob("0*"))
    weights = next((run / "generator").glob("*.safetensors"))
    return (checkpoint / "state.safetensors").read_bytes(), weights.read_bytes(), (run / "log.jsonl").read_bytes()


def kill_when(process: subprocess.Popen[str], condition: object, number: signal.Signals) -> bool:
    """Send a signal once `condition()` holds; False if the process ended by itself before."""
    while process.poll() is None:
        if condition():  # type: ignore[operator]
            process.send_signal(number)
            return True
        time.sleep(0.005)
    return False


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "pets.npz", images=rng.integers(0, 256, (200, 16, 16), np.uint8), labels=np.arange(200) % 4)
    return tmp_path / "pets.npz"


@pytest.mark.parametrize("system", [pytest.param("cgan-multiply", marks=pytest.mark.slow), "cvae"])
def test_sigkill_half_way(system: str, pets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The process is a real one; the trainings before and after it are made here, where torch is warm."""
    more = ("--data", pets, "--batch", 16)
    cli.main(command(tmp_path, "whole", system, 4000, *more)[3:])

    words = command(tmp_path, "killed", system, 4000, *more, *OFTEN)
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    with process:
        half_way = lambda: any(int(p.name) >= 2000 for p in (tmp_path / "killed/checkpoints").glob("0*"))  # noqa: E731
        assert kill_when(process, half_way, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    capsys.readouterr()
    cli.main(words[3:])
    assert "resuming" in capsys.readouterr().out
    assert result(tmp_path / "killed") == result(tmp_path / "whole")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_training_saves_and_says_how_to_go_on(
    number: signal.Signals, pets: Path, tmp_path: Path
) -> None:
    more = ("--data", pets, "--save-seconds", 999, "--evaluate-every", 0)
    words = command(tmp_path, "run", "cvae", 10_000_000, *more)
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    with process:
        assert kill_when(process, lambda: (tmp_path / "run/log.jsonl").exists(), number)
        said = process.communicate()[0]
    assert process.returncode == 128 + number
    assert "the same command resumes from there" in said
    with Image.open(tmp_path / "run/curves.png") as curves:
        assert curves.size == (800, 300)
    card = json.loads((tmp_path / "run/generator/card.json").read_text())
    assert card["images"] == int(max((tmp_path / "run/checkpoints").glob("0*")).name) > 0


@pytest.mark.slow
def test_sigkill_half_way_through_400_000_digits(tmp_path: Path) -> None:
    """The promise of the README, at its own length."""
    subprocess.run(command(tmp_path, "whole", "cgan-concat", 400_000), check=True, capture_output=True)
    process = subprocess.Popen(command(tmp_path, "killed", "cgan-concat", 400_000), stdout=subprocess.PIPE, text=True)
    with process:
        half_way = lambda: any(int(p.name) >= 200_000 for p in (tmp_path / "killed/checkpoints").glob("0*"))  # noqa: E731
        assert kill_when(process, half_way, signal.SIGKILL)
    subprocess.run(command(tmp_path, "killed", "cgan-concat", 400_000), check=True, capture_output=True)
    assert result(tmp_path / "killed") == result(tmp_path / "whole")
