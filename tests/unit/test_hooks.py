"""Hooks hear what a training logs, never disturb it, and the trackers record it in their own local modes."""

import importlib.metadata
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from condgen import api, cli, hooks
from condgen.errors import CondgenError
from condgen.hooks import Hook, Session
from condgen.training.run import Run


class Listener(Hook):
    """Notes every call."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    def on_start(self, session: Session) -> None:
        self.heard.append(("start", session.images, session.settings["config/batch"], session.config["data"]))

    def on_log(self, images: int, values: Mapping[str, float]) -> None:
        self.heard.append(("log", images, sorted(values)))

    def on_images(self, images: int, sheet: Image.Image) -> None:
        self.heard.append(("images", images, sheet.mode))

    def on_end(self, finished: bool) -> None:
        self.heard.append(("end", finished))


class Faulty:
    """Has one method, which fails."""

    def on_log(self, images: int, values: Mapping[str, float]) -> None:
        raise ValueError("no network")


def train(folder: Path, pets: Path, images: int, followers: Any) -> Run:
    return api.train(
        "cgan-concat", data=pets, out=folder, images=images, batch=32, evaluate_every=0, grid_every=64, log_every=64,
        hooks=followers,
    )  # fmt: skip


def test_hooks_hear_every_session(pets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And their failures neither stop a training nor change it."""
    listener = Listener()
    for images in (64, 128):
        train(tmp_path / "run", pets, images, [Faulty(), listener])
    logged = ["loss/d", "loss/g"]
    first, second = ("start", 0, 32, pets.name), ("start", 64, 32, pets.name)
    assert [entry for entry in listener.heard if entry[0] != "log"] == [
        first, ("images", 0, "RGB"), ("images", 64, "RGB"), ("end", True),
        second, ("images", 128, "RGB"), ("end", True),
    ]  # fmt: skip
    assert [entry[:2] for entry in listener.heard if entry[0] == "log"] == [("log", 64), ("log", 128)]
    assert all(set(logged) <= set(entry[2]) for entry in listener.heard if entry[0] == "log")
    said = "the hook Faulty failed in on_log (ValueError: no network); the training continues without it."
    assert capsys.readouterr().out.count(said) == 2
    whole = train(tmp_path / "whole", pets, 128, "")
    assert [line["images"] for line in whole.log] == [64, 128]
    states = [next((tmp_path / name / "generator").glob("*.safetensors")).read_bytes() for name in ("run", "whole")]
    assert not (tmp_path / "whole/hooks.json").exists()
    assert len(set(states)) == 1


def test_hooks_by_name(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = importlib.metadata.EntryPoint("mine", f"{__name__}:Listener", hooks.GROUP)
    monkeypatch.setattr(hooks, "installed", lambda: {"mine": entry})
    assert [type(hook).__name__ for hook in hooks.chosen(" mine,mine")] == ["Listener", "Listener"]
    assert hooks.chosen("") == []
    with pytest.raises(SystemExit):
        cli.main(f"train cvae --data {pets} --hooks wanbd --out {tmp_path / 'run'}".split())
    assert capsys.readouterr().err.startswith("condgen: unknown hook 'wanbd'; did you mean 'wandb'? There are: mlflow")
    monkeypatch.setattr(hooks, "TRACKERS", {"wandb": "no_such_package:Tracker"})
    with pytest.raises(CondgenError, match=r"needs a package: .*pip install 'condgen\[wandb\]'"):
        hooks.named("wandb")


def of_wandb(place: Path) -> set[str]:
    return in_files(place, "*.wandb", "samples_128_*.png")


def of_swanlab(place: Path) -> set[str]:
    return in_files(place, "*.swanlab", "128-*.png")


def in_files(place: Path, record: str, image: str) -> set[str]:
    """The names in the files of the two sessions, which have the id of the run."""
    files = sorted(place.rglob(record))
    assert (len(files), len({file.name for file in files})) == (2, 1), "a resumed training is another run"
    names = {name for name in ("loss/d", "loss/g") if all(name.encode() in file.read_bytes() for file in files)}
    return names | ({"samples"} if [*place.rglob(image)] else set())


def of_mlflow(place: Path) -> set[str]:
    from mlflow import MlflowClient

    client = MlflowClient()
    found = client.search_experiments(filter_string="name = 'condgen'")
    (run,) = client.search_runs([found[0].experiment_id])
    assert (run.info.status, run.data.params["config/batch"]) == ("FINISHED", "32")
    assert [each.step for each in client.get_metric_history(run.info.run_id, "loss/g")] == [64, 128]
    return {*run.data.metrics, *(["samples"] if client.list_artifacts(run.info.run_id, "images") else [])}


def of_trackio(place: Path) -> set[str]:
    from trackio.sqlite_storage import SQLiteStorage

    (name,) = SQLiteStorage.get_runs("condgen")
    logs = SQLiteStorage.get_logs("condgen", name)
    assert max(entry["step"] for entry in logs) == 128
    return {key for entry in logs for key in entry}


@pytest.mark.slow
@pytest.mark.parametrize("read", [of_wandb, of_mlflow, of_swanlab, of_trackio])
def test_trackers_record_both_sessions_as_one_run(
    read: Callable[[Path], set[str]], pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = read.__name__.removeprefix("of_")
    pytest.importorskip(name)
    settings = {
        "WANDB_MODE": "offline", "WANDB_SILENT": "true", "MLFLOW_TRACKING_URI": (tmp_path / "mlruns").as_uri(),
        "MLFLOW_ALLOW_FILE_STORE": "true",
        "SWANLAB_MODE": "offline", "SWANLAB_LOG_DIR": str(tmp_path / "swanlog"),
        "TRACKIO_DIR": str(tmp_path / "trackio"),
    }  # fmt: skip
    for variable, value in settings.items():
        monkeypatch.setenv(variable, value)
    for images in (64, 128):
        train(tmp_path / "run", pets, images, name)
    assert list(json.loads((tmp_path / "run/hooks.json").read_bytes())) == [name]
    assert {"loss/g", "loss/d", "samples"} <= read(tmp_path)
