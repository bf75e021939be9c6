"""Reads data sets that Hugging Face's `datasets` saved with save_to_disk. Needs pip install 'condgen[data]'.

Hugging Face's imagefolder layout needs no library: folders.py and table.py read it. Nothing is downloaded.
"""

from collections.abc import Iterable
from typing import Any

from condgen.data.listing import Listing
from condgen.data.parquet import library, one_of, payload
from condgen.data.store import Store
from condgen.data.typed_columns import Column, choose, labelled
from condgen.data.words import split_in_path
from condgen.data_options import DataOptions
from condgen.errors import CondgenError

ONE, SEVERAL = "dataset_info.json", "dataset_dict.json"
"""Files that identify a folder with one split, and a folder with several splits."""
LISTS = ("Sequence", "List", "LargeList")


def fits(store: Store, options: DataOptions) -> bool:
    names = store.names()
    return SEVERAL in names or (ONE in names and "state.json" in names)


def read(store: Store, options: DataOptions) -> Listing:
    if not store.path.is_dir():
        raise CondgenError(f"{str(store.path)!r} holds Arrow files, which are mapped from a folder; unpack it first.")
    images = Rows(store, options)
    columns = [_columns(table, images.column(split)) for split, table in images.tables.items()]
    if any(other != columns[0] for other in columns):
        raise CondgenError(f"{str(store.path)!r}: the splits have different columns or class names.")
    choice = choose(columns[0], options, str(store.path))
    cells: dict[str, list[Any]] = {name: [] for name in choice.names}
    rows, parts = list[str](), list[str | None]()
    for split, table in images.tables.items():
        for name in choice.names:
            cells[name] += list(table[name])
        rows += [f"{split}:{number}" for number in range(len(table))]
        parts += [split_in_path(split)] * len(table)
    return labelled(images, rows, cells, choice, parts, options)


class Rows:
    """The images of a saved data set, each named SPLIT:ROW."""

    def __init__(self, store: Store, options: DataOptions) -> None:
        self.store, self.path, self.odd, self._options = store, store.path, store.odd, options
        self._tables: dict[str, Any] | None = None

    @property
    def tables(self) -> dict[str, Any]:
        if self._tables is None:
            datasets = library("datasets")
            try:
                found = datasets.load_from_disk(str(self.path))
            except (OSError, ValueError, KeyError) as error:
                raise CondgenError(f"{str(self.path)!r} cannot be read by datasets: {error}.") from None
            tables = dict(found) if isinstance(found, dict) else {str(found.split or "all"): found}
            raw = datasets.Image(decode=False)  # the encoded bytes, which decode.py decodes
            self._tables = {split: table.cast_column(self._image(table), raw) for split, table in tables.items()}
        return self._tables

    def column(self, split: str) -> str:
        return self._image(self.tables[split])

    def read(self, name: str) -> bytes:
        split, _, number = name.rpartition(":")
        return payload(self.tables[split][int(number)][self.column(split)])

    def stamp(self, names: Iterable[str]) -> str:
        return self.store.stamp(self.store.names())

    def _image(self, table: Any) -> str:
        there = [str(name) for name, feature in table.features.items() if type(feature).__name__ == "Image"]
        return one_of(there, table.features, str(self.path), self._options)


def _columns(table: Any, image: str) -> list[Column]:
    return [
        Column(str(name), _kind(feature), _class_names(feature))
        for name, feature in table.features.items()
        if name != image
    ]


def _kind(feature: Any) -> Any:
    kind, dtype = type(feature).__name__, str(getattr(feature, "dtype", ""))
    if kind in LISTS:
        return "list" if _kind(feature.feature) in ("number", "text") else "other"
    if kind == "ClassLabel" or dtype.startswith(("int", "uint", "float", "bool")):
        return "number"
    return "text" if dtype in ("string", "large_string") else "other"


def _class_names(feature: Any) -> tuple[str, ...] | None:
    inner = feature.feature if type(feature).__name__ in LISTS else feature
    return tuple(inner.names) if type(inner).__name__ == "ClassLabel" and inner.names else None
