"""The commands as Python functions: values come back, which show themselves in a notebook."""

import base64
import inspect
import json
import signal
from pathlib import Path
from typing import Any

import pytest

import condgen
from condgen import cli
from condgen.training import trainer


def test_every_command_is_a_function() -> None:
    named = {"train", "load", "sample", "evaluate", "compare", "inspect", "augment", "audit", "report", "export"}
    assert named <= {*dir(condgen)}
    for name in condgen.__all__:
        assert getattr(condgen, name)


def test_a_path_may_be_a_string() -> None:
    """The type checker then knows that no function expects more of it."""
    for name in {*condgen.__all__} - {"CondgenError", "__version__"}:
        found = inspect.signature(getattr(condgen, name)).parameters.values()
        kinds = {parameter.name: str(parameter.annotation) for parameter in found}
        assert not [(name, key) for key, kind in kinds.items() if "Path" in kind and "str |" not in kind]


def test_a_result_is_text_data_and_a_file(pets: Path, tmp_path: Path) -> None:
    found = condgen.inspect(str(pets), out=str(tmp_path / "look"))
    assert "images" in str(found)
    assert json.loads(found.save(tmp_path / "facts.json").read_text()) == found.to_json() == found.data
    assert (repr(found).startswith("Inspection("), "\n" in repr(found)) == (True, False)
    assert found._repr_html_().startswith("<pre>")


def test_the_command_line_prints_the_value(pets: Path, tmp_path: Path) -> None:
    """Its text, then where the files are; with --json, its data."""
    found = condgen.inspect(str(pets), out=tmp_path / "look")
    words = ["inspect", str(pets), "--out", str(tmp_path / "look")]
    assert cli.run(words) == f"{found}\n\n{tmp_path / 'look'}: {', '.join(found.files)}"
    assert json.loads(str(cli.run([*words, "--json"]))) == found.to_json()


def test_runs_and_samplers_show_themselves(tiny_run: Path, pets: Path) -> None:
    run = condgen.train("cgan-concat", data=pets, out=tiny_run, images=64, batch=32, evaluate_every=0, quiet=True)
    for shown in (run, condgen.load(tiny_run)):
        assert "\n" not in repr(shown)
        image = shown._repr_html_().split("base64,")[1].split('"')[0]
        assert base64.b64decode(image).startswith(b"\x89PNG")


def test_an_interrupted_training_returns_the_run_as_far_as_it_came(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course: dict[str, Any] = {"data": pets, "images": 640, "batch": 32, "evaluate_every": 0, "quiet": True}
    whole = trainer.train

    def interrupted(training: Any, plan: Any, progress: Any, stop: Any, *others: Any) -> bool:
        stop.signal = signal.SIGINT
        return whole(training, plan, progress, stop, *others)

    monkeypatch.setattr(trainer, "train", interrupted)
    run = condgen.train("cvae", out=tmp_path / "run", **course)
    assert (run.exit_code, run.images < 640) == (130, True)
    words = ["train", "cvae", "--data", pets, "--images", 640, "--batch", 32, "--evaluate-every", 0, "--quiet"]
    with pytest.raises(SystemExit) as ended:
        cli.main([*map(str, words), "--out", str(tmp_path / "run")])
    assert ended.value.code == 130
    monkeypatch.undo()
    runs = [condgen.train("cvae", out=tmp_path / name, **course) for name in ("run", "other")]
    assert [run.exit_code for run in runs] == [0, 0]
    one, other = (condgen.load(run.folder).sample("all") for run in runs)
    assert (one == other).all()
