"""Chooses the columns of labels in a typed table (Parquet, Arrow), and converts their values to a `Listing`.

A column with class names of its own (ClassLabel) decides, else one with a usual name, else columns of zeros and ones.
Rows without a label are left out and counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from condgen.data.classes import few_enough
from condgen.data.listing import Listing, in_order, listing, part_of
from condgen.data.raw_arrays import word
from condgen.data.store import Images
from condgen.data_options import DataOptions
from condgen.errors import CondgenError, Question, shortened
from condgen.labels import ANY, UNKNOWN, Labels

CLASSES = ("label", "labels", "class", "class_name", "category", "target", "y")
PARTS = ("split", "partition", "part", "subset")
"""Usual names of the columns of the class and of the split."""
MOST = 8
"""Maximum number of columns that a question lists."""


@dataclass(frozen=True)
class Column:
    """A column beside the images. names: class names in the order of their numbers, if the table defines them."""

    name: str
    kind: Literal["number", "text", "list", "other"]
    names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Choice:
    """The columns that are read: one of classes or of lists, or several of attributes."""

    labels: tuple[Column, ...]
    part: str | None
    unused: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.labels] + ([self.part] if self.part else [])


@dataclass(frozen=True)
class Rows:
    """The rows of a table: the source of their images, the names of these, and their splits."""

    images: Images
    names: Sequence[str]
    parts: Sequence[str | None]

    @property
    def where(self) -> str:
        return str(self.images.path)

    def listing(self, labels: Labels, values: NDArray[np.int64]) -> Listing:
        images = self.images
        return Listing(images.path.stem, images, list(self.names), labels, values, list(self.parts), images.odd)


def choose(columns: Sequence[Column], options: DataOptions, where: str) -> Choice:
    """The columns of labels, and of the split. Raises Question if they are not clear."""
    part = next((column.name for column in columns if column.name.lower() in PARTS and not column.names), None)
    rest = [column for column in columns if column.name != part]
    if options.label_column:
        part = None if part in options.label_column.split(",") else part
        found = _named(options.label_column, columns, where)
    else:
        found = [] if options.kind == "none" else _usual(rest, options, where)
    unused = tuple(column.name for column in columns if column not in found and column.name != part)
    return Choice(tuple(found), part, unused)


def labelled(
    images: Images,
    rows: Sequence[str],
    cells: Mapping[str, Sequence[Any]],
    choice: Choice,
    parts: Sequence[str | None],
    options: DataOptions,
) -> Listing:
    """A listing of images. cells: the values of the chosen columns, one per row."""
    where = str(images.path)
    if not rows:
        raise CondgenError(f"{where!r}: a table without lines.")
    if choice.part:
        given = cells[choice.part]
        parts = [
            part_of(None if given[i] is None else str(given[i]), f"{where!r}, row {i}") or parts[i]
            for i in range(len(rows))
        ]
    table = Rows(images, rows, parts)
    if not choice.labels:
        return table.listing(ANY, np.zeros(len(rows), np.int64))
    first = choice.labels[0]
    if len(choice.labels) > 1:
        found = _flags(table, cells, choice.labels)
    else:
        found = (_lists if first.kind == "list" else _classes)(table, cells[first.name], first, options)
    use = "an attribute" if found.labels.kind == "attributes" and len(choice.labels) > 1 else f"the {found.labels.kind}"
    structure = [(column.name, use) for column in choice.labels]
    structure += [(choice.part, "the split")] if choice.part else []
    return replace(found, structure=[*structure, *((name, "not used") for name in choice.unused)])


def _named(text: str, columns: Sequence[Column], where: str) -> list[Column]:
    known = {column.name: column for column in columns}
    names = [text] if text in known else [name.strip() for name in text.split(",")]
    if strange := next((name for name in names if name not in known), None):
        raise CondgenError(f"{where}: no column {strange!r}; found {', '.join(known) or 'none'}.")
    return [known[name] for name in names]


def _usual(columns: Sequence[Column], options: DataOptions, where: str) -> list[Column]:
    """The column of classes, or the columns of attributes, that a table most likely means."""
    usual = [column for column in columns if column.name.lower() in CLASSES]
    for some in ([column for column in columns if column.names], [c for c in columns if c.kind != "other"]):
        known = [column for column in some if column in usual] or some
        if len(known) == 1:
            return known
        if len(known) > 1 and some[0].names:
            raise _which(known, where)
    candidates = [column for column in columns if column.kind != "other"]
    if not candidates:
        found = ", ".join(column.name for column in columns) or "none"
        raise Question(f"{where}: images and no column of labels; other columns: {found}.", ["--kind none"])
    if not all(column.kind == "number" for column in candidates):
        raise _which(candidates, where)
    return candidates


def _which(columns: Sequence[Column], where: str) -> Question:
    shown = ", ".join(column.name for column in columns[:MOST])
    doubt = f"{where}: the label may be in column {shown}; which one?"
    return Question(doubt, [f"--label-column {_quoted(column.name)}" for column in columns[:MOST]])


def _quoted(name: str) -> str:
    return name if name.replace("_", "").isalnum() else f"'{name}'"


def _classes(rows: Rows, values: Sequence[Any], column: Column, options: DataOptions) -> Listing:
    words = [_class(value, column, rows.where) for value in values]
    known = [i for i, found in enumerate(words) if found]
    hidden = sum(column.names is not None and value == -1 for value in values)
    if not known:
        reason = "-1, which marks hidden labels of a test set" if hidden else "empty"
        raise CondgenError(f"{rows.where!r}: every {column.name} is {reason}; there is nothing to learn from.")
    _check_texts([str(words[i]) for i in known], column, rows.where)
    if options.kind == "attributes":
        return _flags(rows, {column.name: values}, [column])
    images, names = rows.images, rows.names
    known_rows = ((names[i], rows.parts[i], str(words[i])) for i in known)
    found = listing(images, known_rows, images.path.stem, names=column.names or None)
    lost = len(names) - len(known)
    of_those = f" ({hidden:,} of them are -1, which marks hidden labels)" if hidden else ""
    remark = f"left out of {images.path.stem!r}: {lost:,} of {len(names):,} rows have no {column.name}{of_those}."
    return replace(found, remarks=(*found.remarks, remark)) if lost else found


def _class(value: Any, column: Column, where: str) -> str | None:
    """The name of a class; None if the row has no label."""
    if value is None or value == "" or value != value:  # NaN differs from itself
        return None
    if not column.names:
        return _whole(value, column, where)
    if not isinstance(value, int | np.integer) or not -1 <= value < len(column.names):
        raise CondgenError(f"{where!r}: {column.name} {value!r} is not among the {len(column.names)} classes it names.")
    return None if value == -1 else column.names[int(value)]


def _whole(value: Any, column: Column, where: str) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and not value.is_integer():
        doubt = f"{where!r}: {column.name} has fractions, such as {value}: measurements, not classes."
        raise Question(doubt, ["--kind none"])
    return str(int(value)) if isinstance(value, float) else word(value)


def _check_texts(words: Sequence[str], column: Column, where: str) -> None:
    """Raise Question if the texts are sentences about single images, and not names of classes."""
    different = set(words)
    if 2 * len(different) > len(words) and 2 * sum(len(text.split()) > 2 for text in different) > len(different):
        doubt = f"{where!r}: {column.name} holds captions, such as {shortened(min(different))!r}, and not classes."
        raise Question(doubt, ["--kind none"])


def _lists(rows: Rows, values: Sequence[Any], column: Column, options: DataOptions) -> Listing:
    """Several labels per image are attributes; exactly one for each image is a class."""
    plain = replace(column, kind="number")
    said = [[name for item in value or () if (name := _class(item, plain, rows.where))] for value in values]
    if all(len(some) == 1 for some in said) and options.kind != "attributes":
        return _classes(rows, [value[0] for value in values], plain, options)
    if options.kind == "classes":
        several = next(i for i, some in enumerate(said) if len(some) != 1)
        raise CondgenError(
            f"{rows.where!r}: {column.name} of row {several} has {len(said[several])} labels: no classes."
        )
    names = few_enough(column.names or tuple(in_order({item for some in said for item in some})), rows.where)
    numbers = {name: i for i, name in enumerate(names)}
    table = np.zeros((len(said), len(names)), np.int64)
    for row, some in enumerate(said):
        table[row, [numbers[item] for item in some]] = 1
    return rows.listing(Labels(names, "attributes"), table)


def _flags(rows: Rows, cells: Mapping[str, Sequence[Any]], columns: Sequence[Column]) -> Listing:
    """One attribute per column of zeros and ones."""
    for column in columns:
        if not {value for value in cells[column.name] if value is not None} <= {0, 1, -1}:
            raise _which(columns, rows.where)
    known = Labels(few_enough(tuple(column.name for column in columns), rows.where), "attributes")
    values = [[_flag(value) for value in cells[column.name]] for column in columns]
    table = np.array(values, np.int64).T
    return rows.listing(known, table)


def _flag(value: Any) -> int:
    return UNKNOWN if value is None else int(value == 1)
