"""Bundles ES modules into one script: each module becomes a function that runs once and returns its exports.

It supports only the syntax that src/condgen/page uses and refuses any other: imports of names from "./NAME.js" at the
top of a file, and `export` before a declaration.
"""

import re
from pathlib import Path

IMPORT = re.compile(r'^import \{ ([\w, ]+) \} from "\./([\w-]+\.js)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.MULTILINE)
OTHER = re.compile(r"^(?:import|export)\b.*|\bimport\(.*", re.MULTILINE)


def script(entry: Path) -> str:
    """One script with the module `entry` and all that it imports; each module comes after those it imports.

    Raises ValueError for unsupported import or export syntax.
    """
    done: dict[str, str] = {}
    _add(entry, done)
    return '"use strict";\n' + "\n".join(done.values())


def _add(path: Path, done: dict[str, str]) -> None:
    if path.name in done:
        return
    source = path.read_text(encoding="utf-8")
    for _, needed in IMPORT.findall(source):
        _add(path.parent / needed, done)
    done[path.name] = _wrapped(path.name, source)


def _wrapped(name: str, source: str) -> str:
    exported = EXPORT.findall(source)
    body = IMPORT.sub(lambda found: f"const {{ {found[1]} }} = {_variable(found[2])};\n", EXPORT.sub("", source))
    if other := OTHER.search(body):
        raise ValueError(f"{name} imports or exports in a way that the bundler does not know: {other[0]}")
    return f"const {_variable(name)} = (() => {{\n{body}return {{ {', '.join(exported)} }};\n}})();"


def _variable(name: str) -> str:
    return "module_" + re.sub(r"\W", "_", name)
