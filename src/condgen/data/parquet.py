"""Reads Parquet files in the format of the Hugging Face Hub: a column of images {bytes, path}, and columns of labels.

They are read with pyarrow (pip install 'condgen[data]'). The split follows from the file name
(train-00000-of-00001.parquet), class names from the schema's metadata.
"""

import io
import json
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from condgen.data.listing import Listing
from condgen.data.store import Bad, Store
from condgen.data.typed_columns import Column, choose, labelled
from condgen.data.words import split_in_path
from condgen.data_options import DataOptions
from condgen.errors import CondgenError, Question, needs

ENDING = ".parquet"
IMAGES = ("image", "img", "images", "jpg", "png")
"""Usual names of the column of images."""


def fits(store: Store, options: DataOptions) -> bool:
    return bool(_files(store))


def read(store: Store, options: DataOptions) -> Listing:
    files = _files(store)
    tables = {file: _opened(store, file) for file in files}
    first = tables[files[0]].schema_arrow
    image = image_column(first, files[0], options)
    columns = _columns(first, image)
    for file, table in tables.items():
        if strange := {column.name for column in columns} ^ set(table.schema_arrow.names) - {image}:
            raise CondgenError(f"{files[0]!r} and {file!r} have different columns: {', '.join(sorted(strange))}.")
        if _columns(table.schema_arrow, image) != columns:
            raise CondgenError(f"{files[0]!r} and {file!r} have different class names or types of columns.")
    choice = choose(columns, options, str(store.path))
    cells: dict[str, list[Any]] = {name: [] for name in choice.names}
    rows, parts = list[str](), list[str | None]()
    for file, table in tables.items():
        read = table.read(choice.names)
        for name in choice.names:
            cells[name] += read.column(name).to_pylist()
        rows += [f"{file}:{number}" for number in range(table.metadata.num_rows)]
        parts += [split_in_path(file)] * table.metadata.num_rows
    return labelled(Rows(store, options), rows, cells, choice, parts, options)


class Rows:
    """The images in Parquet files, each named FILE:ROW. Each row group is decoded once for all of its rows."""

    def __init__(self, store: Store, options: DataOptions) -> None:
        self.store, self.path, self.odd, self._options = store, store.path, store.odd, options
        self._group: tuple[str, int, int, Any] | None = None

    def read(self, name: str) -> bytes:
        file, _, number = name.rpartition(":")
        first, images = self._group_of(file, int(number))
        return payload(images[int(number) - first].as_py())

    def stamp(self, names: Iterable[str]) -> str:
        return self.store.stamp(sorted({name.rpartition(":")[0] for name in names}))

    def _group_of(self, file: str, number: int) -> tuple[int, Any]:
        if self._group is None or self._group[0] != file or not self._group[1] <= number < self._group[2]:
            table, first = _opened(self.store, file), 0
            column = image_column(table.schema_arrow, file, self._options)
            for group in range(table.num_row_groups):
                rows = table.metadata.row_group(group).num_rows
                if number < first + rows:
                    images = table.read_row_group(group, [column]).column(column)
                    self._group = (file, first, first + rows, images)
                    break
                first += rows
        assert self._group
        return self._group[1], self._group[3]


def payload(cell: Any) -> bytes:
    """The bytes of one image cell, which is a struct {bytes, path} or plain bytes."""
    found = cell.get("bytes") if isinstance(cell, dict) else cell
    if found is None and not cell:
        raise Bad("is empty")
    if not isinstance(found, bytes):
        raise Bad("holds a path and no bytes; embed the images when writing the file")
    return found


def library(name: str) -> Any:
    """Import a library of the extra `data`. Raises CondgenError with the installation command if it is missing."""
    with needs("data"):
        return import_module(name)


def image_column(schema: Any, file: str, options: DataOptions) -> str:
    """The column that contains images, as bytes or as a struct with a field of bytes. Raises Question if there are
    several."""
    there = [str(field.name) for field in schema if _has_bytes(field.type)]
    return one_of(there, schema.names, file, options)


def one_of(there: list[str], all_names: Iterable[str], where: str, options: DataOptions) -> str:
    """The column of images among several."""
    if not there:
        raise CondgenError(f"{where!r} has no column of images (bytes); found {', '.join(all_names)}.")
    wanted = [name for name in there if name == options.file_column] or (
        [] if options.file_column else [name for name in there if name.lower() in IMAGES]
    )
    if len(there) > 1 and len(wanted) != 1:
        doubt = f"{where!r} has several columns of images: {', '.join(there)}; which one?"
        raise Question(doubt, [f"--file-column {name}" for name in there])
    return (wanted or there)[0]


def _files(store: Store) -> list[str]:
    return [name for name in store.names() if name.lower().endswith(ENDING)]


def _opened(store: Store, file: str) -> Any:
    pyarrow = library("pyarrow.parquet")
    try:
        return pyarrow.ParquetFile(Path(store.path, file) if store.path.is_dir() else io.BytesIO(store.read(file)))
    except (Bad, OSError, ValueError) as error:
        raise CondgenError(f"{file!r} of {str(store.path)!r} cannot be read as Parquet: {error}.") from None


def _has_bytes(kind: Any) -> bool:
    types = library("pyarrow").types
    if types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        kind = kind.field("bytes").type
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _columns(schema: Any, image: str) -> list[Column]:
    """The columns beside the images, with the class names that Hugging Face writes into the schema's metadata."""
    features = _features(schema)
    return [
        Column(field.name, _kind(field.type), _class_names(features.get(field.name)))
        for field in schema
        if field.name != image
    ]


def _kind(kind: Any) -> Any:
    types = library("pyarrow").types
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind):
        return "number"
    if types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind):
        return "text"
    if types.is_list(kind) or types.is_large_list(kind):
        return "list" if _kind(kind.value_type) in ("number", "text") else "other"
    return "other"


def _features(schema: Any) -> dict[str, Any]:
    about = (schema.metadata or {}).get(b"huggingface")
    try:
        found = json.loads(about)["info"]["features"] if about else {}
    except (ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _class_names(feature: Any) -> tuple[str, ...] | None:
    """The class names of a ClassLabel, or of a list of them."""
    if not isinstance(feature, dict):
        return None
    if feature.get("_type") == "ClassLabel" and feature.get("names"):
        return tuple(map(str, feature["names"]))
    return _class_names(feature.get("feature")) if feature.get("_type") in ("Sequence", "List", "LargeList") else None
