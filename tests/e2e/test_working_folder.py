"""Nothing that lies in the working folder is run: it may hold data, or a model, that somebody else has made.

The folder holds a module for every name that Python, its standard library and everything installed could ask for. Each
writes its name into a file when it is run; that file has to stay away.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import packages_distributions
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from condgen import cli
from condgen.sampling import plots
from sharing.fake_hub import TOKEN
from sharing.fake_hub import serving as hub_serving

BIN = Path(sys.executable).parent
CONDGEN = [str(BIN / "condgen")]
NAMES = {*sys.stdlib_module_names, *packages_distributions(), "sitecustomize", "usercustomize", "condgen"}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The working folder, with a trap for every module."""
    folder, trap = tmp_path / "here", f"open({str(tmp_path / 'run')!r}, 'a').write(__name__ + ' ')\n"
    folder.mkdir()
    for name in NAMES:
        if name.isidentifier():
            (folder / f"{name}.py").write_text(trap)
    return folder


def spare_what_python_needs(place: Path) -> None:
    """Take away the traps that `python -m` would step into before it comes to our package."""
    code = "import runpy, pkgutil, sys; print(*sys.modules)"
    needed = subprocess.run([sys.executable, "-P", "-c", code], env=environment(), capture_output=True, text=True)
    for name in ["condgen", *needed.stdout.split()]:
        (place / f"{name}.py").unlink(missing_ok=True)
    assert all((place / f"{name}.py").exists() for name in ("torch", "numpy", "json", "PIL", "sitecustomize"))


def witness(place: Path) -> str:
    """The names of the modules that were run, should any have been."""
    path = place.parent / "run"
    return path.read_text() if path.exists() else ""


def environment(**more: str) -> dict[str, str]:
    """The variables of a user who has set none of Python's."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return ours | {"OMP_NUM_THREADS": "1"} | more


def run(place: Path, *words: object, **more: str) -> str:
    """What a command that is started in that folder says."""
    done = subprocess.run(list(map(str, words)), cwd=place, env=environment(**more), capture_output=True, text=True)
    assert not witness(place), (words, "ran what lies in the working folder")
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


@contextmanager
def server(place: Path, *words: object) -> Iterator[str]:
    """The address of `condgen serve`, started in that folder."""
    command = [*map(str, words), "--port", "0"]
    process = subprocess.Popen(command, cwd=place, env=environment(), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        said = [process.stdout.readline(), process.stdout.readline()]
        assert not witness(place), "the server, or its model, ran what lies in the working folder"
        assert said[1].startswith("at http://"), said
        yield said[1].split()[1]
    finally:
        process.terminate()
        process.communicate(timeout=60)


def ask(address: str) -> bytes:
    """One image of a server."""
    request = urllib.request.Request(f"{address}sample", b'{"labels": "0"}', {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return bytes(answer.read())


def test_the_traps_work(place: Path) -> None:
    """Python itself, told to import from the working folder, runs one."""
    subprocess.run([sys.executable, "-c", "import json"], cwd=place, env=environment(), check=True)
    assert witness(place) == "json "


def test_what_reads_no_data_runs_nothing_of_the_working_folder(place: Path) -> None:
    assert "swift" in run(place, *CONDGEN, "list")
    assert "@" in run(place, *CONDGEN, "cite", "swift")
    assert "swift" in run(place, sys.executable, "-P", "-m", "condgen", "list")


@pytest.mark.parametrize("words", [["-m", "condgen"], ["-mcondgen"]])
def test_python_m_runs_nothing_that_we_could_have_kept_it_from(words: list[str], place: Path) -> None:
    """Which leaves torch, numpy, json and all others but those that Python needs to find our package."""
    spare_what_python_needs(place)
    assert "swift" in run(place, sys.executable, *words, "list")


def test_a_server_and_its_model_run_nothing_of_the_working_folder(place: Path, tiny_run: Path) -> None:
    """This holds for `cd MODEL; condgen serve .`, too."""
    (place / "generator").symlink_to(tiny_run / "generator")
    with server(place, *CONDGEN, "serve", ".") as address:
        assert ask(address).startswith(b"\x89PNG")
    assert not witness(place)


STARTS_PYTHON = """
import multiprocessing.resource_tracker as tracker, os, subprocess, sys
from condgen.__main__ import main
from condgen.sampling import plots
from condgen import listing

def starts_python(system):
    tracker.ensure_running()
    subprocess.run([sys.executable, "-c", "import json"], check=True)
    os.close(tracker._resource_tracker._fd)
    os.waitpid(tracker._resource_tracker._pid, 0)
    return "started"

listing.citation = starts_python
sys.argv = ["condgen", "cite", "swift"]
main()
"""


def test_a_library_that_starts_python_runs_nothing_of_the_working_folder(place: Path) -> None:
    """multiprocessing starts some of its processes with `python -c`, which has the working folder on its path."""
    script = place.parent / "script.py"
    script.write_text(STARTS_PYTHON)
    run(place, sys.executable, script)


def test_a_matplotlibrc_changes_no_figure(tmp_path: Path) -> None:
    """matplotlib reads one in the working folder; `text.usetex: True` would start LaTeX on whatever the labels are."""
    import matplotlib

    def figures() -> list[bytes]:
        bars = plots.bars({"train": [1, 2]}, ["a", "b"], "title")
        points = plots.scatter(np.eye(2), np.arange(2), ["a", "b"], "title")
        return [bars, points, *(plots.curves([{"images": 1, "loss": 1.0}], "title", kind) for kind in ("png", "svg"))]

    before, style = figures(), tmp_path / "matplotlibrc"
    style.write_text("axes.facecolor: red\nlines.linewidth: 9\nfont.size: 30\n")
    with matplotlib.rc_context(fname=style):
        assert figures() == before


def photos(place: Path) -> Path:
    """Write so many images that several processes read them."""
    dice = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (place / "photos" / name).mkdir(parents=True)
        for number in range(300 if name == "cat" else 260):
            image = Image.fromarray(dice.integers(0, 256, (8, 8), np.uint8))
            image.save(place / "photos" / name / f"{number}.png")
    return place / "photos"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


QUICK = ["--quick", "--images", 1200]
COMMANDS: Sequence[Sequence[object]] = [
    ["inspect", "photos"],
    ["train", "cgan-concat", "--data", "photos", "--images", 64, "--out", "pets", "--quiet"],
    ["train", "vae-2d", "--images", 4000, "--evaluate-every", 2000, "--out", "plane", "--quiet"],
    ["train", "cvae", "--images", 4000, "--evaluate-every", 2000, "--out", "digits", "--quiet"],
    ["sample", "digits", "--labels", "0-9", "--count", 3, "--out", "generated"],
    ["sample", "digits", "--count", 3, "--shard", 10, "--out", "shards"],
    *(
        ["figure", what, "digits"]
        for what in ("curves", "growth", "same-z", "titled", "walk", "reconstructions", "switched")
    ),
    ["figure", "manifold", "plane"],
    ["figure", "scatter", "plane"],
    ["evaluate", "digits", *QUICK],
    ["evaluate", "--folder", "generated", "--data", "mnist", *QUICK],
    ["compare", "digits", "digits"],
    ["report", "digits", "--quick"],
    ["augment", "photos", "--run", "pets", "--balance", "--no-proof"],
    ["audit", "digits", "--count", 20],
    *(["export", "digits", "--format", format, "--out", format] for format in ("safetensors", "onnx", "pt2")),
    ["sample", "safetensors", "--grid", "--out", "image.png"],
    ["list", "--json"],
    ["cite", "cvae"],
    ["doctor"],
    ["completion", "bash"],
]
"""Every verb, in an order in which each finds what it needs; `push` and `serve` follow by themselves."""


def test_every_verb_is_tried_here() -> None:
    verbs = {name for name in cli.application([]) if not name.startswith("-")}
    assert verbs == {words[0] for words in COMMANDS} | {"push", "serve"}


@pytest.mark.slow
def test_no_verb_runs_what_lies_in_the_working_folder(place: Path) -> None:
    began = time.monotonic()
    photos(place)
    for words in COMMANDS:
        run(place, *CONDGEN, *words)
    with hub_serving() as hub:
        named = {"HF_ENDPOINT": hub.address, "HF_TOKEN": TOKEN, "HF_HOME": str(place.parent / "hf")}
        run(place, *CONDGEN, "push", "safetensors", "me/digits", **named)
        run(place, *CONDGEN, "sample", "me/digits", "--grid", "--out", "pulled.png", **named)
    with server(place / "safetensors", *CONDGEN, "serve", ".") as address:
        assert ask(address).startswith(b"\x89PNG")
    sys.stdout.write(f"{len(COMMANDS) + 3} commands among {len(NAMES)} traps in {time.monotonic() - began:.0f} s\n")


@pytest.mark.slow
def test_processes_of_torchrun_run_nothing_of_the_working_folder(place: Path) -> None:
    """As docs/scaling.md starts them, and by `-m condgen`, too."""
    photos(place)
    torchrun = [
        sys.executable,
        "-P",
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        2,
        "--master-port",
        free_port(),
    ]
    words = ["train", "cgan-concat", "--data", "photos", "--images", "64", "--out"]
    run(place, *torchrun, "--no-python", *CONDGEN, *words, "two")
    spare_what_python_needs(place)
    run(place, *torchrun, "-m", "condgen", *words, "again")
