"""The labels of all images as a CSV file, which can be corrected in a spreadsheet and used as data.

    file,split,label                or    file,split,Smiling,Eyeglasses
    pets/cat/1.jpg,train,cat              faces/1.png,train,1,0
    pets/dog/2.jpg,test,dog               faces/2.png,test,,1          an empty attribute is unknown

Paths are relative to the folder of the table if the images are in it or below it, and absolute otherwise. The table is
read back after it is written: it gives the same images and labels in the same order, and so the same fingerprint.
"""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from condgen import cache, disk
from condgen import data as datasets
from condgen.data.dataset import Dataset, Split
from condgen.data.store import shown
from condgen.data_options import AS_THEY_ARE, DataOptions
from condgen.errors import CondgenError
from condgen.inspection.tables import encoded
from condgen.labels import ANY, Labels
from condgen.schema import option

ENDING = ".csv"
KEPT = ("size", "fit", "alpha", "background", "window")
"""Options for reading data that are not about labels, and are therefore needed to read the table as well."""
LOST = "the table does not keep classes without images, nor an order of classes other than that of their names."


@dataclass(frozen=True)
class WrittenTable:
    """A table of labels that was written."""

    path: Path
    images: int
    command: str
    """The command that trains on the table."""
    lost: Sequence[str] = ()
    """What the table does not preserve, in sentences."""


def write(data: Dataset, path: Path, options: DataOptions = AS_THEY_ARE) -> WrittenTable:
    """Write the table, and read it back.

    options: those that the data were read with. Raises CondgenError if the images have no files of their own, if the
    table cannot be read at this place, or if another file is there. A table that condgen wrote is replaced, unless it
    has been changed since.
    """
    if path.suffix.lower() != ENDING:
        raise CondgenError(f"--write-table writes a {ENDING} file; {str(path)!r} has another ending.")
    content = encoded(_head(data), _rows(data, _base(data, path)))
    _check(path, content)
    disk.write_bytes(path, content)
    cache.keep_if_possible(_record(content), True)
    try:
        found = datasets.load(path, options_for(data, options))
    except CondgenError as error:
        path.unlink()
        raise CondgenError(
            f"a table at {str(path)!r} cannot be read back ({error}){_other_place(data, path)}"
        ) from None
    same = found.fingerprint == data.fingerprint
    images = sum(map(len, data.splits.values()))
    return WrittenTable(path, images, command(path, data, options), () if same else (LOST,))


def options_for(data: Dataset, options: DataOptions) -> DataOptions:
    """The options that read the table, if `options` read the data."""
    kept = {name: value for name, value in options.chosen.items() if name in KEPT}
    return DataOptions(kind="none" if data.labels == ANY else data.labels.kind, **kept)


def command(path: Path, data: Dataset, options: DataOptions) -> str:
    """The command that trains on the table."""
    chosen = options_for(data, options).chosen
    words = [word for name, value in chosen.items() for word in _words(name, value)]
    return shlex.join(["condgen", "train", "--data", str(path), *words])


def _other_place(data: Dataset, path: Path) -> str:
    """A place for the table from which its images are found."""
    source = (data.source or path).resolve()
    if source.is_relative_to(path.resolve().parent):
        return "."
    return f"; write it above the images, such as --write-table {shlex.quote(str(source.parent / path.name))}."


def _check(path: Path, content: bytes) -> None:
    """Raise CondgenError if a file is there that is not exactly what condgen wrote."""
    try:
        there = path.read_bytes()
    except FileNotFoundError:
        return
    if there != content and not cache.kept(_record(there)):
        raise CondgenError(
            f"{str(path)!r} is there already, and is not what condgen wrote, or no longer; give another --write-table."
        )


def _words(name: str, value: object) -> list[str]:
    return [option(name)] if value is True else [option(name), str(value)]


def _record(content: bytes) -> Path:
    """The entry in the cache which says that condgen wrote a file with this content."""
    return disk.cache() / "tables" / f"{sha256(content).hexdigest()}.json"


def _base(data: Dataset, path: Path) -> str:
    """What is put before the names of the images, so that they can be found from the folder of the table."""
    if data.source is None or not data.train.files:
        raise CondgenError(f"the images of {data.name!r} have no file names, so a table cannot name them.")
    source, folder = data.source.resolve(), path.expanduser().resolve().parent
    if not source.is_dir():
        raise CondgenError(f"the images are inside the archive {data.source.name!r}; unpack it to use a table.")
    if not (source / data.train.files[0]).is_file():
        raise CondgenError(f"the images of {data.name!r} are inside other files, so a table cannot name them.")
    base = source.relative_to(folder).as_posix() if source.is_relative_to(folder) else source.as_posix()
    return "" if base == "." else f"{base}/"


def _head(data: Dataset) -> list[str]:
    if data.labels == ANY:
        return ["file", "split"]
    return ["file", "split", *(["label"] if data.labels.kind == "classes" else data.labels.names)]


def _rows(data: Dataset, base: str) -> Iterator[list[str]]:
    for title, split in data.splits.items():
        for file, values in zip(split.files, _values(split, data.labels), strict=True):
            yield [_checked(base + file), title, *map(_checked, values)]


def _values(split: Split, labels: Labels) -> Iterator[list[str]]:
    """The cells of each image after its file and split: a class name, or one value per attribute."""
    for value in split.labels.tolist():
        if labels.kind == "classes":
            yield [] if labels == ANY else [labels.names[value]]
        else:
            yield ["" if number < 0 else str(number) for number in value]


def _checked(text: str) -> str:
    """The text of a cell. Raises CondgenError if reading the table would change it."""
    if text != text.strip() or not text.isprintable():
        raise CondgenError(f"{shown(text)} cannot be written to a table; rename it.")
    return text
