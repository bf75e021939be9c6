"""CONTRIBUTING's example is followed to the letter: the system on the page trains and draws."""

import re
import sys
import types
from pathlib import Path

import pytest

import condgen
from condgen.systems import SYSTEMS, Preset

PAGE = Path(__file__).parents[2] / "CONTRIBUTING.md"


def test_the_example_system_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    *pieces, entry = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    module = types.ModuleType("condgen.systems.hinge")
    exec("\n\n".join(pieces), module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for name, row in eval(f"{{{entry}}}", {"Preset": Preset}).items():
        monkeypatch.setitem(SYSTEMS, name, row)

    run = condgen.train("hinge", images=256, lr=1e-3, out=tmp_path / "run", quiet=True)
    assert set(run.log[-1]) >= {"images", "loss/g", "loss/d"}
    assert condgen.load(tmp_path / "run").sample("8", count=2).shape == (2, 28, 28)
