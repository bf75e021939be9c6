"""How commands end in a shell: closed and full output, Ctrl-C at any time, other locales, torchrun's environment."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from condgen import cli
from condgen.labels import Labels

CONDGEN = f"{sys.executable} -m condgen"


def shell(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    words = ["bash", "-c", script]
    return subprocess.run(words, capture_output=True, text=True, env={**os.environ, **environment}, timeout=120)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_is_closed_or_full(unbuffered: str) -> None:
    """As Unix tools do: quiet and 141 where the reader has gone, a line and 1 where the disk is full."""
    done = shell(
        f"{CONDGEN} list data > /dev/full; echo $?; {CONDGEN} --help | true; echo ${{PIPESTATUS[0]}};"
        f"{CONDGEN} list data >&-; echo $?; {CONDGEN} lits 2>&-; echo $?; {CONDGEN} lits 2>/dev/full; echo $?",
        PYTHONUNBUFFERED=unbuffered,
    )
    assert done.stdout.split() == ["1", "141", "0", "2", "2"]
    assert done.stderr == "condgen: cannot write to standard output: No space left on device.\n"


def _heeds_ctrl_c() -> None:
    """A shell makes commands that it starts in the background ignore Ctrl-C, and so would all of their children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.parametrize("imported", ["condgen.errors", "cyclopts", "condgen.cli", "torch._C", "torch"])
def test_ctrl_c_is_answered_from_the_first_import_on(imported: str, tmp_path: Path) -> None:
    """Sent when a module has just been imported: before, in the middle of and after the long imports."""
    words = [sys.executable, "-X", "importtime", "-m", "condgen", "train", "vae", "--out", str(tmp_path / "run")]
    with subprocess.Popen(
        words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, preexec_fn=_heeds_ctrl_c
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.endswith(f" {imported}\n"):
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
    said = [line for line in rest.splitlines() if not line.startswith("import time:")]
    assert (process.returncode, said) == (130, [])


def test_a_locale_that_cannot_write_a_name_is_named(tmp_path: Path, tiny_run: Path) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    code = f"from condgen import cli; cli.main(['sample', {str(tiny_run)!r}, '--out', {str(tmp_path)!r} + '/\\u732b'])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **ascii_only}
    )
    assert done.returncode == 2
    assert re.fullmatch(r"condgen: .* cannot be written in .*\(ascii\); set PYTHONUTF8=1\.\n", done.stderr)


@pytest.mark.parametrize(
    ("environment", "words", "says"),
    [
        ({"RANK": "abc"}, "sample {run} --shard 5 --out {place}/x", "RANK=abc in the environment is not a number"),
        ({"RANK": "7", "WORLD_SIZE": "2"}, "sample {run} --shard 5 --out {place}/x", "RANK=7 and WORLD_SIZE=2 do"),
        ({"WORLD_SIZE": "-1"}, "train vae --data {pets} --out {place}/x", "WORLD_SIZE=-1"),
        ({"WORLD_SIZE": "2"}, "train vae --data {pets} --out {place}/x", "start them with torchrun, or unset RANK"),
        ({}, "sample {run} --shard 5 --out {place}/shards", "request.json' is damaged"),
        ({}, "sample {run} --grid --count 1001 --out {place}/x.png", "sheet of 1,001 rows .* give fewer --labels or a"),
        ({}, "sample {run} --count 10000000 --out {place}/x", "--shard"),
        ({}, "sample {run} --count 100000000 --out {place}/x.npz", "200,000,000 images are more than one command"),
        ({}, "sample {run} --out {place}/{long}", "File name too long"),
        ({}, "sample {run} --out {place}/loop/x", "cannot write .*File exists"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(
    environment: dict[str, str], words: str, says: str, tiny_run: Path, pets: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards/request.json").write_text("[")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    before = sorted(tmp_path.rglob("*"))
    told = words.format(run=tiny_run, pets=pets, place=tmp_path, long="x" * 300)
    with pytest.raises(SystemExit) as ended:
        cli.main(told.split())
    said = capsys.readouterr().err
    assert (ended.value.code, said.count("\n")) == (2, 1), said
    assert re.search(says, said)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_long_request_gets_a_short_name(tiny_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("0," * 200, "0," * 201, " 0 , 1 ", "0"):
        cli.main(["sample", str(tiny_run), "--labels", text])
    names = [Path(line).name for line in capsys.readouterr().out.splitlines()]
    assert len(set(names)) == 4
    assert all(len(name.encode()) < 200 for name in names)
    assert names[-1] == "labels-0_count-1_seed-0.png"


def trained(place: Path, names: list[str], capsys: pytest.CaptureFixture[str], size: int = 6) -> str:
    """What a training on a data set with these names says; it may not begin."""
    images = np.zeros((len(names), size, 6), np.uint8)
    np.savez(place / "named.npz", images=images, labels=np.arange(len(names)), names=np.array(names))
    with pytest.raises(SystemExit) as ended:
        cli.main(["train", "cvae", "--data", str(place / "named.npz"), "--images", "10", "--out", str(place / "run")])
    assert ended.value.code == 2
    assert not (place / "run").exists()
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("names", "size", "says"),
    [
        (["a", "b" * 1001], 6, "label 1 .* has 1,001 characters; at most 1,000 are allowed"),
        ([f"{i} {'c' * 900}" for i in range(1200)], 6, "its card would have 1,[0-9,]+ bytes, mostly label names"),
        (["a", "b"], 2049, "2049 x 6 pixels; sides may have at most 2,048. Give a smaller --size"),
    ],
    ids=["long name", "large card", "large image"],
)
def test_what_could_not_be_loaded_is_not_trained(
    names: list[str], size: int, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert re.search(
        f"the trained generator could not be loaded again: .*{says}", trained(tmp_path, names, capsys, size)
    )


def test_too_many_labels_are_refused_when_they_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "20,001 different labels" in trained(tmp_path, [f"{i}" for i in range(20_001)], capsys, 6)


def test_the_largest_card_is_trained_drawn_and_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """20,000 classes, and names with all that a name may hold."""
    names = ["a\nb", " sp ", "🙂", "x" * 1000, "[/red]", "$x$", *(f"class {i}" for i in range(19_994))]
    images = np.zeros((40, 6, 6), np.uint8)
    np.savez(tmp_path / "many.npz", images=images, labels=np.arange(40), names=np.array(names))
    run = tmp_path / "run"
    cli.main(f"train cvae --data {tmp_path}/many.npz --images 64 --batch 32 --hidden 8 --out {run} --quiet".split())
    for text, slug in ((" sp ", "sp-1"), ("a b", "a-b-0"), ("class 33", "class-33-39")):
        cli.main(["sample", str(run), "--labels", text, "--count", "2", "--out", str(tmp_path / "out")])
        assert (tmp_path / f"out/{slug}_seed0_00001.png").exists()
    capsys.readouterr()
    with pytest.raises(SystemExit):
        cli.main(["sample", str(run), "--labels", "class 19993", "--out", str(tmp_path / "out")])
    assert "trained on no image of 'class 19993'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["sample", str(run), "--grid", "--count", "90000"])
    assert "90,000 rows and 40 columns would have" in capsys.readouterr().err
    assert Labels(tuple(names)).parse("all") == list(range(20_000))
