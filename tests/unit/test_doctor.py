import json
from pathlib import Path

import pytest
import torch

from condgen import cli, machine

SOUND = {"torch": "2.13.0+cpu", "torchvision": None}


def test_one_screen_and_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) < 24
    assert lines[1].split()[:3] == ["packages", "torch", torch.__version__]
    cli.main(["doctor", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["devices"][-1] == "cpu"
    assert found["packages"]["torch"] == torch.__version__
    assert set(found) == {"condgen", "packages", "extras", "devices", "threads", "places", "traps"}


@pytest.mark.parametrize(
    ("packages", "says"),
    [
        ({"torch": "2.13.0+cpu", "torchvision": "0.28.0"}, "different builds"),
        ({"torch": "2.13.0+cpu", "torchvision": "0.28.0+cu130"}, "different builds"),
        ({"torch": "2.9.1+cpu", "torchvision": None}, "older than 2.10"),
    ],
)
def test_builds_that_do_not_fit_are_named(packages: dict[str, str | None], says: str) -> None:
    assert any(says in trap for trap in machine.of_builds(packages))


def test_a_gpu_that_torch_cannot_use_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert any("has an NVIDIA GPU but torch 2.13.0+cpu is a CPU build" in trap for trap in machine.of_builds(SOUND))


def test_traps_of_the_machine_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("locale.getencoding", lambda: "UTF-8")
    monkeypatch.setattr(machine, "cores", lambda: 1)
    monkeypatch.setattr(machine, "free", lambda place: machine.SCARCE)
    assert [*machine.traps(SOUND, {"here": tmp_path})] == []
    monkeypatch.setattr("locale.getencoding", lambda: "ANSI_X3.4-1968")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    monkeypatch.setattr(machine, "free", lambda place: machine.SCARCE - 1)
    found = [*machine.traps(SOUND, {"here": tmp_path})]
    assert ["OMP_NUM_THREADS=1" in found[0], "PYTHONUTF8=1" in found[1], "make room" in found[2]] == [True] * 3
