"""Mistakes of a user on the command line: one line each, and every option that it names is one of that command."""

import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import condgen
from condgen import cli
from condgen.errors import CondgenError
from condgen.exports import export
from conftest import toy_data


@pytest.fixture(scope="module")
def place(tiny_run: Path, pets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Files to make mistakes with, by name; `port` is taken."""
    folder, faces = tmp_path_factory.mktemp("refused"), toy_data("attributes").train
    np.savez(folder / "attributes.npz", images=faces.images, labels=faces.labels, names=np.array([*"abcd"]))
    np.savez(folder / "twice.npz", images=np.zeros((4, 4, 4), np.uint8), labels=[0, 1] * 2, names=np.array(["a", "a"]))
    np.savez(folder / "none.npz", images=np.zeros((0, 4, 4), np.uint8), labels=[])
    (folder / "empty").mkdir()
    export(str(tiny_run), out=folder / "whole")
    shutil.copytree(folder / "whole", folder / "lacking")
    (folder / "lacking" / "samples.png").unlink()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        made = {path.stem: str(path) for path in folder.iterdir()}
        yield made | {"run": str(tiny_run), "pets": str(pets), "port": str(taken.getsockname()[1])}


def refusal(capsys: pytest.CaptureFixture[str], words: list[str]) -> str:
    """The last line, which is the only one about the mistake."""
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("condgen: ")
    return last


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("train cvae --data {pets} --device tpux", "unknown device 'tpux'; available: auto, cpu"),
        ("train cvae --data {pets} --device cuda:99", "device 'cuda:99' is not available"),
        ("train --steps 1000", "--images 64000 is 1,000 steps; --epochs 10 shows every image ten times"),
        ("train cgan-maxout --iterations=25", "--batch, 100 here. --images 2500 is 25 steps"),
        ("train cvae --batch-size 64", "condgen train has no option 'batch-size'; use --batch."),
        ("train cvae --data {pets} --attributes Smiling", "chooses among attributes; 'pets' has classes"),
        ("sample {run} --labels ,", "no labels in ','; give some of 0-1: 0 1, or all"),
        ("inspect {twice}", "label 'a' stands twice in the label set"),
        ("augment {attributes} --run {run} --balance", "attributes overlap, so they cannot be balanced; choose one"),
        ("augment {attributes} --run {run} --balance --attributes a", "use a run that was trained on them"),
        ("evaluate --folder {pets} --data {pets} --truncation 0.5", "sampling options belong to a generator; give a"),
        ("evaluate --folder {empty} --data {pets}", "no images in "),
        ("evaluate --folder {none} --data {pets}", "contains no images"),
        ("sample {lacking}", "lacks 'samples.png', which its manifest.json lists; export it again"),
        ("serve {run} --port {port}", "cannot listen at 127.0.0.1 port {port}: Address already in use; try another"),
    ],
)
def test_a_mistake_is_one_line_with_options_that_exist(
    place: dict[str, str], capsys: pytest.CaptureFixture[str], words: str, says: str
) -> None:
    command, *rest = words.format(**place).split()
    said = refusal(capsys, [command, *rest])
    assert says.format(**place) in said
    cli.main([command, "--help"])
    assert set(re.findall(r"--[a-z-]+", said)) <= set(re.findall(r"--[a-z-]+", capsys.readouterr().out))


def test_labels_in_python_are_text_a_number_or_a_sequence(tiny_run: Path) -> None:
    with pytest.raises(CondgenError, match=r"labels 0\.5 are neither text, a number, a sequence nor a dictionary"):
        condgen.load(tiny_run).sample(0.5)
