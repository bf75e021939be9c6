"""Hooks: objects whose methods are called while a training runs, to show its progress elsewhere or to act on it.

    class Mine(Hook):
        def on_log(self, images, values): ...

    condgen.train("cvae", hooks=[Mine()])

A package may register a class under the entry-point group `condgen.hooks`; `--hooks NAME` then creates an object of it.
The trackers that condgen knows are in trackers.py. A hook never changes or ends a training: if it raises an exception,
one line says so, and the training continues without it.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from PIL.Image import Image

from condgen import disk
from condgen.errors import CondgenError, shortened, unknown

GROUP = "condgen.hooks"
TRACKERS: Mapping[str, str] = {
    "mlflow": "condgen.trackers:MLflow",
    "swanlab": "condgen.trackers:SwanLab",
    "trackio": "condgen.trackers:Trackio",
    "wandb": "condgen.trackers:WandB",
}
"""The trackers by name. Each needs the extra of the same name."""
KEPT = "hooks.json"
"""File of a run folder with what its hooks keep for the next session."""


class Session:
    """One session of a training, as hooks see it."""

    def __init__(self, folder: Path, config: Mapping[str, Any], images: int) -> None:
        """config: what identifies the run, as in its config.json, but without the path of the data.

        images: training images at the start.
        """
        self.folder, self.config, self.images = folder, config, images

    @property
    def settings(self) -> dict[str, Any]:
        """`config` without nesting, for tables: settings have the name `config/batch`."""
        return dict(_flat(self.config))

    def kept(self, name: str) -> str | None:
        """What a hook of this run kept under this name in an earlier session, such as the id of a run in a tracker."""
        value = self._kept().get(name)
        return value if isinstance(value, str) else None

    def keep(self, name: str, value: str) -> None:
        disk.write_json(self.folder / KEPT, self._kept() | {name: value})

    def _kept(self) -> dict[str, Any]:
        try:
            found = json.loads((self.folder / KEPT).read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


class Hook:
    """A hook that does nothing. Override what you need. All methods are called in the main process of a training."""

    def on_start(self, session: Session) -> None:
        """A session begins: of a new run, or of one that is resumed."""

    def on_log(self, images: int, values: Mapping[str, float]) -> None:
        """A line was logged after `images` training images: the means of losses since the last line, and the metrics of
        an evaluation if there was one."""

    def on_images(self, images: int, sheet: Image) -> None:
        """A class grid was generated, always from the same latent vectors."""

    def on_evaluation(self, images: int, values: Mapping[str, float], alarms: Sequence[str]) -> None:
        """The generator was evaluated. alarms: sentences that say what is wrong with it. `on_log` follows."""

    def on_end(self, finished: bool) -> None:
        """The session ends. finished: whether the training reached its length; else it was stopped or failed."""


class Hooks:
    """The hooks of one training. Any object with some of the methods of `Hook` is accepted."""

    def __init__(self, hooks: Sequence[object] = (), say: Callable[[str], None] = lambda text: None) -> None:
        """say: called with a sentence when a hook failed."""
        self.active, self.say = list(hooks), say

    def call(self, method: str, *values: object) -> None:
        """Call a method of every hook. One that raises an exception is not called again."""
        for hook in tuple(self.active):
            try:
                getattr(hook, method, lambda *_: None)(*values)
            except Exception as error:
                self.active.remove(hook)
                name = type(hook).__name__
                why = shortened(f"{type(error).__name__}: {error}")
                self.say(f"the hook {name} failed in {method} ({why}); the training continues without it.")

    @contextmanager
    def during(self, session: Session, reached: Callable[[], bool]) -> Iterator[None]:
        """Context manager of a session. reached: whether the training has its full length."""
        self.call("on_start", session)
        try:
            yield
        finally:
            self.call("on_end", reached())


def chosen(hooks: "str | Sequence[object]") -> list[object]:
    """The hooks that a user chose: names separated by commas, or objects and names. Raises CondgenError."""
    wanted = [name.strip() for name in hooks.split(",")] if isinstance(hooks, str) else hooks
    return [named(each) if isinstance(each, str) else each for each in wanted if each != ""]


def named(name: str) -> object:
    """A new hook by name. Raises CondgenError if there is none, or a package is missing."""
    path = TRACKERS.get(name) or (installed()[name].value if name in installed() else None)
    if path is None:
        raise unknown("hook", name, [*TRACKERS, *installed()])
    try:
        made: object = resolve_name(path)()
    except ImportError as error:
        extra = f"; pip install 'condgen[{name}]'" if name in TRACKERS else ""
        raise CondgenError(f"the hook {name!r} needs a package: {shortened(str(error))}{extra}.") from None
    return made


@cache
def installed() -> dict[str, EntryPoint]:
    """The hooks of installed packages, by name. They are not imported yet."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}/")
        else:
            yield f"{before}{name}", value
