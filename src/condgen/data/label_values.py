"""Turns columns of a table into classes or attributes, or asks how they are meant."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from condgen.data.classes import few_enough
from condgen.data.columns import GENERIC, YES, Column, is_blank, normal, plain
from condgen.data.dataset import Structure
from condgen.data.label_cells import NOTHING, between_labels, split_cell
from condgen.data.listing import in_order
from condgen.data.merging import named_in
from condgen.data_options import DataOptions
from condgen.errors import CondgenError, Question, shortened
from condgen.labels import UNKNOWN, Labels

FREQUENT = 0.1
"""From this share of the rows on, a word such as "none" may be a class, and is asked about."""


@dataclass(frozen=True)
class Meaning:
    """The labels of the rows of a table."""

    labels: Labels
    values: NDArray[np.int64]
    """(n,) class numbers, -1 for a row without label; or (n, K) attributes of 0, 1 and UNKNOWN."""

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether each row has a label, or a value of any attribute."""
        return self.values >= 0 if self.values.ndim == 1 else (self.values != UNKNOWN).any(1)

    structure: Structure
    """Each column of labels, and what it is."""
    remarks: tuple[str, ...] = ()
    dropped: str = "of which no label is known"
    """Why rows with class -1 have no label, in words that follow a number of images."""


def meaning(columns: Sequence[Column], where: str, options: DataOptions, names: Sequence[str] | None) -> Meaning:
    """The labels in these columns. Raises Question where they can be understood in several ways.

    where: the table, for messages. names: the class names in order, if the source defines them.
    """
    if len(columns) == 1:
        return _of_one(columns[0], where, options, names)
    if all(column.nature in ("flags", "empty") for column in columns):
        return _of_flags(columns, where, options)
    if options.kind == "attributes":
        bad = next(column for column in columns if column.nature not in ("flags", "empty"))
        raise CondgenError(f"{where}: column {bad.name!r} has {_some(bad)}; attributes are 1, 0, or empty if unknown.")
    return _of_several(columns, where, options)


def _of_one(column: Column, where: str, options: DataOptions, names: Sequence[str] | None) -> Meaning:
    if column.nature == "empty":
        raise CondgenError(f"{where}: no row has a value in the column {column.name!r}.")
    if column.nature == "nested":
        raise CondgenError(f"{where}: the values in column {column.name!r} are nested, and no labels.")
    if (options.kind == "attributes" or options.attributes) and column.flags and not names:
        return _attributes([column], where)
    if _is_property(column) and not names and options.kind is None:
        return _with_or_without(column, where)
    if between := between_labels(column, where, options, names):
        return _of_cells(column, where, between)
    if options.kind != "classes" and not names:
        _doubt_classes(column, where)
    return _classes(column, where, options, names)


def _is_property(column: Column) -> bool:
    """Whether a column of yes and no is called after what is present or absent, such as "Hat"."""
    generic = column.is_of_labels or column.is_of_a_subject or normal(column.name) in GENERIC
    return column.nature == "flags" and len(column.flags) > 1 and not generic and not column.name.startswith("column ")


def _with_or_without(column: Column, where: str) -> Meaning:
    """Two classes, such as "not Hat" and "Hat". Rows without a value have no class."""
    found = _attributes([column], where)
    labels = Labels((f"not {column.name}", column.name))
    structure = ((column.name, f"the classes {labels.names[0]!r} and {labels.names[1]!r}"),)
    dropped = f"without a value in column {column.name!r}"
    return Meaning(labels, np.where(found.values == UNKNOWN, -1, found.values)[:, 0], structure, (), dropped)


def _doubt_classes(column: Column, where: str) -> None:
    """Raise an error if the values of a column are hardly classes."""
    values, total = len(column.counts), column.total
    answer = f"--label-column {shlex.quote(column.name)} --kind classes"
    if column.nature == "captions":
        example = shortened(next(iter(column.counts)))
        raise Question(
            f"{where}: column {column.name!r} holds sentences, such as {example!r}: {values:,} different ones in "
            f"{total:,} rows. Generators are conditioned on classes or attributes, so put a column of few labels "
            "beside it; or read the images without labels, or each sentence as a class.",
            ["--kind none", answer],
        )
    if column.nature == "measures":
        low, high = (f"{number:g}" for number in (column.numbers[0], column.numbers[-1]))
        raise Question(
            f"{where}: column {column.name!r} holds {values:,} different numbers from {low} to {high} in {total:,} "
            "rows: they seem to be measurements. Put a column with a few ranges, such as 20-29, beside it; or read "
            "each number as a class.",
            [answer],
        )
    if column.nature == "unique":
        raise Question(
            f"{where}: column {column.name!r} has {values:,} different values in {total:,} rows, such as "
            f"{shortened(next(iter(column.counts)))!r}; these are hardly classes. If they are:",
            [answer],
        )


def _classes(column: Column, where: str, options: DataOptions, names: Sequence[str] | None) -> Meaning:
    """A class per distinct value. Rows without a value have no class."""
    known = {plain(name) for name in names or ()}
    blank = {cell for cell in column.raw if is_blank(cell) and (not cell.strip() or plain(cell) not in known)}
    named = named_in(options.merge)
    kept = {cell for cell in blank if plain(cell) in named}
    _doubt_blanks(column, where, blank - kept)
    if column.numbers[:2] == [-1, 0] and len(column.numbers) > 2 and "-1" not in named and options.kind is None:
        doubt = f"{where}: {column.counts['-1']:,} rows have -1 in column {column.name!r}: a class, or not known?"
        raise Question(doubt, ["--merge=-1=-1", "--merge=-1="])
    word_of = {cell: plain(cell) for cell in column.raw if cell not in blank - kept}
    if names and (strange := next((word for word in word_of.values() if word not in known), None)):
        raise CondgenError(f"{where}: label {strange!r} is not among the {len(names):,} classes it names.")
    labels = Labels(few_enough(tuple(names or in_order(set(word_of.values()))), where))
    number = {plain(name): at for at, name in enumerate(labels.names)}
    of_cell = {cell: number[word_of[cell]] if cell in word_of else -1 for cell in column.raw}
    values = np.array([of_cell[cell] for cell in column.cells], np.int64)
    said = sorted(cell.strip() for cell in blank - kept if cell.strip())
    dropped = f"without a value in column {column.name!r}"
    if said:
        dropped += f" (or with {', '.join(map(repr, said))}; --merge {shlex.quote(f'{said[0]}={said[0]}')} keeps it)"
    return Meaning(labels, values, ((column.name, "the class of each image"),), (), dropped)


def _doubt_blanks(column: Column, where: str, blank: set[str]) -> None:
    """Ask about a word such as "none" that is as frequent as a class."""
    for cell in sorted(blank, key=str.strip):
        word, count = plain(cell), column.raw[cell]
        if word and word.casefold() not in ("nan", "<na>", "nat") and count >= max(2, FREQUENT * len(column.cells)):
            raise Question(
                f"{where}: {count:,} of {len(column.cells):,} rows have {word!r} in column {column.name!r}, which may "
                "be a class, or mean that these images are to be left out.",
                [f"--merge {shlex.quote(f'{word}={word}')}", f"--merge {shlex.quote(f'{word}=')}"],
            )


def _of_several(columns: Sequence[Column], where: str, options: DataOptions) -> Meaning:
    """A class per combination of values, such as "red car"."""
    rows = zip(*(column.cells for column in columns), strict=True)
    cells = ["" if any(map(is_blank, row)) else " ".join(map(plain, row)) for row in rows]
    joined = Column(" and ".join(column.name for column in columns), cells)
    found = _classes(joined, where, options, None)
    structure = [(column.name, "a part of the class of each image") for column in columns]
    example = found.labels.names[0]
    said = f"{where}: the values of {joined.name} together are the class, such as {example!r}."
    return Meaning(found.labels, found.values, structure, (said,), found.dropped)


def _of_flags(columns: Sequence[Column], where: str, options: DataOptions) -> Meaning:
    found = _attributes(columns, where)
    if options.kind == "attributes" or options.attributes:
        return found
    known = found.known
    on = (found.values[known] == 1).sum(1)
    one_each = bool((on == 1).all()) and not (found.values[known] == UNKNOWN).any()
    names = ", ".join(found.labels.names[:3]) + (", ..." if len(columns) > 3 else "")
    if options.kind == "classes" and not one_each:
        row = int(np.argmax(known & (((found.values == 1).sum(1) != 1) | (found.values == UNKNOWN).any(1))))
        raise CondgenError(
            f"{where}: {int((on != 1).sum()):,} of {len(on):,} rows, such as row {row + 1}, do not have exactly one of "
            f"{names}, so these are no classes; leave --kind classes out, or name one column with --label-column."
        )
    if not one_each or (options.kind is None and any("-1" in column.flags for column in columns)):
        return found
    if options.kind is None and len(columns) == 2 and len(on) < 10 and "_classes." not in where:
        raise Question(
            f"{where}: each of {len(on)} rows has exactly one of {names}: are they classes or attributes?",
            ["--kind classes", "--kind attributes"],
        )
    said = f"{where}: each row has exactly one of {names}: they are classes; --kind attributes keeps them apart."
    structure = [(name, "a class, if 1") for name in found.labels.names]
    return Meaning(Labels(found.labels.names), np.where(known, found.values.argmax(1), -1), structure, (said,))


def _attributes(columns: Sequence[Column], where: str) -> Meaning:
    """An attribute per column. If both 0 and -1 occur, -1 means that a value is uncertain, as in CheXpert."""
    seen = set[str]().union(*(column.flags for column in columns))
    uncertain = {"0", "-1"} <= seen
    values = np.full((len(columns[0].cells), len(columns)), UNKNOWN, np.int64)
    unsure = 0
    for at, column in enumerate(columns):
        of_cell = {cell: _flag(cell, uncertain) for cell in column.raw}
        values[:, at] = np.fromiter(map(of_cell.__getitem__, column.cells), np.int8, len(column.cells))
        unsure += column.counts["-1"] if uncertain else 0
    labels = Labels(few_enough(tuple(column.name for column in columns), where), "attributes")
    said = f"{where}: {unsure:,} values are -1 beside 1 and 0: they are read as unknown, as empty ones are."
    structure = [(column.name, "an attribute") for column in columns]
    return Meaning(labels, values, structure, (said,) if unsure else ())


def _flag(cell: str, uncertain: bool) -> int:
    word = plain(cell).casefold()
    if is_blank(word) or (uncertain and word == "-1"):
        return UNKNOWN
    return int(word in YES)


def _of_cells(column: Column, where: str, between: str) -> Meaning:
    """Attributes from several labels per cell. Rows without a value are unknown in all of them."""
    parts = {cell: split_cell(cell, between) for cell in column.raw}
    names = tuple(in_order({word for some in parts.values() for word in some}))
    labels = Labels(few_enough(names, where), "attributes")
    at = {word: number for number, word in enumerate(names)}
    values = np.zeros((len(column.cells), len(names)), np.int64)
    for row, cell in enumerate(column.cells):
        values[row, [at[word] for word in parts[cell]] if parts[cell] else slice(None)] = 1 if parts[cell] else UNKNOWN
    how = {"[": "in a list", " ": "separated by spaces", NOTHING: "one per image"}.get(
        between, f"separated by {between!r}"
    )
    said = f"{where}: column {column.name!r} holds labels {how}; each of the {len(names):,} is an attribute."
    return Meaning(labels, values, ((column.name, f"attributes, {how}"),), (said,))


def _some(column: Column) -> str:
    return f"values such as {shortened(next(iter(column.counts), ''))!r}"
