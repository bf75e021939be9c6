"""The configuration that identifies a run: config.json, and its copy in published.json. Needs no torch."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from condgen import records, settings
from condgen.data_options import HOW, DataOptions, name_of
from condgen.errors import CondgenError
from condgen.former import DATA, completed, current_names
from condgen.records import Damaged
from condgen.systems import SYSTEMS
from condgen.version import __version__

CONFIG, PUBLISHED = "config.json", "published.json"
FORMAT = 7
"""Format 1: side files have no checksums. Up to format 2, the options for reading the data are labels, size and fit. Up
to format 3, the path of the data is as it was typed, and test images are held out by the rule `overall`. Up to format
6, some settings are missing (`former.DEFAULTS`)."""
GROUPS = ("config", "data_options", "images", "data", "spec", "held_out", "empty")
"""Fields that are compared in parts, or not at all."""


@dataclass(frozen=True)
class RunConfig:
    """The configuration of a run. Two runs with equal ones are the same training, apart from its length."""

    system: str
    config: dict[str, Any]
    data: str
    """Where the data were: a name, an absolute path, or memory (`data.where`)."""
    fingerprint: str
    spec: dict[str, Any]
    seed: int
    data_options: dict[str, Any] = field(default_factory=dict)
    """The options for reading the data that differ from their defaults (`DataOptions.chosen`)."""
    finetuned_from: str | None = None
    """Name of the run state whose weights this run started from (`Parent.name`)."""
    empty: list[int] = field(default_factory=list)
    """Numbers of the labels without training images."""

    def difference(self, other: "RunConfig") -> str | None:
        """The first difference from `other`, in words; None if the same training can be resumed."""
        return next(self.differences(other), None)

    def differences(self, other: "RunConfig") -> "Iterator[str]":
        """All differences from `other`, in words; one in the images or labels comes last."""
        ours, theirs = ({**asdict(x), **x.config, **DataOptions(**x.data_options).model_dump()} for x in (self, other))
        for name in sorted(ours, key="fingerprint".__eq__):
            if name not in GROUPS and name not in HOW and ours[name] != theirs.get(name):
                yield (
                    self._other_data(other) if name == "fingerprint" else f"{name}={ours[name]}, not {theirs.get(name)}"
                )

    def _other_data(self, other: "RunConfig") -> str:
        ours, theirs = (DataOptions(**run.data_options).held_out for run in (self, other))
        former = f", of which it held out test images by another rule (--held-out {ours})" if ours != theirs else ""
        return f"other images or labels in {self.data!r}{former}"

    def is_divided_otherwise(self, other: "RunConfig") -> bool:
        """Whether the two differ only in the rule by which test images are held out, and so in the training images."""
        rules = [DataOptions(**run.data_options).held_out for run in (self, other)]
        return rules[0] != rules[1] and [*self.differences(other)] == [self._other_data(other)]

    def may_become(self, other: "RunConfig") -> bool:
        """Whether --allow-changed can resume the training as `other`: system, image shape and labels are the same."""
        fixed = [(run.system, run.spec, {**run.data_options, "held_out": None}) for run in (self, other)]
        return fixed[0] == fixed[1]


def config_in(folder: Path) -> RunConfig | None:
    """The configuration of the run in `folder`; None if there is no run. If config.json is damaged, its copy is read.

    Raises CondgenError if the folder contains a run but neither of the two can be read.
    """
    path = folder / CONFIG
    if not path.is_file() and not (folder / PUBLISHED).is_file():
        return None
    try:
        content: Mapping[str, Any] = records.read(path)
    except Damaged:
        content = _copy(folder)
    return _identity(path, content)


def save_identity(folder: Path, identity: RunConfig) -> None:
    """Write config.json."""
    records.write(folder / CONFIG, {"condgen": __version__, "format": FORMAT, **asdict(identity)})


def _copy(folder: Path) -> Mapping[str, Any]:
    try:
        copy = records.read(folder / PUBLISHED)
        return {"format": copy.get("format", 3), **copy["identity"]}
    except (Damaged, KeyError):
        return {}


def _identity(path: Path, content: Mapping[str, Any]) -> RunConfig:
    try:
        if content.get("format", FORMAT) > FORMAT:
            raise CondgenError(f"{str(path.parent)!r} was written by condgen {content['condgen']}; upgrade to read it.")
        known = {name: content[name] for name in RunConfig.__dataclass_fields__ if name in content}
        known.setdefault("data_options", former_options(content))
        if content.get("format", FORMAT) < 4:
            known["data_options"] = FORMER_SPLIT | known["data_options"]
        if known.get("system") in SYSTEMS:  # runs of an earlier condgen may use former names of settings
            known["config"] = _current_settings(known["system"], known["config"], content.get("format", FORMAT))
        return TypeAdapter(RunConfig).validate_python(known)
    except (ValidationError, KeyError, TypeError, ValueError):
        raise CondgenError(f"{str(path)!r} is damaged, or not the config.json of a run; give another --out.") from None


def _current_settings(system: str, config: Mapping[str, Any], format_: int) -> dict[str, Any]:
    """The settings of a built-in system, as an earlier condgen may have written them."""
    named = current_names(config)
    if format_ >= FORMAT:
        return named
    return completed(named, [entry.name for entry in settings.of_preset(system) or ()], format_)


FORMER_SPLIT = {"held_out": "overall"}
"""The option for reading the data that runs up to format 3 and cards up to format 4 imply."""


def former_options(content: Mapping[str, Any]) -> dict[str, Any]:
    """The options for reading the data, as config.json up to format 2 and cards up to format 3 contain them."""
    found = current_names({name: content[name] for name in ("labels", "size", "fit") if name in content}, DATA)
    return DataOptions(**found).chosen


def usual_folder(system: str, data: str, root: Path = Path("runs")) -> Path:
    """runs/<system>-<data>. data: the source as a run records it."""
    return root / f"{system}-{Path(name_of(data)).stem or 'data'}"


def default_folder(identity: RunConfig, root: Path = Path("runs")) -> Path:
    """runs/<system>-<data>, or the first of -2, -3 ... that is free or contains the same training."""
    first, number = usual_folder(identity.system, identity.data, root), 1
    while True:
        folder = first if number == 1 else root / f"{first.name}-{number}"
        there = config_in(folder)
        if there is None and not folder.exists():
            return folder
        if there and (not there.difference(identity) or there.is_divided_otherwise(identity)):
            return folder  # in the second case, `Run.open` says which option resumes it
        number += 1
