"""Folders as a tree with numbers of images, to show what is there and what it was understood to be."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from posixpath import dirname

from condgen.data.file_kinds import IMAGES, UNREADABLE, ending
from condgen.errors import shortened

ARCHIVES = (".zip", ".tar", ".parquet")
DEPTH, CHILDREN, LINES = 4, 8, 40
"""Maximum depth, number of entries in a folder, and number of lines that are shown."""


@dataclass
class Folder:
    """A folder, or a shard, that contains images."""

    name: str
    images: int = 0
    """Number of images in it, including those in its subfolders."""
    other: list[str] = field(default_factory=list)
    """Names of the other files that are directly in it."""
    meaning: str = ""
    """What the folder is understood to be, such as "the class cat"."""
    folders: "dict[str, Folder]" = field(default_factory=dict)

    def at(self, path: str) -> "Folder":
        """The folder at a path, created if it does not exist."""
        found = self
        for name in filter(None, path.split("/")):
            found = found.folders.setdefault(name, Folder(name))
        return found

    def walk(self, path: str = "") -> "Iterator[tuple[str, Folder]]":
        """Every folder with its path, this one first."""
        yield path, self
        for name, folder in self.folders.items():
            yield from folder.walk(f"{path}{name}/")

    def add_images(self, path: str, count: int) -> None:
        """Count images of the folder at a path, in it and in each folder around it."""
        found = self
        found.images += count
        for name in filter(None, path.split("/")):
            found = found.folders.setdefault(name, Folder(name))
            found.images += count


def of_names(names: Iterable[str], top: str) -> Folder:
    """The tree of these files. top: the name of the folder or archive that contains them."""
    root = Folder(top)
    for path, some in groupby(names, dirname):
        files = [name.rpartition("/")[2] for name in some]
        other = [name for name in files if not is_image(name)]
        root.add_images(path, len(files) - len(other))
        root.at(path).other += other
    return root


def is_image(name: str) -> bool:
    """Whether a file is probably an image, according to its name."""
    if kind := ending(name):
        return kind in IMAGES or kind in UNREADABLE
    return any(map(str.isdigit, name))  # IMG_0001, but not LICENSE


def outline(names: Iterable[str], top: str) -> list[str]:
    """The tree of these files as lines of text: folders with numbers of images, and the names of other files."""
    return lines(of_names(names, top))


def lines(root: Folder) -> list[str]:
    """A tree as lines of text, with the first levels and the first entries of each folder."""
    rows = list(_rows(root, 0))
    if len(rows) > LINES:
        rows = [*rows[:LINES], (f"... and {len(rows) - LINES:,} more lines", "")]
    wide = max((len(left) for left, right in rows if right), default=0)
    return [f"{left:{wide}}  {right}".rstrip() for left, right in rows]


def _rows(folder: Folder, depth: int) -> Iterator[tuple[str, str]]:
    """A folder and what is in it: the name, indented, and what is said of it."""
    indent = "  " * depth
    counted = f"{folder.images:,} image{'' if folder.images == 1 else 's'}" if folder.images else "no images"
    slash = "" if folder.name.lower().endswith(ARCHIVES) else "/"
    inner = sorted(folder.folders.values(), key=lambda inner: inner.name)
    direct = folder.images - sum(inside.images for inside in inner)
    here = f"{direct:,} directly in it" if inner and direct else ""
    yield f"{indent}{shortened(folder.name)}{slash}", ", ".join(filter(None, [counted, here, folder.meaning]))
    if inner and depth + 1 >= DEPTH:
        yield f"{indent}  ... {len(inner):,} folders", ""
    elif inner:
        yield from _children(inner, depth + 1)
    if folder.other:
        yield f"{indent}  {_listed(folder.other)}", ""


def _children(folders: Sequence[Folder], depth: int) -> Iterator[tuple[str, str]]:
    for folder in folders[:CHILDREN]:
        yield from _rows(folder, depth)
    if rest := folders[CHILDREN:]:
        yield f"{'  ' * depth}... {len(rest):,} more folders", f"{sum(folder.images for folder in rest):,} images"


def _listed(files: Sequence[str]) -> str:
    """The names of a few files, or their number and endings."""
    if len(files) <= 3:
        return ", ".join(map(shortened, files))
    endings = Counter(name.rpartition(".")[2].lower() for name in files)
    kinds = ", ".join(f"{count:,} .{shortened(ending)}" for ending, count in endings.most_common(3))
    return f"{len(files):,} other files ({kinds}), such as {shortened(files[0])}"
