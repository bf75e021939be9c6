"""manifest.json: name, size and SHA-256 of every file of an exported folder. Needs no torch."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from condgen import disk
from condgen.sharing import strict
from condgen.sharing.strict import Refused

NAME = "manifest.json"
PROSE = "README.md"
"""Its content is not verified: users may edit it, and condgen does not read it."""
FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
MOST = 32
"""Maximum number of files in an exported folder."""


def write(folder: Path) -> None:
    """Write the manifest of all files in the folder, except those whose names begin with a dot."""
    files = (path for path in sorted(folder.iterdir()) if path.name != NAME and not path.name.startswith("."))
    disk.write_json(folder / NAME, {path.name: _entry(path) for path in files})


def check(folder: Path, largest: int, only: Iterable[str] | None = None) -> None:
    """Raise Refused unless the folder contains exactly the files of its manifest, unchanged.

    Names that begin with a dot are ignored, because git and the hub use them for their own files.

    largest: maximum size of a file in bytes; a larger one is refused without reading it.
    only: names of the files to check, in a folder with other files, such as the hub's cache.
    """
    entries, present = listed(folder), sorted(only) if only else _names(folder)
    for name in sorted({*present, *(() if only else entries)}):
        path = folder / name
        if name not in entries:
            raise Refused(f"{str(folder)!r} contains {name[:100]!r}, which its {NAME} does not list; remove it.")
        if not path.is_file():
            raise Refused(f"{str(folder)!r} lacks {name!r}, which its {NAME} lists; export it again.")
        if name == PROSE:
            continue
        length = path.stat().st_size
        if length > largest:
            raise Refused(f"{str(path)!r} has {length:,} bytes, far more than the network of its card needs.")
        if length != entries[name]["bytes"] or disk.sha256(path) != entries[name]["sha256"]:
            raise Refused(f"{str(path)!r} is damaged: it differs from {NAME}; export or download it again.")


def _entry(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": disk.sha256(path)}


def _names(folder: Path) -> list[str]:
    names: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(".") and entry.name != NAME:
                names.append(entry.name)
            if len(names) > MOST:
                raise Refused(f"{str(folder)!r} has more than {MOST} files; an exported folder has a few.")
    return names


def listed(folder: Path) -> dict[str, dict[str, Any]]:
    """The manifest of a folder: name -> bytes and sha256. Raises Refused if it is missing or invalid."""
    path = folder / NAME
    if not path.exists():
        raise Refused(f"{str(path.parent)!r} is not an exported folder: it has no {NAME}.")
    found = strict.read(path)
    if not isinstance(found, dict) or len(found) > MOST or not all(_is_entry(*pair) for pair in found.items()):
        raise Refused(f"{str(path)!r} is not a list of names with bytes and sha256.")
    if len({name.casefold() for name in found}) < len(found):
        raise Refused(f"{str(path)!r} has two names that differ only in case.")
    return found


def _is_entry(name: str, entry: Any) -> bool:
    return (
        FILE.fullmatch(name) is not None
        and isinstance(entry, dict)
        and entry.keys() == {"bytes", "sha256"}
        and type(entry["bytes"]) is int
        and isinstance(entry["sha256"], str)
    )
