"""Former names of settings: run folders, model cards and commands of earlier versions still use them."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

FORMER = {
    "rise": "warmup",
    "fall": "decay",
    "changes": "transforms",
    "wiring": "architecture",
    "networks": "architecture",
}
"""Former name -> current name, of fields of the built-in systems' `Config`."""


def current_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings under their current names. Raises TypeError or ValueError for anything but a mapping."""
    return {FORMER.get(name, name): value for name, value in dict(settings).items()}


def current_options(words: Sequence[str]) -> list[str]:
    """A command line with current option names: --rise 0 -> --warmup 0. Each replacement is reported on stderr."""
    return [_current_option(word) for word in words]


def _current_option(word: str) -> str:
    option, equals, value = word.partition("=")
    name = FORMER.get(option.removeprefix("--")) if option.startswith("--") else None
    if name is None:
        return word
    sys.stderr.write(f"condgen: {option} is now --{name}.\n")
    return f"--{name}{equals}{value}"
