"""Joins several tables by the images that they name: one per split, or labels, splits and boxes apart.

A row of the result is a row of one table, with the cells that other tables have for the same image.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from posixpath import dirname, normpath
from typing import NamedTuple

from condgen.data.columns import Column, is_blank, plain, splits_of
from condgen.data.image_names import Resolved, tidy
from condgen.data.listing import part_of
from condgen.data.table_text import Sheet
from condgen.data.words import split_in_path


class Named(NamedTuple):
    """A table that names images."""

    sheet: Sheet
    file: str
    """The column of the image files."""
    found: Resolved
    folder: str = ""
    """The folder that the names of missing images are in."""

    @property
    def images(self) -> list[str]:
        """The image of each row, and for a missing one where it should be."""
        texts = self.sheet.column(self.file)
        return [
            image or normpath(f"{self.folder}/{tidy(text)}".lstrip("/"))
            for image, text in zip(self.found.images, texts, strict=True)
        ]

    @property
    def others(self) -> list[str]:
        return [name for name in self.sheet.columns if name != self.file]

    @property
    def split(self) -> str | None:
        """The split that the table, or its folder, is called after."""
        return split_in_path(self.sheet.name)


@dataclass
class Frame:
    """Rows of images with their cells, of one or several tables."""

    images: list[str] = field(default_factory=list)
    where: list[tuple[str, int]] = field(default_factory=list)
    """Table and line of each row."""
    columns: dict[str, list[str]] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    """The table of each column."""
    parts: list[str | None] = field(default_factory=list)
    clashes: dict[str, Counter[tuple[str, str]]] = field(default_factory=lambda: defaultdict(Counter))
    """Per column, pairs of tables that have other values for one image, and for how many."""
    in_two: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Images that are in two splits, with the two tables."""

    @cached_property
    def splits(self) -> "Splits":
        return splits(self)

    @cached_property
    def columns_of_labels(self) -> list[Column]:
        """The columns that may be labels: those that are no splits."""
        return [Column(name, cells) for name, cells in self.columns.items() if name != self.splits.column]


def joined(tables: Sequence[Named]) -> Frame:
    """The rows of all tables."""
    frame = Frame()
    for table in tables:
        _join(frame, table)
        for name in table.others:
            frame.tables.setdefault(name, table.sheet.name)
    return frame


def _join(frame: Frame, table: Named) -> None:
    """Add the cells of a table to the rows of its images, and rows for images that are not there yet."""
    sheet, count = table.sheet, len(frame.images)
    images = table.images
    rows_of = defaultdict[str, list[int]](list)
    for row, image in enumerate(frame.images):
        rows_of[image].append(row)
    new = [row for row, image in enumerate(images) if image not in rows_of]
    frame.images += [images[row] for row in new]
    frame.where += [(sheet.name, sheet.lines[row]) for row in new]
    split = table.split
    frame.parts += [split] * len(new)
    cells_of = dict(zip(sheet.columns, zip(*sheet.rows, strict=True), strict=True))
    for name in table.others:
        cells = cells_of[name] if len(new) == len(images) else [cells_of[name][row] for row in new]
        frame.columns.setdefault(name, [""] * count).extend(cells)
    for column in frame.columns.values():
        column += [""] * (len(frame.images) - len(column))
    if len(new) < len(images):
        old = [(row, rows_of[image]) for row, image in enumerate(images) if image in rows_of]
        for name in table.others:
            _fill(frame, old, name, cells_of[name], sheet.name)
        _place(frame, [row for _, rows in old for row in rows], split, sheet.name)


def _fill(frame: Frame, old: Sequence[tuple[int, Sequence[int]]], name: str, cells: Sequence[str], table: str) -> None:
    """Give the rows of `frame` the cells of another table's rows, where they have none."""
    column = frame.columns[name]
    for at, rows in old:
        cell = cells[at]
        for row in rows:
            if not column[row].strip():
                column[row] = cell
            elif cell != column[row] and cell.strip():
                frame.clashes[name][frame.where[row][0], table] += 1


def _place(frame: Frame, rows: Sequence[int], split: str | None, table: str) -> None:
    for row in rows if split else ():
        if frame.parts[row] is None:
            frame.parts[row] = split
        elif split != frame.parts[row]:
            frame.in_two[frame.images[row]] = (frame.where[row][0], table)


class Splits(NamedTuple):
    """The split of each row, and what says so: a column, or a sentence."""

    parts: list[str | None]
    column: str | None = None
    said: str = ""


def splits(frame: Frame) -> Splits:
    """The splits by a column, else by the names of the tables, else by the folders of the images.

    A single split, such as that of a table train.csv alone, is no split, so that test images are held out of it. Raises
    CondgenError for an unknown name in a column `split`.
    """
    for name, cells in frame.columns.items():
        column = Column(name, cells)
        if (parts := splits_of(column)) is not None:
            return Splits([parts[cell] for cell in cells], name)
        if name.strip().lower() == "split":
            for row, cell in enumerate(cells):
                part_of(cell, f"{frame.where[row][0]}, line {frame.where[row][1]}")
    if len(set(frame.parts) - {None}) > 1:
        return Splits(frame.parts, None, "the names of the tables")
    folders = {folder: split_in_path(folder) for folder in {dirname(image) for image in frame.images}}
    if None not in folders.values() and len(set(folders.values())) > 1:
        return Splits([folders[dirname(image)] for image in frame.images], None, "the folders of the images")
    return Splits([None] * len(frame.images))


def united(frame: Frame, column: Column) -> Column:
    """The column with all values of an image, as a list, in each of its rows."""
    values = defaultdict[str, dict[str, None]](dict)
    for image, cell in zip(frame.images, column.cells, strict=True):
        if not is_blank(cell):
            values[image][plain(cell)] = None
    cells = [json.dumps(list(values[image]), ensure_ascii=False) if values[image] else "" for image in frame.images]
    return Column(column.name, cells)


def repeated(frame: Frame, columns: Sequence[Column]) -> tuple[list[int], int, Mapping[str, tuple[int, int]]]:
    """The first row of each image; the number of equal rows after it; and per image with other labels, two rows."""
    first: dict[str, int] = {}
    again, conflicts = 0, dict[str, tuple[int, int]]()
    for row, image in enumerate(frame.images):
        if (earlier := first.setdefault(image, row)) != row:
            if all(column.cells[row].strip() == column.cells[earlier].strip() for column in columns):
                again += 1
            else:
                conflicts.setdefault(image, (earlier, row))
    return list(first.values()), again, conflicts
