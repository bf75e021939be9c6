"""Options from files and from the environment, completion for shells, and tables for other programs."""

import csv
import functools
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from condgen import api, cli
from condgen.evaluation import Evaluation
from condgen.measuring import evaluate


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, object]]:
    """Runs `condgen train`, and returns the arguments with which it called the library."""
    calls: list[dict[str, object]] = []

    def record(system: str, **given: object) -> SimpleNamespace:
        calls.append({"system": system, **{name: value for name, value in given.items() if value is not None}})
        return SimpleNamespace(exit_code=0)

    monkeypatch.setattr(api, "train", functools.wraps(api.train)(record))

    def train(words: str) -> dict[str, object]:
        cli.main(["train", *words.split()])
        return calls.pop()

    return train


FILES = {
    "toml": 'system = "cvae"\nbatch = 48\nlr = 1e-4\nquiet = true\n',
    "yaml": "train:\n  system: cvae\n  batch: 48\n  lr: 0.0001\n  quiet: true\nsample: {count: 3}\n",
    "json": '{"system": "cvae", "batch": 48, "lr": 0.0001, "quiet": true, "size": null}',
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_has_the_options(
    kind: str, trained: Callable[[str], dict[str, object]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is typed comes before the environment, and the environment before the file."""
    file = tmp_path / f"options.{kind}"
    file.write_text(FILES[kind], encoding="utf-8")
    given = trained(f"--config {file}")
    assert (given["system"], given["batch"], given["lr"], given["quiet"]) == ("cvae", 48, 1e-4, True)
    monkeypatch.setenv("CONDGEN_TRAIN_BATCH", "64")
    monkeypatch.setenv("CONDGEN_TRAIN_LR", "0.5")
    given = trained(f"vae --lr 2 --config={file}")
    assert (given["system"], given["batch"], given["lr"]) == ("vae", 64, 2.0)


def test_the_configuration_of_a_run_repeats_it(tiny_run: Path, trained: Callable[[str], dict[str, object]]) -> None:
    there = json.loads((tiny_run / "config.json").read_bytes())
    given = trained(f"--config {tiny_run}/config.json --out elsewhere")
    assert {name: given[name] for name in ("system", "data", "seed", "batch", "images")} == {
        "system": there["system"], "data": there["data"], "seed": 0, "batch": 32, "images": 64,
    }  # fmt: skip
    assert all(given[name] == value for name, value in there["config"].items())
    longer = trained(f"--config {tiny_run}/config.json --epochs 3")
    assert longer["epochs"] == 3
    assert "images" not in longer


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.toml", "batch = ", "'{}' is not valid toml"),
        ("a.json", "[1]", "'{}' should contain options by name"),
        ("a.yml", "a: [", "'{}' is not valid yml"),
        ("a.ini", "", "'{}' should end in .toml, .json, .yaml, .yml"),
        ("none.toml", None, "cannot read --config '{}'"),
        ("a.toml", "bacth = 3", "{}"),
        ("a.toml", "batch = -3", "batch"),
    ],
)
def test_mistakes_in_a_file(
    name: str, content: str | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        cli.main(["train", "cvae", "--config", str(path)])
    line = capsys.readouterr().err
    assert (ended.value.code, line.count("\n")) == (2, 1)
    assert said.format(path) in line


def test_completion_is_a_script_of_the_shell(capsys: pytest.CaptureFixture[str]) -> None:
    for shell in ("bash", "zsh", "fish", "powershell"):
        cli.main(["completion", shell])
        script = capsys.readouterr().out
        assert all(word in script for word in ("inspect", "--evaluate-every", "--truncation"))
        if shell == "bash":
            subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_a_comparison_for_papers_and_programs(
    tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluation = evaluate(str(tiny_run), count=40, quick=True)
    assert isinstance(evaluation, Evaluation)
    words = ["compare", str(tiny_run), "--quick", "--out", str(tmp_path / "out"), "--format"]
    printed = {}
    for format in ("csv", "markdown", "latex"):
        cli.main([*words, format])
        printed[format] = capsys.readouterr().out
    rows = list(csv.DictReader(printed["csv"].splitlines()))
    known = evaluation.numbers
    values = {row["metric"]: float(row["value"]) for row in rows if row["value"]}
    assert values == pytest.approx({name: known[name].value for name in values}, rel=1e-3)
    assert len(values) > 3
    assert {row["system"] for row in rows} == {"cgan-concat"}
    assert printed["markdown"].startswith("|  | cgan-concat | real images |\n| --- | --- | --- |\n| seeds | 1 |")
    assert printed["latex"].count(r" \\") == printed["markdown"].count("\n") - 1
    assert r"\begin{tabular}{lrr}" in printed["latex"]
