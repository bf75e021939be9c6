"""Reads images and one or several tables of their labels.

    file,label          or    id_code;diagnosis      or    {"file_name": "a.png", "label": "cat"}
    a.png,cat                 a;0

The columns are found by their names and values, the images by the ends of their paths, wherever they lie. Several
tables are joined by the images that they name. What cannot be told is asked: see table_text.py (bytes -> rows),
file_column.py and image_names.py (names -> images), joining.py, label_columns.py and label_values.py (cells -> labels).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from posixpath import basename, dirname
from shlex import quote
from typing import NamedTuple

import numpy as np

from condgen.data.columns import CAPTIONS, normal
from condgen.data.dataset import Structure
from condgen.data.file_kinds import IMAGE_ENDINGS
from condgen.data.joining import Frame, Splits, joined, repeated, united
from condgen.data.label_columns import Chosen, chosen
from condgen.data.label_values import Meaning, meaning
from condgen.data.listing import Listing
from condgen.data.store import Images, Store, shown
from condgen.data.table_checks import (
    ask_for_labels,
    check_clashes,
    check_conflicts,
    check_splits,
    check_tables,
    difference,
)
from condgen.data.table_files import Tables, forget, only_table, table_names, tables_in
from condgen.data.table_text import as_cell
from condgen.data.words import split_in
from condgen.data_options import AS_THEY_ARE, DataOptions
from condgen.errors import CondgenError, Question

__all__ = ["Row", "as_cell", "fits", "labelled", "read", "unused"]


class Row(NamedTuple):
    """One row of a table, by the names of its columns."""

    where: str
    cells: dict[str, str]


def fits(store: Store, options: DataOptions) -> bool:
    """Whether a table has the labels of the images, or has to be asked about."""
    if options.kind == "none" or options.label_pattern or not table_names(store, options):
        return False
    tables = tables_in(store, options)
    if options.label_column or options.file_column:
        return True
    if not tables.named:
        return not tables.in_folders and bool(tables.images or only_table(store)) and bool(tables.unusable)
    if not tables.in_folders:
        return True
    try:
        found = _labels(tables, joined(tables.named), options)
    except Question:
        return True
    return found.sure and bool(found.columns)


def read(store: Store, options: DataOptions) -> Listing:
    """Raises Question if the tables can be read in several ways, and CondgenError for mistakes in them."""
    tables = tables_in(store, options)
    forget()
    check_tables(tables, store, options)
    frame = joined(tables.named)
    return _listing(store, tables, frame, _labels(tables, frame, options), options)


def unused(store: Store, options: DataOptions) -> Structure:
    """The tables that are not used where the labels come from something else, with the reason."""
    if not table_names(store, options):
        return ()
    tables = tables_in(store, options)
    why = "it has no column of labels" if options.kind is None and not options.label_pattern else "an option says so"
    named = {table.sheet.name: f"not used; {why}" for table in tables.named}
    return tuple((named | {name: f"not used; {why}" for name, why in tables.unusable.items()}).items())


def labelled(
    store: Images,
    rows: Mapping[str, Row],
    parts: Mapping[str, str | None],
    names: Sequence[str] | None = None,
    options: DataOptions = AS_THEY_ARE,
) -> Listing:
    """A listing of the images in the rows of another source. The labels are found as in a table.

    names: class names in order, if the source defines them. Raises CondgenError if there are no rows or no labels.
    """
    if not rows:
        raise CondgenError(f"{str(store.path)!r}: a table without lines.")
    where = next(iter(rows.values())).where
    titles = dict.fromkeys(name for row in rows.values() for name in row.cells)
    cells = {name: [row.cells.get(name, "") for row in rows.values()] for name in titles}
    frame = Frame(list(rows), [(row.where, 0) for row in rows.values()], cells, {}, [parts[image] for image in rows])
    found = chosen(frame.columns_of_labels, where.rpartition(", ")[0] or where, options)
    if not found.columns:
        raise CondgenError(f"{where}: a column of images and none of labels.")
    understood = meaning(found.columns, where.rpartition(", ")[0] or where, options, names)
    return _of_rows(store, frame, list(range(len(frame.images))), frame.parts, understood, found.remarks)


def _labels(tables: Tables, frame: Frame, options: DataOptions) -> Chosen:
    """The columns of labels of all tables. Beside class folders, other columns than those called so are asked about."""
    extra = [f"--exclude {quote(','.join(table.sheet.name for table in tables.named))}"] if tables.in_folders else []
    found = chosen(frame.columns_of_labels, tables.where, options, extra)
    if tables.in_folders and not found.sure and not options.label_column:
        aside = [c for c in found.columns if c.is_aside or normal(c.name) in CAPTIONS]
        usable = [c for c in found.columns if c not in aside and c.nature in ("values", "flags")]
        if usable:
            answers = [f"--label-column {quote(','.join(c.name for c in usable))}", *extra]
            raise Question(f"the images are in folders, and {tables.where} has other labels for them.", answers)
        return replace(found, columns=())
    return found


def _listing(store: Store, tables: Tables, frame: Frame, found: Chosen, options: DataOptions) -> Listing:
    if not found.columns:
        ask_for_labels(frame, tables, options)
    check_clashes(frame, found.columns)
    check_splits(frame, options)
    rows, again, conflicts = repeated(frame, found.columns)
    columns = found.columns
    if conflicts and options.kind == "attributes" and len(columns) == 1 and not columns[0].flags:
        columns, again, conflicts = [united(frame, columns[0])], 0, {}
    check_conflicts(frame, tables, columns, conflicts, options)
    understood = meaning(columns, tables.where, options, None)
    rows = [row for row in rows if frame.images[row] not in conflicts and frame.images[row] not in frame.in_two]
    split = frame.splits
    remarks = [said for table in tables.named for said in table.sheet.remarks] + [*found.remarks]
    if again:
        remarks.append(f"{tables.where}: {again:,} rows repeat the image and label of an earlier one.")
    strangers = {name for name in tables.images if name.lower().endswith(IMAGE_ENDINGS)}.difference(frame.images)
    if strangers:
        name = shown(min(strangers))
        remarks.append(f"{len(strangers):,} images are in no table, such as {name}; they are left out.")
    remarks += [f"{name} is not used; {why}." for name, why in tables.unusable.items()]
    known = understood.known
    only = len({split.parts[row] for row in rows if known[row]}) == 1 and split.column is None
    parts = [None] * len(frame.images) if only else split.parts  # one split alone is no split
    listing = _of_rows(store, frame, rows, parts, understood, remarks)
    if tables.in_folders and _differs_from_folders(listing):
        said = (
            f"the folders of the images are no classes, because {tables.where} has other labels; --exclude it if not."
        )
        listing = replace(listing, remarks=(*listing.remarks, said))
    twice = {image: f"is in {one} and in {two}, two splits" for image, (one, two) in frame.in_two.items()}
    odd = {**listing.odd, **twice, **{image: difference(frame, *rows) for image, rows in conflicts.items()}}
    unlabelled = {frame.images[row] for row in rows if not known[row]} & {*tables.images}
    ignored = dict.fromkeys(sorted(strangers), "is in no table") | dict.fromkeys(sorted(unlabelled), "has no label")
    return replace(listing, odd=odd, ignored=ignored, structure=_structure(tables, frame, split, understood, found))


def _differs_from_folders(found: Listing) -> bool:
    """Whether images in one folder have different classes; folders of splits are no classes."""
    label_of: dict[str, int] = {}
    for image, value in zip(found.images, found.values.tolist(), strict=True):
        folder = dirname(image)
        if not split_in(basename(folder)) and label_of.setdefault(folder, value) != value:
            return True
    return False


def _of_rows(
    store: Images,
    frame: Frame,
    rows: Sequence[int],
    parts: Sequence[str | None],
    understood: Meaning,
    remarks: Sequence[str],
) -> Listing:
    """A listing of those rows that have a label."""
    known = understood.known
    kept = [row for row in rows if known[row]]
    if not kept:
        raise CondgenError(f"{frame.where[0][0]}: no row has a label.")
    said = [*remarks, *understood.remarks]
    if len(kept) < len(rows):
        lost = next(row for row in rows if not known[row])
        example = shown(frame.images[lost])
        said.append(f"left out: {len(rows) - len(kept):,} images {understood.dropped}, such as {example}.")
    images = [frame.images[row] for row in kept]
    values = understood.values[np.array(kept)]
    return Listing(
        store.path.stem, store, images, understood.labels, values, [parts[row] for row in kept], store.odd,
        remarks=tuple(said),
    )  # fmt: skip


def _structure(tables: Tables, frame: Frame, split: Splits, understood: Meaning, found: Chosen) -> Structure:
    """What each table and column is."""
    said: list[tuple[str, str]] = []
    for table in tables.named:
        changes = "".join(f"; {what}" for what, _ in table.found.changes.most_common(3))
        said.append((f"{table.sheet.name}: {table.file}", f"the image files{changes}"))
    table_of = frame.tables
    if len(understood.structure) > 12:
        first = understood.structure[0]
        said.append(
            (f"{table_of.get(first[0], tables.where)}: {len(understood.structure)} columns", f"each {first[1]}")
        )
    else:
        said += [(f"{table_of.get(name, tables.where)}: {name}", what) for name, what in understood.structure]
    if split.column:
        said.append((f"{table_of[split.column]}: {split.column}", "the split of each image"))
    elif split.said:
        said.append((split.said, "the split of each image"))
    for name, why in found.unused.items():
        said.append((f"{table_of[name]}: {name}", f"not used{'; ' if why else ''}{why}"))
    said += [(name, f"not used; {why}") for name, why in tables.unusable.items()]
    return tuple(said)
