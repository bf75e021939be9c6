"""Former names of settings, options and commands, as used in run folders, cards and scripts of earlier versions."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

FORMER = {
    "rise": "warmup",
    "fall": "decay",
    "changes": "transforms",
    "wiring": "architecture",
    "networks": "architecture",
    "balance": "balanced_sampling",
}
"""Former and current names of the fields of the built-in systems' `Config`."""
DEFAULTS: dict[str, tuple[int, float | str]] = {
    "pixel_channels": (5, 0),
    "pre_emphasis": (6, 0.0),
    "shift": (7, "random"),
}
"""Settings that came later: the first format of runs that contains each, and the value that earlier ones imply. The
format of a card is larger by one."""
DATA = {"labels": "attributes"}
"""Former and current names of the fields of `data.DataOptions`."""
OPTIONS = {
    "train": FORMER | DATA,
    "inspect": DATA,
    "augment": DATA,
    "evaluate": DATA | {"pictures": "folder", "images": "count"},
}
"""Former and current names of the options of each command."""
COMMANDS = {"picture": "figure"}
EVALUATION = {"pictures_measured": "images_measured", "pictures": "images"}
"""Former and current names of the keys in evaluation.json, including those of its entries per class."""


def current_names(settings: Mapping[str, Any], former: Mapping[str, str] = FORMER) -> dict[str, Any]:
    """The settings under their current names. Raises TypeError or ValueError if `settings` is not a mapping."""
    return {former.get(name, name): value for name, value in dict(settings).items()}


def completed(settings: Mapping[str, Any], known: Iterable[str], format_: int) -> dict[str, Any]:
    """The settings of an old run or card, with the values that they imply.

    known: the names of the system's settings. format_: of the run, or that of the card minus 1.

    Raises TypeError or ValueError if `settings` is not a mapping.
    """
    implied = {name: value for name, (first, value) in DEFAULTS.items() if name in known and format_ < first}
    return implied | dict(settings)


def current_words(words: Sequence[str]) -> list[str]:
    """A command line with current names: `picture walk` -> `figure walk`, `train --rise 0` -> `train --warmup 0`.

    Each replacement is reported on stderr.
    """
    if not words:
        return []
    command = COMMANDS.get(words[0], words[0])
    if command != words[0]:
        _say(f"condgen {words[0]}", f"condgen {command}")
    return [command, *(_current_option(word, OPTIONS.get(command, {})) for word in words[1:])]


def _current_option(word: str, former: Mapping[str, str]) -> str:
    option, equals, value = word.partition("=")
    name = former.get(option.removeprefix("--").replace("-", "_")) if option.startswith("--") else None
    if name is None:
        return word
    new = f"--{name.replace('_', '-')}"
    _say(option, new)
    return f"{new}{equals}{value}"


def _say(old: str, new: str) -> None:
    sys.stderr.write(f"condgen: {old} is now {new}.\n")
