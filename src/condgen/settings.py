"""The fields of each Config as plain data, so that `condgen train --help` imports neither the system's module nor
torch.

settings.json contains the fields of the built-in presets. `python tools/write_settings.py` generates it from the
classes, and a test compares the two.
"""

import json
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from condgen.schema import Settings

TYPES = {"int": int, "float": float, "bool": bool, "str": str}


class Setting(NamedTuple):
    """One field of a Config."""

    name: str
    default: Any
    help: str
    kind: str
    """A key of TYPES, or "choice" for one of `choices`."""
    choices: tuple[str, ...] = ()

    @property
    def annotation(self) -> Any:
        """The type of the option. Without a default, None is permitted too."""
        kind: Any = Literal[self.choices] if self.choices else TYPES[self.kind]
        return kind | None if self.default is None else kind


def of_config(config: Settings) -> list[Setting]:
    """The fields of a configuration, with its values as defaults."""
    return [_setting(name, field, getattr(config, name)) for name, field in type(config).model_fields.items()]


def of_preset(name: str) -> list[Setting] | None:
    """The fields of a built-in preset, from settings.json; None if the file does not contain it."""
    entries = _table().get(name)
    return None if entries is None else [Setting(**entry | {"choices": tuple(entry["choices"])}) for entry in entries]


def as_json(config: Settings) -> list[dict[str, Any]]:
    return [setting._asdict() | {"choices": list(setting.choices)} for setting in of_config(config)]


def _setting(name: str, field: Any, default: Any) -> Setting:
    kind = _bare(field.annotation)
    if get_origin(kind) is Literal:
        return Setting(name, default, field.description or "", "choice", get_args(kind))
    return Setting(name, default, field.description or "", kind.__name__)


def _bare(annotation: Any) -> Any:
    """A type without bounds and without None: Annotated[int, ...] | None -> int."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return _bare(next(kind for kind in get_args(annotation) if kind is not type(None)))
    return annotation


@cache
def _table() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = json.loads(
        Path(__file__).with_name("settings.json").read_text(encoding="utf-8")
    )
    return found
