"""Reads data sets that Hugging Face's `datasets` saved with save_to_disk. Needs pip install 'condgen[data]'.

Hugging Face's imagefolder layout needs no library: folders.py and table.py read it. Nothing is downloaded.
"""

from collections.abc import Iterable
from typing import Any

from condgen.data.listing import SPLITS, Listing
from condgen.data.parquet import library, payload, words
from condgen.data.store import Store
from condgen.data.table import Row, labelled
from condgen.data_options import DataOptions
from condgen.errors import CondgenError

ONE, SEVERAL = "dataset_info.json", "dataset_dict.json"
"""Files that identify a folder with one split, and a folder with several splits."""


def fits(store: Store, options: DataOptions) -> bool:
    names = store.names()
    return SEVERAL in names or (ONE in names and "state.json" in names)


def read(store: Store, options: DataOptions) -> Listing:
    if not store.path.is_dir():
        raise CondgenError(f"{str(store.path)!r} holds Arrow files, which are mapped from a folder; unpack it first.")
    images = Rows(store)
    rows: dict[str, Row] = {}
    parts: dict[str, str | None] = {}
    names: list[str] | None = None
    for split, table in images.tables.items():
        others = table.remove_columns(images.column(split))
        names = next((f.names for f in table.features.values() if type(f).__name__ == "ClassLabel"), None)
        for number, cells in enumerate(others):
            rows[f"{split}:{number}"] = Row(f"{split}, row {number}", words(cells, names))
            parts[f"{split}:{number}"] = SPLITS.get(split)
    return labelled(images, rows, parts, names)


class Rows:
    """The images of a saved data set, each named SPLIT:ROW."""

    def __init__(self, store: Store) -> None:
        self.store, self.path, self.odd = store, store.path, store.odd
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
            self._tables = {split: table.cast_column(_column(table), raw) for split, table in tables.items()}
        return self._tables

    def column(self, split: str) -> str:
        return _column(self.tables[split])

    def read(self, name: str) -> bytes:
        split, _, number = name.rpartition(":")
        return payload(self.tables[split][int(number)][self.column(split)])

    def stamp(self, names: Iterable[str]) -> str:
        return self.store.stamp(self.store.names())


def _column(table: Any) -> str:
    for name, feature in table.features.items():
        if type(feature).__name__ == "Image":
            return str(name)
    raise CondgenError(f"no column of images among {', '.join(table.features)}.")
