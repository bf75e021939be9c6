"""Experiment trackers as hooks: `condgen train --hooks wandb`.

Each adapter is thin: it passes on the logged values, the class grids and the alarms. Accounts, projects and offline
modes are chosen by the tracker's own settings, such as WANDB_MODE=offline or MLFLOW_TRACKING_URI. A resumed training
continues the same run of the tracker.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from PIL.Image import Image

from condgen.hooks import Hook, Session

PROJECT = "condgen"
"""Name of the project, where the tracker's own environment variable names none."""


class WandB(Hook):
    """Weights & Biases."""

    def __init__(self) -> None:
        import wandb

        self.wandb: Any = wandb
        self.run: Any = None

    def on_start(self, session: Session) -> None:
        self.run = self.wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT), name=session.folder.name, config=session.settings,
            dir=str(session.folder), id=run_id(session, "wandb"), resume="allow",
        )  # fmt: skip

    def on_log(self, images: int, values: Mapping[str, float]) -> None:
        self.run.log({**values, "images": images}, step=images)

    def on_images(self, images: int, sheet: Image) -> None:
        self.run.log({"samples": self.wandb.Image(sheet)}, step=images)

    def on_evaluation(self, images: int, values: Mapping[str, float], alarms: Sequence[str]) -> None:
        for alarm in alarms:
            self.run.alert(title=f"at {images:,} images", text=alarm)

    def on_end(self, finished: bool) -> None:
        self.run.finish(exit_code=0 if finished else 1)


class MLflow(Hook):
    """MLflow."""

    def __init__(self) -> None:
        import mlflow

        self.mlflow: Any = mlflow

    def on_start(self, session: Session) -> None:
        if "MLFLOW_EXPERIMENT_NAME" not in os.environ and "MLFLOW_EXPERIMENT_ID" not in os.environ:
            self.mlflow.set_experiment(PROJECT)
        known = session.kept("mlflow")
        run = self.mlflow.start_run(run_id=known) if known else self.mlflow.start_run(run_name=session.folder.name)
        session.keep("mlflow", run.info.run_id)
        if not known:
            self.mlflow.log_params(session.settings)

    def on_log(self, images: int, values: Mapping[str, float]) -> None:
        self.mlflow.log_metrics(dict(values), step=images)

    def on_images(self, images: int, sheet: Image) -> None:
        self.mlflow.log_image(sheet, key="samples", step=images)

    def on_evaluation(self, images: int, values: Mapping[str, float], alarms: Sequence[str]) -> None:
        if alarms:
            self.mlflow.set_tag("alarms", f"at {images:,} images: {' '.join(alarms)}")

    def on_end(self, finished: bool) -> None:
        self.mlflow.end_run("FINISHED" if finished else "KILLED")


class SwanLab(Hook):
    """SwanLab."""

    def __init__(self) -> None:
        import swanlab

        self.swanlab: Any = swanlab

    def on_start(self, session: Session) -> None:
        self.swanlab.init(
            project=os.environ.get("SWANLAB_PROJ_NAME", PROJECT), experiment_name=session.folder.name,
            config=session.settings, id=run_id(session, "swanlab"), resume="allow",
        )  # fmt: skip

    def on_log(self, images: int, values: Mapping[str, float]) -> None:
        self.swanlab.log(dict(values), step=images)

    def on_images(self, images: int, sheet: Image) -> None:
        self.swanlab.log({"samples": self.swanlab.Image(sheet)}, step=images)

    def on_evaluation(self, images: int, values: Mapping[str, float], alarms: Sequence[str]) -> None:
        if alarms:
            self.swanlab.log({"alarms": self.swanlab.Text(" ".join(alarms))}, step=images)

    def on_end(self, finished: bool) -> None:
        self.swanlab.finish()


class Trackio(Hook):
    """Trackio."""

    def __init__(self) -> None:
        import trackio

        self.trackio: Any = trackio

    def on_start(self, session: Session) -> None:
        name = session.kept("trackio") or f"{session.folder.name}-{uuid4().hex[:6]}"
        session.keep("trackio", name)
        self.trackio.init(project=PROJECT, name=name, config=session.settings, resume="allow")

    def on_log(self, images: int, values: Mapping[str, float]) -> None:
        self.trackio.log(dict(values), step=images)

    def on_images(self, images: int, sheet: Image) -> None:
        self.trackio.log({"samples": self.trackio.Image(sheet)}, step=images)

    def on_evaluation(self, images: int, values: Mapping[str, float], alarms: Sequence[str]) -> None:
        for alarm in alarms:
            self.trackio.alert(title=f"at {images:,} images", text=alarm)

    def on_end(self, finished: bool) -> None:
        self.trackio.finish()


def run_id(session: Session, tracker: str) -> str:
    """The id of the training in a tracker: that of its earlier sessions, or a new one."""
    known = session.kept(tracker)
    if known is None:
        known = uuid4().hex
        session.keep(tracker, known)
    return known
