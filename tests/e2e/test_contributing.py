"""CONTRIBUTING's example is followed to the letter: the system on the page trains and draws."""

import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

import condgen
from condgen.systems import SYSTEMS, Preset

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "CONTRIBUTING.md"


def example() -> tuple[str, str]:
    """The module on the page, and its entry in the table of presets."""
    *pieces, entry = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return "\n\n".join(pieces), entry


@pytest.mark.parametrize("command", ["check", "format --check"])
def test_ruff_accepts_the_example(command: str) -> None:
    ruff = [sys.executable, "-m", "ruff", *command.split(), "--stdin-filename", "src/condgen/systems/hinge.py", "-"]
    told = subprocess.run(ruff, cwd=ROOT, input=example()[0], capture_output=True, text=True)
    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.readme  # in `make check`, after mypy has read torch, which takes a minute
def test_mypy_accepts_the_example(tmp_path: Path) -> None:
    (tmp_path / "hinge.py").write_text(example()[0], encoding="utf-8")
    mypy = [sys.executable, "-m", "mypy", str(tmp_path / "hinge.py")]  # with the settings of pyproject.toml
    told = subprocess.run(mypy, cwd=ROOT, capture_output=True, text=True)
    assert told.returncode == 0, told.stdout + told.stderr


def test_the_example_system_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, entry = example()
    module = types.ModuleType("condgen.systems.hinge")
    exec(source, module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for name, row in eval(f"{{{entry}}}", {"Preset": Preset}).items():
        monkeypatch.setitem(SYSTEMS, name, row)

    run = condgen.train("hinge", images=256, lr=1e-3, out=tmp_path / "run", quiet=True)
    assert set(run.log[-1]) >= {"images", "loss/g", "loss/d"}
    assert condgen.load(tmp_path / "run").sample("8", count=2).shape == (2, 28, 28)
