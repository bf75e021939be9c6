"""Which files of a folder or an archive are data: not hidden ones, those that condgen wrote, or excluded ones."""

from collections.abc import Callable, Collection, Iterator, Sequence
from fnmatch import fnmatchcase
from posixpath import basename, dirname
from typing import NamedTuple

from condgen import marker
from condgen.marker import Mark, Note

BESIDE = (".csv", ".tsv", ".json", ".jsonl", ".txt", ".npz", ".parquet", "-ubyte", ".gz")
HIDDEN = {
    "__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r",  # macOS and Windows
    "$recycle.bin", "recycler", "system volume information", "lost+found",
    "@eadir", "#recycle", "@recycle", "#snapshot", "@tmp", "@synoresource",  # storage of Synology and QNAP
    "network trash folder", "temporary items", "__pycache__",
}  # fmt: skip
"""Names, in lower case, of files and folders that operating systems and servers create beside those of the user."""
CACHE = "CACHEDIR.TAG"
"""A file that marks a folder as a cache of another program (bford.info/cachedir). Such folders are skipped."""


class Found(NamedTuple):
    """Files found in a folder: their names, those that are not read, those that condgen wrote, and those excluded."""

    names: list[str]
    odd: dict[str, str]
    own: dict[str, str]
    excluded: list[str]

    def without(self, exclude: str) -> "Found":
        """Leave out the files that --exclude names."""
        patterns = patterns_in(exclude)
        gone = {name for name in self.names if patterns and is_excluded(name, patterns)}
        odd = {name: why for name, why in self.odd.items() if not (patterns and is_excluded(name, patterns))}
        return self._replace(names=[name for name in self.names if name not in gone], odd=odd, excluded=sorted(gone))

    @property
    def total(self) -> int:
        return len(self.names) + len(self.odd) + len(self.own)


def writer_of(there: Collection[str], mark: Callable[[], Mark | None]) -> str:
    """What wrote a folder that contains these file names: a condgen command or "a cache"; '' if it is the user's."""
    if marker.FILE in there:
        found = mark()
        return found.wrote if found else "condgen"
    return "a cache" if CACHE in there else ""


def is_under(name: str, folders: Collection[str]) -> bool:
    """Whether a path is one of these folders, or inside one."""
    while name:
        if name in folders:
            return True
        name = dirname(name)
    return False


def without_loose(found: Found, note: Callable[[str], Note | None]) -> Found:
    """Leave out grids and generated images in folders that contain class folders: there, an image without a class would
    be an error. Images by condgen inside a class folder are detected later, when all images are surveyed."""
    folders = {dirname(name) for name in found.names}
    above = {parent for folder in folders for parent in parents(folder)}
    loose = (name for name in found.names if name.lower().endswith(marker.ENDINGS) and dirname(name) in above)
    own = {name: said.wrote for name in loose if (said := note(name))}
    return found._replace(names=[name for name in found.names if name not in own], own=found.own | own)


def patterns_in(exclude: str | None) -> list[str]:
    """The names and patterns that --exclude lists."""
    return [word.strip().removesuffix("/") for word in (exclude or "").split(",") if word.strip()]


def is_excluded(name: str, patterns: Sequence[str]) -> bool:
    """Whether a file, or a folder around it, has one of these names or paths. * and ? match parts of a name; a path is
    relative to the source, and /images is the folder at its top."""
    paths = [name, *filter(None, parents(name))] if patterns else []
    return any(
        fnmatchcase(path if "/" in pattern else basename(path), pattern.strip("/"))
        for path in paths
        for pattern in patterns
    )


def parents(folder: str) -> Iterator[str]:
    while folder:
        folder = dirname(folder)
        yield folder


def is_hidden(name: str) -> bool:
    """Whether a file is hidden, or one that operating systems create."""
    return name.startswith(".") or name.lower() in HIDDEN


def wrapper_of(names: list[str]) -> str:
    """The single top-level folder, with a slash, if a table or similar file directly in it shows that it was zipped as
    a whole; else ''."""
    top = {name.split("/")[0] for name in names}
    inside = [name.split("/")[1] for name in names if name.count("/") == 1]
    return f"{top.pop()}/" if len(top) == 1 and any(name.endswith(BESIDE) for name in inside) else ""
