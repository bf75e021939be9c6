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

from condgen.data.listing import SPLITS, Listing
from condgen.data.store import Bad, Store
from condgen.data.table import Row, as_cell, labelled
from condgen.data_options import DataOptions
from condgen.errors import CondgenError, needs

ENDING = ".parquet"


def fits(store: Store, options: DataOptions) -> bool:
    return any(name.endswith(ENDING) for name in store.names())


def read(store: Store, options: DataOptions) -> Listing:
    rows: dict[str, Row] = {}
    parts: dict[str, str | None] = {}
    names: list[str] | None = None
    for file in (name for name in store.names() if name.endswith(ENDING)):
        table = _opened(store, file)
        column, names = _images(table.schema_arrow, file), _class_names(table.schema_arrow)
        split = next((SPLITS[w] for w in file.split("/")[-1].lower().split(".")[0].split("-") if w in SPLITS), None)
        others = table.read([name for name in table.schema_arrow.names if name != column]).to_pylist()
        for number, cells in enumerate(others):
            image = f"{file}:{number}"
            rows[image] = Row(f"{file}, row {number}", words(cells, names))
            parts[image] = split
    return labelled(Rows(store), rows, parts, names)


class Rows:
    """The images in Parquet files, each named FILE:ROW. Each row group is decoded once for all of its rows."""

    def __init__(self, store: Store) -> None:
        self.store, self.path, self.odd = store, store.path, store.odd
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
            column = _images(table.schema_arrow, file)
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
    if not isinstance(found, bytes):
        raise Bad("holds a path and no bytes; embed the images when writing the file")
    return found


def words(cells: dict[str, Any], names: list[str] | None) -> dict[str, str]:
    """The cells of a row as text, as they would be in a CSV file. A class number is replaced by its name."""
    found = {}
    for column, value in cells.items():
        if names and column in ("label", "labels") and isinstance(value, int) and 0 <= value < len(names):
            found[column] = names[value]
        else:
            found[column] = as_cell(value)
    return found


def library(name: str) -> Any:
    """Import a library of the extra `data`. Raises CondgenError with the installation command if it is missing."""
    with needs("data"):
        return import_module(name)


def _opened(store: Store, file: str) -> Any:
    try:
        pyarrow = library("pyarrow.parquet")
        return pyarrow.ParquetFile(Path(store.path, file) if store.path.is_dir() else io.BytesIO(store.read(file)))
    except (Bad, OSError, ValueError) as error:
        raise CondgenError(f"{file!r} of {str(store.path)!r} cannot be read as Parquet: {error}.") from None


def _images(schema: Any, file: str) -> str:
    """The column that contains images, as bytes or as a struct with a field of bytes."""
    types = library("pyarrow").types
    for field in schema:
        kind = field.type
        if types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
            kind = kind.field("bytes").type
        if types.is_binary(kind) or types.is_large_binary(kind):
            return str(field.name)
    raise CondgenError(f"{file!r} has no column of images (bytes); found {', '.join(schema.names)}.")


def _class_names(schema: Any) -> list[str] | None:
    """Class names in the schema's metadata, as Hugging Face writes them; None if there are none."""
    about = (schema.metadata or {}).get(b"huggingface")
    features = json.loads(about)["info"]["features"] if about else {}
    return next((f["names"] for f in features.values() if isinstance(f, dict) and f.get("_type") == "ClassLabel"), None)
