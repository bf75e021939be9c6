"""By name: pushed to a hub and loaded from it again. The hub is a small one on this machine (fake_hub.py)."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from condgen.drawing.pictures import read
from condgen.sharing import hub as hub_
from condgen.verbs.export import export
from sharing.fake_hub import TOKEN, Hub, serving

COMMANDS = """
import contextlib, io, json, sys
from condgen import cli
for words in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main([str(word) for word in words])
        except SystemExit as ended:
            err.write(f"exit {ended.code}")
    print(json.dumps(out.getvalue() + err.getvalue().split("\\n")[-2] + " " + err.getvalue().split("\\n")[-1]
                     if "exit" in err.getvalue() else out.getvalue()))
"""


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with serving() as found:
        yield found


@pytest.fixture
def session(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[str]]:
    """Commands of one process, which reads where the hub is when it starts; what each of them said."""
    home = tmp_path_factory.getbasetemp() / "hf"

    def run(*commands: list[object], **environment: str) -> list[str]:
        ours = {"HF_ENDPOINT": hub.address, "HF_TOKEN": TOKEN, "HF_HOME": str(home), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, "-c", COMMANDS], input=json.dumps(commands, default=str), text=True, check=True,
            env={**os.environ, **ours, **environment}, capture_output=True,
        )  # fmt: skip
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def refusal(said: str) -> str:
    assert said.startswith("condgen: cannot "), said
    assert said.endswith(" exit 2"), said
    assert "\n" not in said
    return said


def test_pushed_and_loaded_by_name(
    hub: Hub, session: Callable[..., list[str]], whole: Path, run: Path, tmp_path: Path
) -> None:
    export(str(run), format="onnx", out=tmp_path / "larger")
    ask = ["--labels", "dog", "--seed", 3, "--out"]
    said = session(
        ["push", tmp_path / "larger", "me/pets", "--private"],
        ["push", whole, "me/pets"],
        ["sample", "me/pets", *ask, tmp_path / "hub.png"],
        ["sample", whole, *ask, tmp_path / "here.png"],
        ["sample", f"me/pets@{'0' * 40}", *ask, tmp_path / "none.png"],
        ["sample", "me/nothing"],
        ["export", "me/pets", "--format", "pt2", "--out", tmp_path / "again"],
        ["push", run, "me/run"],
    )
    assert said[:2] == [f"{hub.address}/me/pets\n"] * 2
    assert hub.private == {"me/pets"}
    kept = hub.repositories["me/pets"]
    assert {*kept} == {".gitattributes", *(path.name for path in whole.iterdir())}, "the larger one's ONNX is gone"
    assert all(kept[path.name] == path.read_bytes() for path in whole.iterdir())
    assert (tmp_path / "hub.png").read_bytes() == (tmp_path / "here.png").read_bytes()
    assert "it has no such revision" in refusal(said[4])
    assert "there is none of that name" in refusal(said[5])
    assert (tmp_path / "again/model.pt2").exists()
    assert "is no exported folder; condgen export" in said[7]

    offline = session(
        ["sample", "me/pets", *ask, tmp_path / "offline.png"], ["sample", "me/nothing"], ["push", whole, "me/pets"],
        HF_HUB_OFFLINE="1",
    )  # fmt: skip
    assert (tmp_path / "offline.png").read_bytes() == (tmp_path / "here.png").read_bytes()
    assert "no copy is in its cache" in refusal(offline[1])
    assert "HF_HUB_OFFLINE is set" in refusal(offline[2])


def test_nobody_there_and_nobody_known(hub: Hub, session: Callable[..., list[str]], whole: Path) -> None:
    dead = session(["push", whole, "me/pets"], ["sample", "me/other"], HF_ENDPOINT="http://127.0.0.1:9")
    assert "the hub cannot be reached" in refusal(dead[0])
    assert "the hub cannot be reached" in refusal(dead[1])
    assert "does not take the token" in refusal(session(["push", whole, "me/new"], HF_TOKEN="hf_wrong")[0])
    assert "hf auth login, or set HF_TOKEN" in session(["push", whole, "me/new"], HF_TOKEN="")[0]


def test_a_repository_of_somebody_else(hub: Hub, session: Callable[..., list[str]], whole: Path) -> None:
    """Not of ours, or changed after it was pushed: refused, whatever it holds."""
    files = {path.name: path.read_bytes() for path in whole.iterdir()}
    hub.repositories["you/other"] = {"pytorch_model.bin": b"\x80\x04."}
    hub.repositories["you/changed"] = files | {"card.json": files["card.json"].replace(b'"dog"', b'"cow"')}
    hub.repositories["you/edited"] = files | {"README.md": b"My own words.", "demo.gif": b"GIF", ".gitattributes": b""}
    said = session(
        ["sample", "you/other"], ["sample", "you/changed"],
        ["sample", "you/edited", "--labels", "cat", "--out", whole.parent / "edited.png"],
    )  # fmt: skip
    assert "is nothing that condgen exported" in said[0]
    assert "card.json' has changed since it was written" in said[1]
    assert np.asarray(read(whole.parent / "edited.png")).shape == (12, 10)


def test_what_is_a_name_and_what_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert all(map(hub_.is_name, ["me/pets", "a-b/c.d_e", "me/pets@v1.0", "me/pets@refs/pr/1"]))
    others = ["pets", "/me/pets", "./me/pets", "me/pets/more", "../me", "me/..", "~/pets", "me/pets@", Path("me/pets")]
    assert not any(map(hub_.is_name, others))
    (tmp_path / "runs").mkdir()
    assert not hub_.is_name("runs/swfit"), "a slip of the finger asks no network"


def test_without_the_library(monkeypatch: pytest.MonkeyPatch, mistake: Callable[..., str], whole: Path) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert "pip install 'condgen[hub]'" in mistake("sample", "me/pets")
    assert "pip install 'condgen[hub]'" in mistake("push", whole, "me/pets")
