"""Systems from other packages, found by the entry-point group `condgen.systems` or named as module:Class.

A card alone never causes an import of code. A system that is not built in has to be installed under the entry-point
group, have been named in an earlier train command on this machine, or be listed in $CONDGEN_SYSTEMS (separated by
commas).
"""

import json
import os
import re
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pkgutil import resolve_name
from typing import Any

from condgen import disk
from condgen.errors import CondgenError

GROUP = "condgen.systems"
VARIABLE = "CONDGEN_SYSTEMS"
PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def is_path(name: str) -> bool:
    """Whether a system is named as module:Class."""
    return PATH.fullmatch(name) is not None


@cache
def installed() -> dict[str, EntryPoint]:
    """The systems of installed packages, by name. They are not imported yet."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def resolved(path: str) -> Any:
    """Import the object that module:Class names. Raises CondgenError if that fails."""
    try:
        return resolve_name(path)
    except (ImportError, AttributeError, ValueError) as error:
        module = path.partition(":")[0]
        raise CondgenError(
            f"cannot import the system {path!r}: {error}. Is {module.partition('.')[0]!r} installed, or its folder in "
            "$PYTHONPATH?"
        ) from None


def remember(path: str) -> None:
    """Record that the user has named module:Class in a train command, so that its runs may import it from now on."""
    chosen = _remembered()
    if path not in chosen:
        disk.write_json(_file(), sorted({*chosen, path}))


def check_chosen(path: str) -> None:
    """Raise CondgenError unless the user has chosen module:Class. A card alone never causes an import."""
    if path not in {*_remembered(), *os.environ.get(VARIABLE, "").split(",")}:
        raise CondgenError(
            f"its system {path!r} is not part of condgen, and a card alone imports no code. If you trust this system, "
            f"install its package and set {VARIABLE}={path}."
        )


def _remembered() -> set[str]:
    try:
        found = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    return {path for path in found if isinstance(path, str)} if isinstance(found, list) else set()


def _file() -> Any:
    return disk.cache() / "systems.json"
