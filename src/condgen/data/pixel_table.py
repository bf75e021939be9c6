"""Reads tables of pixels: one row per image, with its label.

label,pixel0,pixel1,...          MNIST and its relatives as CSV; also without a first line of names, label first
emotion,pixels,Usage             FER2013: all pixels in one cell, separated by spaces
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from math import isqrt
from posixpath import basename
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from condgen.data.choice import opened
from condgen.data.dataset import Dataset
from condgen.data.idx import EMNIST, TURNED
from condgen.data.raw_arrays import Raw, dataset
from condgen.data.store import Bad, Store, shown
from condgen.data.words import split_in_path, split_of, words
from condgen.data_options import DataOptions
from condgen.errors import CondgenError, Question

ENDINGS, MOST = (".csv", ".tsv"), 20
"""Endings of tables; more of them than MOST are not looked into."""
PIXEL = re.compile(r"(pixel|px|pix|p)?[_ ]?\d+|\d+x\d+", re.IGNORECASE)
PIXELS = ("pixels", "image_pixels")
CLASSES = ("label", "labels", "class", "target", "emotion", "y", "category", "letter", "digit")
PARTS = ("usage", "split", "partition", "subset", "set")
USAGES = {"publictest": "validation", "privatetest": "test"}
FEWEST = 16
"""Minimum number of columns of pixels."""
HEAD = 2**18
"""Number of bytes from which it is judged whether a table contains pixels."""
EMNIST_FILE = re.compile(r"emnist-(\w+)-(train|test)\.csv")


class Columns(NamedTuple):
    """Numbers of the columns of a table."""

    pixels: list[int]
    label: int | None
    part: int | None
    names: list[str]
    has_head: bool
    delimiter: str


def fits(store: Store, options: DataOptions) -> bool:
    return bool(_tables(store, options))


def read(store: Store, options: DataOptions) -> Dataset:
    where, parts, left_out = str(store.path), dict[str, Raw](), dict[str, str]()
    tables = _tables(store, options)
    for file, columns in tables.items():
        if columns.label is None and options.kind != "none":
            left_out[shown(file)] = "has pixels and no column of labels"
            continue
        for part, raw in _splits(store, file, columns).items():
            if part in parts:
                doubt = f"{where!r}: {parts[part].title} and {file} both hold the {part} split; which one is left out?"
                raise Question(doubt, [f"--exclude {name}" for name in (parts[part].title, file)])
            parts[part] = raw
    if not parts:
        raise Question(f"{where!r}: {', '.join(tables)} has pixels and no labels.", ["--kind none"])
    file, columns = next(iter(tables.items()))
    structure = [(name, "not used") for i, name in enumerate(columns.names) if i not in _used(columns)]
    names, turned = None, EMNIST_FILE.fullmatch(basename(file))
    if turned and turned[1] in EMNIST:
        parts, names = {part: _turned(raw, turned[1]) for part, raw in parts.items()}, tuple(EMNIST[turned[1]])
        structure.append(("images", TURNED))
    name = file.rsplit(".", 1)[0] if len(tables) == 1 and getattr(store, "only", None) else store.path.stem
    data = dataset(name, parts, options, where, names, structure=structure)
    return replace(data, left_out={**left_out, **data.left_out})


def _tables(store: Store, options: DataOptions) -> dict[str, Columns]:
    """The tables that contain pixels, the training split first."""
    there = [name for name in store.names() if name.lower().endswith(ENDINGS)]
    found = {}
    for name in there if len(there) <= MOST else ():
        if columns := _columns(store, name, options):
            found[name] = columns
    return dict(sorted(found.items(), key=lambda item: split_in_path(item[0]) == "test"))


def _columns(store: Store, name: str, options: DataOptions) -> Columns | None:
    """The columns of a table; None if it contains no pixels."""
    try:
        text = store.read(name, HEAD).decode("utf-8-sig", "replace")
    except Bad:
        return None
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = list(islice(csv.reader(io.StringIO(text), delimiter=delimiter), 2))
    except csv.Error:
        return None
    if not rows:
        return None
    head = [cell.strip() for cell in rows[0]]
    in_one = [i for i, cell in enumerate(head) if cell.lower() in PIXELS]
    pixels = in_one or [i for i, cell in enumerate(head) if PIXEL.fullmatch(cell)]
    if in_one or (len(pixels) >= FEWEST and any(words(head[i]) for i in pixels)):
        return Columns(pixels, *_others(head, pixels, options, name), head, True, delimiter)
    if len(head) > FEWEST and all(_is_number(cell) for row in rows for cell in row) and _is_square(len(head) - 1):
        named = not all(_is_whole(cell) for cell in head)  # A_Z Handwritten Data.csv: names 0, 0.1, 0.2, ...
        return Columns(list(range(1, len(head))), 0, None, head if named else [], named, delimiter)
    return None


def _others(head: list[str], pixels: list[int], options: DataOptions, name: str) -> tuple[int | None, int | None]:
    """The columns of the label and of the split. Raises Question if the label may be in several columns."""
    rest = {cell.lower(): i for i, cell in enumerate(head) if i not in pixels}
    part = next((rest.pop(word) for word in PARTS if word in rest), None)
    if options.label_column:
        if options.label_column.lower() not in rest:
            raise CondgenError(f"{name}: no column {options.label_column!r}; found {', '.join(rest) or 'only pixels'}.")
        return rest[options.label_column.lower()], part
    usual = [rest[word] for word in CLASSES if word in rest] or list(rest.values())
    if len(usual) > 1 and options.kind != "none":
        doubt = f"{name}: images in columns of pixels; which column is the label?"
        raise Question(doubt, [f"--label-column {head[i]}" for i in usual[:8]])
    return (usual[0] if usual else None), part


def _splits(store: Store, file: str, columns: Columns) -> dict[str, Raw]:
    """The images and labels of a table, by split."""
    labels, parts, pixels = _cells(store, file, columns)
    images = _images(file, pixels, columns)
    values: NDArray[Any] = np.array(labels)
    if columns.label is not None and all(_is_whole(cell) for cell in labels):
        values = values.astype(np.int64)
    given = np.array([_part(part, file) or split_in_path(basename(file)) or "train" for part in parts])
    return {
        part: Raw(images[given == part], None if columns.label is None else values[given == part], file)
        for part in dict.fromkeys(given.tolist())
    }


def _cells(store: Store, file: str, columns: Columns) -> tuple[list[str], list[str], list[NDArray[Any]]]:
    """The label, the split and the pixels of each row."""
    labels, parts, pixels = list[str](), list[str](), list[NDArray[Any]]()
    with opened(store, file) as raw, io.TextIOWrapper(raw, "utf-8-sig", "replace", newline="") as text:
        for number, row in _rows(text, columns, file):
            pixels.append(_pixels(row, columns, f"{file}, line {number}"))
            labels.append("" if columns.label is None else row[columns.label].strip())
            parts.append("" if columns.part is None else row[columns.part].strip())
    return labels, parts, pixels


def _pixels(row: list[str], columns: Columns, where: str) -> NDArray[Any]:
    """The pixels of a row: uint8 if all are whole numbers from 0 to 255, else float32."""
    first, last = columns.pixels[0], columns.pixels[-1] + 1
    adjacent = last - first == len(columns.pixels)
    cells = row[first:last] if adjacent else [row[i] for i in columns.pixels]
    try:
        values = np.array(cells if len(cells) > 1 else cells[0].split(), np.float32)
    except ValueError:
        raise CondgenError(f"{where}: wanted a number for each pixel.") from None
    are_bytes = bool(((values >= 0) & (values <= 255) & (values == np.floor(values))).all())
    return values.astype(np.uint8) if are_bytes else values


def _rows(text: io.TextIOBase, columns: Columns, file: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(2**24)
    reader = csv.reader(text, delimiter=columns.delimiter)
    width = None
    for row in reader:
        width = width or len(row)
        if len(row) != width and row:
            raise CondgenError(
                f"{file}, line {reader.line_num}: {len(row)} cells where the first has {width}: a cut file?"
            )
        if row and not (columns.has_head and reader.line_num == 1):
            yield reader.line_num, row


def _images(file: str, pixels: list[NDArray[Any]], columns: Columns) -> NDArray[Any]:
    """Rows of pixels as an array (n, pixels), or (n, h, w, 3) if the file's name says RGB."""
    sizes = {len(row) for row in pixels}
    if len(sizes) != 1:
        raise CondgenError(f"{file!r} has rows of {', '.join(map(str, sorted(sizes)[:3])) or 'no'} pixels.")
    images, count = np.stack(pixels), sizes.pop()
    if _is_square(count):
        return images
    if count % 3 == 0 and _is_square(count // 3) and "rgb" in words(file):
        side = isqrt(count // 3)
        return images.reshape(-1, side, side, 3)
    raise CondgenError(f"{file!r} has rows of {count} pixels, which are no square grey image; save them as .npz.")


def _turned(raw: Raw, kind: str) -> Raw:
    """Images and labels of EMNIST, which stores images transposed and begins the labels of its letters at 1."""
    side = isqrt(raw.images.shape[1])
    labels = None if raw.labels is None else np.asarray(raw.labels, np.int64) - int(kind == "letters")
    return Raw(raw.images.reshape(-1, side, side).swapaxes(1, 2), labels, raw.title)


def _part(word: str, file: str) -> str | None:
    part = USAGES.get(word.lower()) or split_of(word)
    if word and not part:
        raise CondgenError(f"{file}: split {word!r}; wanted Training, PublicTest or PrivateTest, or train and test.")
    return part


def _used(columns: Columns) -> set[int | None]:
    return {*columns.pixels, columns.label, columns.part}


def _is_number(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False


def _is_whole(cell: str) -> bool:
    return re.fullmatch(r"\s*-?\d+\s*", cell) is not None


def _is_square(number: int) -> bool:
    return isqrt(number) ** 2 == number
