"""By name: pushed to a hub and loaded from it again. The hub is a small one on this machine (fake_hub.py)."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from condgen import data
from condgen.exports import export
from condgen.sampling.canvas import read
from condgen.sharing import hub as hub_
from data_files import by_class, write
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
DIRECTLY = """
import json, sys
from pathlib import Path
from condgen.errors import CondgenError
from condgen.sharing.hub import fetch, push
for call in json.load(sys.stdin):
    try:
        print(json.dumps(str(eval(call))))
    except CondgenError as error:
        print(json.dumps(str(error)))
assert "torch" not in sys.modules
"""


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with serving() as found:
        yield found


@pytest.fixture
def session(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[str]]:
    """Commands of one process, which reads where the hub is when it starts; what each of them said."""
    home = tmp_path_factory.getbasetemp() / "hf"

    def run(*commands: object, program: str = COMMANDS, **environment: str) -> list[str]:
        ours = {"HF_ENDPOINT": hub.address, "HF_TOKEN": TOKEN, "HF_HOME": str(home), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, "-c", program], input=json.dumps(commands, default=str), text=True, check=True,
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
    files = {path.name: path.read_bytes() for path in whole.iterdir()}  # of somebody else, or changed by somebody
    hub.repositories["you/other"] = {"pytorch_model.bin": b"\x80\x04."}
    hub.repositories["you/changed"] = files | {"card.json": files["card.json"].replace(b'"dog"', b'"cow"')}
    hub.repositories["you/edited"] = files | {"README.md": b"My own words.", "demo.gif": b"GIF", ".gitattributes": b""}
    ask = ["--labels", "dog", "--seed", 3, "--out"]
    said = session(
        ["push", tmp_path / "larger", "me/pets", "--private"],
        ["push", whole, "me/pets"],
        ["sample", "me/pets", *ask, tmp_path / "hub.png"],
        ["sample", whole, *ask, tmp_path / "here.png"],
        ["sample", f"me/pets@{'0' * 40}", *ask, tmp_path / "none.png"],
        ["sample", "me/nothing"],
        ["export", "me/pets", "--out", tmp_path / "again"],
        ["push", run, "me/run"],
        ["sample", "you/other"],
        ["sample", "you/changed"],
        ["sample", "you/edited", "--labels", "cat", "--out", tmp_path / "edited.png"],
    )
    assert said[:2] == [f"{hub.address}/me/pets\n"] * 2
    assert hub.private == {"me/pets"}
    kept = hub.repositories["me/pets"]
    assert {*kept} == {".gitattributes", *(path.name for path in whole.iterdir())}, "the larger one's ONNX is gone"
    assert all(kept[path.name] == path.read_bytes() for path in whole.iterdir())
    assert (tmp_path / "hub.png").read_bytes() == (tmp_path / "here.png").read_bytes()
    assert "the repository has no such revision" in refusal(said[4])
    assert "no repository has this name" in refusal(said[5])
    assert (tmp_path / "again/model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert "is not an exported folder; condgen export" in said[7]
    assert "is not an export of condgen" in said[8]
    assert "card.json' has changed since it was written" in said[9]
    assert np.asarray(read(tmp_path / "edited.png")).shape == (12, 10)

    offline = session(["sample", "me/pets", *ask, tmp_path / "offline.png"], ["sample", "me/none"], HF_HUB_OFFLINE="1")
    assert (tmp_path / "offline.png").read_bytes() == (tmp_path / "here.png").read_bytes()
    assert "its cache holds no copy" in refusal(offline[1])


@pytest.mark.parametrize(
    ("environment", "pushing", "fetching"),
    [
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, "the Hub cannot be reached (", "the Hub cannot be reached (offline?)"),
        ({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE is set", "its cache holds no copy"),
        ({"HF_TOKEN": "hf_wrong"}, "rejects your token", "no repository has this name"),
        (
            {"HF_TOKEN": ""},
            "there is no token for the Hugging Face Hub; run hf auth login, or set HF_TOKEN",
            "no repository has this name",
        ),
    ],
    ids=["nobody there", "offline", "wrong token", "no token"],
)
def test_nobody_there_or_nobody_known(
    environment: dict[str, str], pushing: str, fetching: str, session: Callable[..., list[str]], whole: Path
) -> None:
    said = session(f"push('{whole}', 'me/new', False)", "fetch('me/none')", **environment, program=DIRECTLY)
    assert pushing in said[0]
    assert fetching in said[1]


def test_what_is_a_name_and_what_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert all(hub_.is_name(name) for name in ["me/pets", "a-b/c.d_e", "me/pets@v1.0", "me/pets@refs/pr/1"])
    others: list[str | Path] = [
        "pets",
        "/me/pets",
        "./me/pets",
        "me/pets/more",
        "../me",
        "me/..",
        "~/pets",
        "me/pets@",
        Path("me/pets"),
    ]
    assert not any(hub_.is_name(other) for other in others)
    (tmp_path / "runs").mkdir()
    assert not hub_.is_name("runs/swfit"), "a slip of the finger asks no network"


def test_without_the_library(monkeypatch: pytest.MonkeyPatch, mistake: Callable[..., str], whole: Path) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert "pip install 'condgen[hub]'" in mistake("sample", "me/pets")
    assert "pip install 'condgen[hub]'" in mistake("push", whole, "me/pets")


def test_a_damaged_download_is_fetched_again(hub: Hub, session: Callable[..., list[str]], whole: Path) -> None:
    """The hub's own library takes its cache as it is: a bit in it would stay flipped for ever."""
    hub.repositories["me/rotting"] = {path.name: path.read_bytes() for path in whole.iterdir()}
    (folder,) = session("fetch('me/rotting')", program=DIRECTLY)
    place = Path(folder)
    names = ("model.safetensors", "card.json", "manifest.json")
    for name in names:
        path, content = place / name, bytearray((place / name).read_bytes())
        content[len(content) // 2] ^= 4
        path.resolve().write_bytes(content if name != "manifest.json" else content[:40])
        session("fetch('me/rotting')", program=DIRECTLY)
        assert all((place / name).read_bytes() == (whole / name).read_bytes() for name in names), name


DATA = """
import json, sys
from condgen import data
from condgen.errors import CondgenError
for name in json.load(sys.stdin):
    try:
        found = data.load(name)
        print(json.dumps(f"{found.name} {found.fingerprint}"))
    except CondgenError as error:
        print(json.dumps(str(error)))
assert not {"torch", "datasets"} & set(sys.modules)
"""


def test_data_sets_are_read_by_name(hub: Hub, session: Callable[..., list[str]], tmp_path: Path) -> None:
    files = {name: content for name, content in by_class().items() if isinstance(content, bytes)}
    hub.repositories["me/animals"] = {"README.md": b"# Animals", **files}
    cache = {"CONDGEN_CACHE": str(tmp_path / "cache")}
    expected = data.load(write(tmp_path / "animals", by_class())).fingerprint
    found, revision, missing = session(
        "hf://me/animals", f"hf://me/animals@{hub.revision('me/animals')}", "hf://me/none", program=DATA, **cache
    )
    assert found == revision == f"animals {expected}"
    assert missing.startswith("cannot load 'hf://me/none': no repository has this name")
    offline, unknown = session("hf://me/animals", "hf://me/other", program=DATA, **cache, HF_HUB_OFFLINE="1")
    assert offline == found, "what is here needs no network"
    assert unknown == "cannot load 'hf://me/other': HF_HUB_OFFLINE is set."
    del hub.repositories["me/animals"]["cat/0.png"]
    (now,) = session("hf://me/animals", program=DATA, **cache)
    (tmp_path / "animals" / "cat" / "0.png").unlink()
    assert now == f"animals {data.load(tmp_path / 'animals').fingerprint}", "files that are gone there are gone here"
