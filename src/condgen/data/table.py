"""Reads images and a table of their labels: CSV, TSV or JSON lines.

    file,label          or    file,split,Smiling,Eyeglasses       or    {"file_name": "a.png", "label": "cat"}
    a.png,cat                 a.png,train,1,0
    b.png,dog                 b.png,test,,1                             an empty attribute is unknown

The table is beside the images or, as in Hugging Face's imagefolder, metadata.csv or metadata.jsonl in the folder of
each split. Paths are relative to the table's folder.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from posixpath import dirname, normpath
from typing import Any, NamedTuple

import numpy as np

from condgen.data.classes import few_enough
from condgen.data.listing import SPLITS, Listing, attribute, listing, part_of
from condgen.data.store import Images, Store, text_of
from condgen.data_options import DataOptions
from condgen.errors import CondgenError
from condgen.labels import Labels

ENDINGS = (".csv", ".tsv", ".jsonl")
FILES = ("file", "filename", "file_name", "image", "image_file", "image_id", "path", "img", "picture")
CLASSES = ("label", "labels", "class", "class_name", "category", "target", "y")
PARTS = ("split", "partition", "part", "subset")
"""Usual names of the columns for the image, its class and its split, in lower case. Case is ignored."""


class Row(NamedTuple):
    """One line of a table."""

    where: str
    cells: dict[str, str]


def fits(store: Store, options: DataOptions) -> bool:
    return bool(_tables(store))


def read(store: Store, options: DataOptions) -> Listing:
    rows: dict[str, Row] = {}
    parts: dict[str, str | None] = {}
    for table, column in _tables(store).items():
        for row in _rows(store, table):
            if column not in row.cells:
                raise CondgenError(f"{row.where}: no column {column!r}; found {', '.join(row.cells)}.")
            file = normpath(f"{dirname(table)}/{row.cells.pop(column)}".lstrip("/"))
            if file in rows:
                raise CondgenError(f"{row.where}: {file!r} stands in {rows[file].where} already.")
            split = next((row.cells.pop(name) for name in list(row.cells) if name.lower() in PARTS), None)
            rows[file], parts[file] = row, part_of(split or SPLITS.get(dirname(table).lower()), row.where)
    return labelled(store, rows, parts)


def labelled(
    store: Images, rows: Mapping[str, Row], parts: Mapping[str, str | None], names: Sequence[str] | None = None
) -> Listing:
    """A listing of the images. The remaining columns are one column of classes, or one column per attribute.

    names: class names in order, if the source defines them. Raises CondgenError if there are no rows or no label
        columns.
    """
    if not rows:
        raise CondgenError(f"{str(store.path)!r}: a table without lines.")
    first = next(iter(rows.values()))
    columns = list(first.cells)
    classes = next((name for name in columns if name.lower() in CLASSES), columns[0] if len(columns) == 1 else None)
    if classes is not None:
        return listing(store, ((f, parts[f], _class(row, classes)) for f, row in rows.items()), names=names)
    if not columns:
        raise CondgenError(f"{first.where}: a column of images and none of labels.")
    values = [[attribute(_cell(row, name), f"{row.where}, {name}") for name in columns] for row in rows.values()]
    labels = Labels(few_enough(tuple(columns), str(store.path)), "attributes")
    return Listing(
        store.path.stem, store, list(rows), labels, np.array(values, np.int64), list(parts.values()), store.odd
    )


def _tables(store: Store) -> dict[str, str]:
    """The table at the top, or the metadata file in each split's folder, with the name of its image column."""
    found = [name for name in store.names() if name.lower().endswith(ENDINGS)]
    top = {name: column for name in found if "/" not in name and (column := _file_column(store, name))}
    if len(top) > 1:
        raise CondgenError(f"{str(store.path)!r} has tables {', '.join(top)}; name one: --data FOLDER/{min(top)}.")
    inner = [name for name in found if dirname(name).lower() in SPLITS and name.split("/")[-1].startswith("metadata.")]
    return top or {name: column for name in inner if (column := _file_column(store, name))}


def _file_column(store: Store, table: str) -> str | None:
    """The name of the image column, or None. If the user named the table itself, the default is its first column."""
    asked_for = store.names() == [table]
    try:
        columns = _columns(text_of(store, table, f"table {table!r}"), table)
    except CondgenError:
        if asked_for:
            raise
        return None
    usual = next((name for name in columns if name.lower() in FILES), None)
    return usual or (columns[0] if columns and asked_for else None)


def _rows(store: Store, table: str) -> Iterator[Row]:
    text = text_of(store, table, f"table {table!r}")
    lines = _objects(text, table) if table.lower().endswith(".jsonl") else _delimited(text, table)
    return (Row(f"{table}, line {number}", cells) for number, cells in lines)


def _columns(text: str, table: str) -> list[str]:
    """Column names, read from the first line."""
    if table.lower().endswith(".jsonl"):
        return list(next(_objects(text, table), (0, {}))[1])
    return [name.strip() for name in next(_reader(text), [])]


def _objects(text: str, table: str) -> Iterator[tuple[int, dict[str, str]]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                cells = dict(json.loads(line))
            except (ValueError, TypeError):
                raise CondgenError(f"{table}, line {number}: wanted one JSON object, found {line[:40]!r}.") from None
            yield number, {str(name): as_cell(value) for name, value in cells.items()}


def _reader(text: str) -> Any:
    """A CSV reader whose delimiter is the comma, semicolon or tab, whichever is most frequent in the first line."""
    delimiter = max(",;\t", key=text.split("\n", 1)[0].count)
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _delimited(text: str, table: str) -> Iterator[tuple[int, dict[str, str]]]:
    reader = _reader(text)
    try:
        header = [name.strip() for name in next(reader, [])]
        if len(set(header)) < len(header):
            raise CondgenError(f"{table}, line 1: two columns of one name in {', '.join(header)}.")
        for cells in filter(any, reader):
            if len(cells) != len(header):
                raise CondgenError(
                    f"{table}, line {reader.line_num}: {len(cells)} cells where the first line has {len(header)}."
                )
            yield reader.line_num, {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    except csv.Error as error:
        raise CondgenError(f"{table}, line {reader.line_num}: {error}.") from None


def _class(row: Row, column: str) -> str:
    if not (word := _cell(row, column).strip()):
        raise CondgenError(f"{row.where}: no {column}; only attributes may be unknown.")
    return word


def _cell(row: Row, column: str) -> str:
    if column not in row.cells:
        raise CondgenError(f"{row.where}: no {column!r}; found {', '.join(row.cells)}.")
    return row.cells[column]


def as_cell(value: Any) -> str:
    """Convert a value to text, as it would be in a CSV file. Integers of any type are written as integers."""
    whole = isinstance(value, bool) or (isinstance(value, float) and value.is_integer())
    return "" if value is None else str(int(value)) if whole else str(value)
