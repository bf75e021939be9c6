"""Chooses among several data sets in one folder: what --exclude leaves out, and the question which one is meant."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from posixpath import basename
from shlex import quote

from condgen.data.store import shown
from condgen.data_options import DataOptions
from condgen.errors import Question

MOST = 8
"""Maximum number of answers that a question lists."""


def kept(names: Iterable[str], options: DataOptions) -> list[str]:
    """The files that --exclude does not leave out."""
    patterns = [pattern.strip().rstrip("/") for pattern in (options.exclude or "").split(",") if pattern.strip()]
    return [name for name in names if not any(_matches(name, pattern) for pattern in patterns)]


def which(where: str, sets: Sequence[str]) -> Question:
    """The question which of several data sets is meant. sets: the beginnings of the paths of their files."""
    some = list(sets)[:MOST]
    return Question(
        f"{where!r} holds {len(sets)} data sets: {', '.join(shown(name) for name in some)}; which one?",
        [f"--exclude {quote(all_but(name, sets))}" for name in some],
    )


def all_but(wanted: str, sets: Sequence[str]) -> str:
    """Patterns, as short as possible, that match the files of all sets but one."""
    patterns = []
    for name in sets:
        if name == wanted:
            continue
        same = next((i for i in range(len(name)) if not wanted.startswith(name[: i + 1])), len(name))
        patterns.append(f"{name[: same + 1]}*" if same < len(name) else f"{name}[!{wanted[len(name)]}]*")
    return ",".join(dict.fromkeys(patterns))


def _matches(name: str, pattern: str) -> bool:
    """Whether a pattern matches the path, its last part, or a folder that it is in."""
    folders = name.split("/")[:-1]
    return (
        fnmatch(name, pattern)
        or fnmatch(basename(name), pattern)
        or any(fnmatch(folder, pattern) for folder in folders)
        or any(fnmatch("/".join(folders[: i + 1]), pattern) for i in range(len(folders)))
    )
