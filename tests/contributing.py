"""The examples of CONTRIBUTING.md, followed to the letter in a copy of the project."""

import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "CONTRIBUTING.md"
BLOCK = re.compile(r"^```(python|diff)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`((?:src|tests)/[\w/]+\.py|pyproject\.toml)`")
COPIED = ("src", "tests", "tools", "pyproject.toml")


class Block(NamedTuple):
    """A block of code, and the file that the text before it names last."""

    file: str
    language: str
    code: str


def blocks() -> Iterator[Block]:
    text = PAGE.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        yield Block(FILE.findall(text, 0, found.start())[-1], *found.groups())


def own_package() -> dict[str, Any]:
    """The project table of the pyproject.toml that the page shows, of a package beside condgen."""
    (table,) = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    project: dict[str, Any] = tomllib.loads(table)["project"]
    return project


def follow(root: Path, only: str | None = None) -> list[str]:
    """Do what the page says in `root`: write its files, and edit those that are there. Returns their names.

    only: do this for one file alone.
    """
    done: dict[str, None] = {}
    for file, language, code in blocks():
        if only in (None, file):
            path = root / file
            if language == "diff":
                new = edited(path.read_text(encoding="utf-8"), code, file)
            else:
                new = f"{path.read_text(encoding='utf-8')}\n\n{code}" if file in done else code
                assert file in done or not path.exists(), f"{file} exists already"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(new, encoding="utf-8")
            done[file] = None
    return list(done)


def edited(text: str, diff: str, file: str) -> str:
    """The text after an edit. What the edit replaces, or the place that it names, has to be there exactly once."""
    lines = diff.splitlines(keepends=True)
    old, new = ("".join(line[1:] for line in lines if line[0] != sign) for sign in "+-")
    assert text.count(old) == 1, f"{file}: {text.count(old)} places look like this:\n{old}"
    return text.replace(old, new)


def copy_of_the_project(root: Path) -> None:
    """What is needed to use and to test the package. Compiled files come along, which saves seconds."""
    for name in COPIED:
        path = ROOT / name
        shutil.copytree(path, root / name) if path.is_dir() else shutil.copy2(path, root / name)
