"""Finds the image files that a table names.

A name in a table may lack its ending or its folder, begin with folders of another machine, or use backslashes. An image
is found by the longest common end of both paths; what was changed is counted, and what is ambiguous is returned.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from posixpath import basename, dirname, normpath
from typing import NamedTuple

from condgen.data.file_kinds import IMAGES, OTHERS, UNREADABLE
from condgen.data.words import split_in_path


class Resolved(NamedTuple):
    """The image of each name in a table, or None where there is none."""

    images: list[str | None]
    changes: Counter[str]
    """What was changed to find the images, in words, and for how many."""
    tied: list[tuple[str, Sequence[str]]]
    """Names that fit several images, with these."""


def images_among(names: Iterable[str], root: str = "") -> list[str]:
    """The files in the folder `root` that may be images."""
    inside = f"{root.strip('/')}/" if root.strip("/. ") else ""
    return [name for name in names if name.startswith(inside) and not name.lower().endswith(OTHERS)]


def stem(name: str) -> str:
    """The name of a file without its folder and without an ending of images, for comparing."""
    last = name.rpartition("/")[2]
    last = (last if last.isascii() else unicodedata.normalize("NFC", last)).casefold().removesuffix(".gz")
    first, dot, ending = last.rpartition(".")
    return first if first and dot + ending in IMAGES | UNREADABLE else last


def tidy(text: str) -> str:
    """A path as written in a table, relative and with slashes."""
    path = re.sub(r"^(file:/+|[A-Za-z]:)", "", text.strip()).replace("\\", "/")
    return normpath(path.lstrip("/")) if path.strip("/") else ""


class ImageNames:
    """The image files of a store, to be found by the names in tables."""

    def __init__(self, names: Sequence[str], root: str = "") -> None:
        self.names, self.root = names, root.strip("/")

    def find(self, text: str, home: str = "") -> Sequence[str]:
        """The images that `text`, in a table in the folder `home`, may mean: usually one or none."""
        if not (path := tidy(text)):
            return ()
        for folder in dict.fromkeys((self.root, home, "")):
            if (whole := normpath(f"{folder}/{path}".lstrip("/"))) in self._exact:
                return (whole,)
        return self._nearest(path)

    def resolve(self, texts: Sequence[str], home: str = "", split: str | None = None) -> Resolved:
        """Find many. Of several images, those below the table's folder or of its split are preferred."""
        found: list[str | None] = []
        tied: dict[int, Sequence[str]] = {}
        around = ("", "")  # what the last image's name has before and after the text, which is mostly the same for all
        for text in texts:
            likely = f"{around[0]}{text}{around[1]}"
            some = (likely,) if self._is_distinct and likely in self._exact else self.find(text, home)
            if len(some) > 1:
                tied[len(found)] = some = self._preferred(some, home, split)
            found.append(some[0] if len(some) == 1 else None)
            if found[-1] and found[-1] != likely and text and text in found[-1]:
                around = _around(text, found[-1])
        self._settle(texts, found, {row: some for row, some in tied.items() if len(some) > 1})
        left = [(texts[row], some) for row, some in tied.items() if found[row] is None]
        return Resolved(found, _changes(texts, found, home), left)

    @cached_property
    def _exact(self) -> set[str]:
        return set(self.names)

    @cached_property
    def _is_distinct(self) -> bool:
        """Whether no two images have one name in different folders or formats."""
        return len(self._by_stem) == len(self.names)

    @cached_property
    def _by_stem(self) -> Mapping[str, list[str]]:
        found = defaultdict[str, list[str]](list)
        for name in self.names:
            found[stem(name)].append(name)
        return found

    @cached_property
    def _by_number(self) -> Mapping[int, list[str]]:
        """Images whose names are numbers. Spreadsheets drop the zeros before a number."""
        found = defaultdict[int, list[str]](list)
        for key, names in self._by_stem.items():
            if key.isascii() and key.isdigit() and len(key) < 19:
                found[int(key)] += names
        return found

    def _nearest(self, path: str) -> Sequence[str]:
        some = self._by_stem.get(stem(path)) or self._by_stem.get(basename(path).casefold()) or []
        if not some and (word := re.sub(r"\.0$", "", basename(path))).isascii() and word.isdigit() and len(word) < 19:
            some = self._by_number.get(int(word), [])
        scored = [(_likeness(path, name), name) for name in some]
        best = max((score for score, _ in scored), default=None)
        near = [name for score, name in scored if score == best]
        if best is None or best[0] or (len(near) == 1 and not _of_other_split(path, near[0])):
            return near
        return ()

    def _preferred(self, some: Sequence[str], home: str, split: str | None) -> Sequence[str]:
        below = [name for name in some if home and name.startswith(f"{home}/")] or some
        return [name for name in below if split and split_in_path(dirname(name)) == split] or below

    def _settle(self, texts: Sequence[str], found: list[str | None], tied: Mapping[int, Sequence[str]]) -> None:
        """Where names fit images in several folders, take the folder that has the most of them."""
        votes = Counter(key for row, some in tied.items() for name in some for key in [_place(name)])
        votes.update(_place(name) for name in found if name and tied)
        for row, some in tied.items():
            (first, most), *others = Counter({name: votes[_place(name)] for name in some}).most_common(2)
            if not others or others[0][1] < most:
                found[row] = first


def places(tied: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """The folders among which an image could not be chosen; if they are one folder, the endings, as "*.png"."""
    _, some = tied[0]
    folders = sorted({dirname(name) for name in some})
    return folders if len(folders) > 1 else sorted({f"*.{name.rsplit('.', 1)[-1]}" for name in some})


def _place(name: str) -> str:
    return f"{dirname(name)}/*.{name.rsplit('.', 1)[-1]}"


def _likeness(path: str, name: str) -> tuple[bool, int, bool]:
    """Whether one path is the end of the other, how many parts are equal from the end, and whether the file name is."""
    ours, theirs = ([part for part in p.split("/") if part not in ("..", ".")] for p in (path, name))
    equal = 1
    while equal < min(len(ours), len(theirs)) and ours[-equal - 1].casefold() == theirs[-equal - 1].casefold():
        equal += 1
    return equal == min(len(ours), len(theirs)), equal, ours[-1] == theirs[-1]


def _of_other_split(path: str, name: str) -> bool:
    mine, theirs = split_in_path(dirname(path)), split_in_path(dirname(name))
    return bool(mine and theirs and mine != theirs)


def _around(text: str, name: str) -> tuple[str, str]:
    before, _, after = name.rpartition(text)
    return before, after


def _changes(texts: Sequence[str], found: Sequence[str | None], home: str) -> Counter[str]:
    """What was done to each name, in words, and how often."""
    changes = Counter[str]()
    known: dict[tuple[str, str], Sequence[str]] = {}
    for text, name in zip(texts, found, strict=True):
        if name is None or name == text or name == f"{home}/{text}":
            continue
        key = _around(text, name) if text and text in name else None
        said = known.get(key) if key else None
        if said is None:
            said = _changed(text, name, home)
            known |= {key: said} if key else {}
        changes.update(said)
    return changes


def _changed(text: str, name: str, home: str) -> list[str]:
    path, said = tidy(text), list[str]()
    if stem(path) == basename(path).casefold() and "." in basename(name) and basename(path) != basename(name):
        said.append(f".{name.rsplit('.', 1)[-1]} is added")
    elif basename(path) != basename(name):
        said.append("endings or spellings differ")
    if "\\" in text:
        said.append("backslashes are read as slashes")
    if name.count("/") > path.count("/") and name != f"{home}/{path}":
        said.append(f"inside {dirname(name).removesuffix('/' + dirname(path))}/")
    elif name.count("/") < path.count("/"):
        said.append("found by the last parts of their paths")
    return said
