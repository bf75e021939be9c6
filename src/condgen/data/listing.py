"""The image files of a data set before any is opened: their names, labels and splits.

A layout is one module of this package with two functions:

    fits(store, options) -> bool       whether these files have this layout
    read(store, options) -> Listing    (a source of arrays returns a Dataset directly)
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from condgen.data.classes import few_enough
from condgen.data.dataset import Dataset, Split, Structure
from condgen.data.store import Images, shown
from condgen.data.words import split_of
from condgen.errors import CondgenError
from condgen.labels import ANY, UNKNOWN, Labels

ON, OFF = ("1", "true", "yes"), ("0", "-1", "false", "no")
MISSING = ("", "nan", "na", "n/a", "null", "none", "?")
"""Values that mean that an attribute is unknown."""


@dataclass(frozen=True)
class Listing:
    """Names, labels and splits of images, in the order of their source."""

    name: str
    store: Images
    images: Sequence[str]
    """Names that `store.read` accepts."""
    labels: Labels
    values: NDArray[np.int64]
    """(n,) class numbers, or (n, K) attributes of 0, 1 and UNKNOWN."""
    parts: Sequence[str | None]
    """The split of each image: train, test or validation; None if the source does not specify it."""
    odd: Mapping[str, str] = field(default_factory=dict)
    """Files that were skipped, with the reason."""
    size: int | None = None
    """Side of the square that these images are usually scaled to; None if there is no such convention."""
    ignored: Mapping[str, str] = field(default_factory=dict)
    """Files that are no labelled images, and were left out, with the reason. Unlike `odd`, they are no defects."""
    own: Mapping[str, str] = field(default_factory=dict)
    """Files that were left out because condgen wrote them, with the command that wrote them."""
    remarks: tuple[str, ...] = ()
    """What a user should know about how the data were read, one sentence each."""
    structure: Structure = ()
    """How the source was understood."""
    layout: str = ""
    """The layout that the source has, one of `data.LAYOUTS`."""
    generated: bool = False
    """Whether condgen wrote the whole source as data."""

    def only(self, rows: Sequence[int], own: Mapping[str, str]) -> "Listing":
        """Select images by row. Classes without remaining images are removed, and `own` is added to `self.own`."""
        values, labels = self.values[list(rows)], self.labels
        if labels.kind == "classes":
            lost = set(self.values.tolist()) - set(values.tolist())
            kept = [number for number in range(len(labels)) if number not in lost]
            values = np.searchsorted(kept, values).astype(np.int64)
            labels = Labels(tuple(labels.names[number] for number in kept))
        return replace(
            self,
            images=[self.images[row] for row in rows],
            parts=[self.parts[row] for row in rows],
            labels=labels,
            values=values,
            own={**self.own, **own},
        )


def listing(
    store: Images,
    rows: Iterable[tuple[str, str | None, str]],
    name: str | None = None,
    names: Sequence[str] | None = None,
) -> Listing:
    """A listing of images with one class each, given as (image, split, class name).

    names: class names in order, if the source defines them. Default: numbers in ascending order, words by code point.
    """
    images, parts, words = zip(*rows, strict=True) if (rows := list(rows)) else ((), (), ())
    if not images:
        raise CondgenError(f"{str(store.path)!r} holds no images.")
    labels = Labels(few_enough(tuple(names or in_order(set(words))), str(store.path)))
    numbers = {word: number for number, word in enumerate(labels.names)}
    if strange := next((word for word in words if word not in numbers), None):
        raise CondgenError(f"{str(store.path)!r}: label {strange!r} is not among the {len(labels):,} classes it names.")
    values = np.array([numbers[word] for word in words], np.int64)
    return Listing(name or store.path.stem, store, images, labels, values, parts, store.odd)


def without_labels(data: "Listing | Dataset") -> "Listing | Dataset":
    """The same images without their labels: all have the one class of `labels.ANY`."""
    if isinstance(data, Listing):
        return replace(data, labels=ANY, values=np.zeros(len(data.images), np.int64))
    splits = {name: Split(split.images, np.zeros(len(split), np.int64)) for name, split in data.splits.items()}
    return replace(data, labels=ANY, train=splits["train"], test=splits.get("test"))


def in_order(words: Iterable[str]) -> list[str]:
    """Validated class names in the same order on every machine: numbers in ascending order, words by code point."""
    words = sorted(words)
    for word in words:
        if not word.isprintable() or not word.strip():
            raise CondgenError(f"a class is named {shown(word)}, which cannot be printed; rename it.")
    normal = {unicodedata.normalize("NFC", word): word for word in words}
    if len(normal) < len(words):
        twin = next(word for word in words if word not in normal.values())
        raise CondgenError(f"two classes are named {twin!r} in different Unicode spellings; rename one.")
    return sorted(words, key=int) if all(re.fullmatch("[0-9]+", word) for word in words) else words


def attribute(text: str, where: str) -> int:
    """Parse one attribute value of a table: 1, 0 or UNKNOWN. Raises CondgenError for any other text."""
    word = text.strip().lower()
    if word in MISSING:
        return UNKNOWN
    if word not in ON + OFF:
        raise CondgenError(f"{where}: wanted 1 or 0 (or -1), or nothing where it is not known, found {text[:40]!r}.")
    return int(word in ON)


def part_of(word: str | None, where: str) -> str | None:
    """The split with this name, such as "val" for validation; None without a name. Raises CondgenError if unknown."""
    if word is None or not word.strip():
        return None
    if (split := split_of(word)) is None:
        raise CondgenError(f"{where}: split {word!r}; wanted train, validation or test.")
    return split
