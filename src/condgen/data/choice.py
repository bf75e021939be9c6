"""Chooses among several data sets in one folder: what --exclude leaves out, and the question which one is meant."""

import io
from collections.abc import Iterable, Sequence
from shlex import quote
from typing import BinaryIO

from condgen.data.found import is_excluded, patterns_in
from condgen.data.store import Bad, Folder, Store, bytes_of, shown
from condgen.data_options import DataOptions
from condgen.errors import CondgenError, Question

MOST = 8
"""Maximum number of answers that a question lists."""


def kept(names: Iterable[str], options: DataOptions) -> list[str]:
    """The arrays of one file that --exclude does not leave out; a store leaves files out itself."""
    patterns = patterns_in(options.exclude)
    return [name for name in names if not is_excluded(name, patterns)]


def opened(store: Store, name: str) -> BinaryIO:
    """A required file, open for reading. In a folder, it may be larger than any image."""
    if isinstance(store, Folder):
        try:
            return store.open(name)
        except (Bad, OSError) as error:
            raise CondgenError(f"{name!r} of {str(store.path)!r} cannot be read: {error}.") from None
    return io.BytesIO(bytes_of(store, name))


def which(where: str, sets: Sequence[str]) -> Question:
    """The question which of several data sets is meant. sets: the beginnings of the paths of their files, such as
    MNIST/raw/ or emnist-letters-."""
    some = list(sets)[:MOST]
    return Question(
        f"{where!r} holds {len(sets)} data sets: {', '.join(shown(name) for name in some)}; which one?",
        [f"--exclude {quote(all_but(name, sets))}" for name in some],
    )


def all_but(wanted: str, sets: Sequence[str]) -> str:
    """Patterns that match the files of all sets but one: the folder in which they differ, or else the shortest
    beginning of their file names. A slash at the beginning stands for the top of the source."""
    patterns = [_pattern(name, wanted) for name in sets if name != wanted]
    return ",".join(dict.fromkeys(pattern if "/" in pattern else f"/{pattern}" for pattern in patterns))


def _pattern(name: str, wanted: str) -> str:
    *folders, base = name.split("/")
    *others, other = wanted.split("/")
    for i, folder in enumerate(folders):
        if others[i : i + 1] != [folder]:
            return "/".join(folders[: i + 1])
    if len(others) > len(folders):
        return "/".join([*folders, f"{base}*"]) if base else "/".join([*folders, f"[!{others[len(folders)][0]}]*"])
    same = next((i for i in range(len(base)) if not other.startswith(base[: i + 1])), len(base))
    end = f"{base[: same + 1]}*" if same < len(base) else f"{base}[!{other[len(base)]}]*"
    return "/".join([*folders, end])
