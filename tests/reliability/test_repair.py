"""A finished run whose files are damaged is mended by its own train command, and checked by `condgen doctor RUN`."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from condgen import api, cli, disk, folders
from condgen.disk_errors import Gone
from condgen.errors import CondgenError
from condgen.judging.monitor import Snapshot
from condgen.progress import Progress
from condgen.training import checkpoint, events, metric_log
from condgen.training.state import Training
from reliability.crashes import Course, Onlooker, outcome

pytestmark = pytest.mark.usefixtures("cheap")
NAMES = ("generator/card.json", "best/card.json", "samples/000000000048.png", "samples/real.png", "curves.png",
         "config.json", "published.json")  # fmt: skip


@pytest.fixture
def course(pets: Path) -> Course:
    return Course("cvae", pets)


@pytest.fixture
def run(course: Course, memory: Path) -> Path:
    course.train(memory / "run")
    return memory / "run"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(Progress, "say", lambda self, text: told.append(text))
    return told


def published(run: Path) -> dict[str, bytes]:
    weights = [path for name in ("generator", "best") for path in (run / name).glob("*.safetensors")]
    return {str(path): path.read_bytes() for path in [*(run / name for name in NAMES), *weights]}


def flip(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :])


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.fixture
def better(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest generator is the best."""
    monkeypatch.setattr(Onlooker, "evaluate", lambda self, sampler, images, log: Snapshot({"fd": -float(images)}, []))


@pytest.mark.usefixtures("better")
@pytest.mark.parametrize("damage", [flip, cut, Path.unlink])
def test_what_was_published_is_written_again(
    damage: Callable[[Path], None], course: Course, memory: Path, said: list[str]
) -> None:
    run = memory / "run"
    course.train(run)
    sound = published(run)
    for path in map(Path, sound):
        if path.name != "published.json":  # it has the only copy of config.json
            damage(path)
    said.clear()
    course.train(run)
    assert {path: Path(path).read_bytes() for path in sound} == sound
    told = [line for line in said if "written again" in line]
    assert len(told) == 1
    for name in ("generator/", "best/", "samples/000000000048.png", "samples/real.png", "curves.png"):
        assert name in told[0]
    (flip if damage is cut else damage)(run / "published.json")
    course.train(run)
    assert {path: Path(path).read_bytes() for path in sound} == sound
    said.clear()
    course.train(run)
    assert not any("written again" in line for line in said)


def test_what_cannot_be_had_again_is_said(run: Path, course: Course, said: list[str]) -> None:
    flip(run / "samples/000000000000.png")
    flip(run / "log.jsonl")
    lost = (run / "samples/000000000000.png").read_bytes()
    flip(run / "best/card.json")  # of 24 images, of which no state is left
    course.train(run)
    told = next(line for line in said if "not recoverable" in line)
    assert "best/, samples/000000000000.png, lines of log.jsonl" in told
    assert (run / "samples/000000000000.png").read_bytes() == lost


def test_without_a_sound_checkpoint_a_rescue_state_is_gone_on_from(run: Path, course: Course, said: list[str]) -> None:
    whole = outcome(run)
    for path in checkpoint.saved(run / "checkpoints"):
        flip(path / checkpoint.STATE)
    course.train(run)
    assert "no checkpoint is intact; resuming from the state at 48 images in rescue/." in said
    assert outcome(run) == whole


def doctor(run: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, str]]:
    """What is not sound, by name."""
    capsys.readouterr()
    try:
        cli.main(["doctor", str(run), "--json"])
        code: str | int | None = 0
    except SystemExit as ended:
        code = ended.code
    found = json.loads(capsys.readouterr().out)
    bad = {file["file"]: file for file in found["files"] if file["state"] != "sound"}
    assert (code, found["sound"]) == (int(bool(bad)), not bad)
    return bad


def test_doctor_names_every_file_and_the_command_that_mends_it(
    run: Path, course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor(run, capsys) == {}
    files = [path for path in run.rglob("*") if path.is_file() and path.stat().st_size]
    sound = {path: path.read_bytes() for path in files}
    for path in files:
        flip(path)
        bad, name = doctor(run, capsys), str(path.relative_to(run))
        assert [file["state"] for file in bad.values()] == ["damaged"] * len(bad), name
        assert name in bad or path.parent.name.isdigit(), name
        assert all(file["mend"] for file in bad.values())
        path.unlink()
        assert "missing" in {file["state"] for file in doctor(run, capsys).values()} or "events" in name, name
        path.write_bytes(sound[path])
    assert doctor(run, capsys) == {}
    flip(next((run / "generator").glob("*.safetensors")))
    words = next(iter(doctor(run, capsys).values()))["mend"].split()
    assert words[:3] == ["condgen", "train", "cvae"]
    cli.main(words[1:])
    assert doctor(run, capsys) == {}


def test_doctor_checks_an_exported_folder(tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["export", str(tiny_run), "--out", str(tmp_path / "e")])
    assert doctor(tmp_path / "e", capsys) == {}
    flip(tmp_path / "e/model.safetensors")
    (tmp_path / "e/samples.png").unlink()
    bad = doctor(tmp_path / "e", capsys)
    assert {name: file["state"] for name, file in bad.items()} == {
        "model.safetensors": "damaged", "samples.png": "missing",
    }  # fmt: skip
    assert all("condgen export RUN" in file["mend"] for file in bad.values())
    with pytest.raises(SystemExit):
        cli.main(["doctor", str(tmp_path)])
    assert "is not a run or an export" in capsys.readouterr().err


def test_doctor_of_a_folder_needs_no_torch(tiny_run: Path) -> None:
    code = "import sys; from condgen.cli import main; main(sys.argv[1:]); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code, "doctor", str(tiny_run)], check=True, capture_output=True)


@pytest.mark.parametrize("how", ["deleted", "moved", "exchanged"])
def test_a_run_that_vanishes_is_noticed_at_the_next_step(
    how: str, course: Course, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, step, steps = memory / "run", Training.step, list[int]()

    def vanishing(self: Training) -> None:
        step(self)
        steps.append(self.images)
        if self.images == 24:
            shutil.rmtree(folder) if how == "deleted" else os.rename(folder, memory / "elsewhere")
            if how == "exchanged":
                folder.mkdir()

    monkeypatch.setattr(Training, "step", vanishing)
    where = "deleted" if how == "deleted" else r"moved to '.*elsewhere'"
    with pytest.raises(Gone, match=rf"run' was {where} while .*stopped at 24 images, and its state in memory is lost"):
        course.train(folder)
    assert steps[-1] == 24
    assert not folder.exists() or not any(folder.iterdir())


def test_no_writer_makes_a_held_folder_anew(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    with folders.held(folder):
        shutil.rmtree(folder)
        for write in (disk.append, disk.write_bytes):
            with pytest.raises(Gone):
                write(folder / "samples" / "a", b"")
        with pytest.raises(Gone), disk.staging(folder / "new"):
            pass
    assert not folder.exists()
    disk.write_bytes(folder / "a", b"")


def test_a_run_deleted_while_it_is_evaluated_is_not_made_anew(run: Path) -> None:
    with folders.remembering():  # as a command does
        sampler = api.load(run)
        shutil.rmtree(run)
        with pytest.raises(Gone, match="moved or deleted since it was opened"):
            sampler.card.save(run / "evaluation.json")
        with pytest.raises(Gone):
            disk.write_bytes(run / "exported/onnx/a", b"")
        assert not run.exists()
    disk.write_json(run / "mine.json", {})  # a program may use the name again


@pytest.mark.parametrize("data", [b"\xff\xfe", b"", b"not a pid", None])
def test_a_damaged_owner_or_lock_is_no_obstacle(data: bytes | None, run: Path, course: Course) -> None:
    for name in (".owner", ".lock"):
        (run / name).unlink(missing_ok=True)
        if data is not None:
            (run / name).write_bytes(data)
    course.train(run)


def test_a_damaged_env_json_is_refused_or_begun_anew(run: Path, course: Course) -> None:
    flip(run / "env.json")
    longer: dict[str, Any] = {"data": course.data, "batch": 8, "quiet": True, "out": run, "images": 56}
    with pytest.raises(CondgenError, match=r"env\.json' is damaged: condgen cannot tell .*--allow-changed"):
        api.train("cvae", **longer)
    api.train("cvae", **longer, allow_changed=True)
    assert json.loads((run / "env.json").read_text())[-1]["changed"] == ["env.json was lost"]


def test_a_run_of_an_older_condgen_opens(run: Path, course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    """Without seals, without checksums of lines, without a list of files."""
    whole, log = outcome(run), metric_log.read(run / "log.jsonl")
    (run / "published.json").unlink()
    (run / "rollbacks.json").unlink(missing_ok=True)
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(
        json.dumps({key: value for key, value in config.items() if key != "seal"} | {"format": 1})
    )
    sessions = json.loads((run / "env.json").read_text())
    newer = ("seal", "onednn", "mkl", "gpu", "cwd")
    old = [{key: value for key, value in session.items() if key not in newer} for session in sessions]
    (run / "env.json").write_text(json.dumps(old))
    for name in ("log.jsonl", "clock.jsonl", "alarms.jsonl"):
        lines = metric_log.read(run / name)
        (run / name).write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert doctor(run, capsys) == {}
    shutil.rmtree(checkpoint.saved(run / "checkpoints")[-1])
    course.train(run)
    assert metric_log.read(run / "log.jsonl") == log
    assert outcome(run) == whole


def test_checksums_of_events_are_tensorboards() -> None:
    masked = pytest.importorskip("tensorboardX.record_writer").masked_crc32c
    for data in (b"", b"123456789", bytes(range(256))):
        assert events.checksum(data) == masked(data)
