"""Raises errors, and asks questions, about tables that cannot be read in one way alone."""

from collections.abc import Mapping, Sequence
from shlex import quote

from condgen.data.columns import Column
from condgen.data.image_names import places
from condgen.data.joining import Frame
from condgen.data.store import Store, shown
from condgen.data.table_files import Tables, only_table, table_names
from condgen.data.table_text import Sheet, sheet
from condgen.data_options import DataOptions
from condgen.errors import CondgenError, Question, unknown

FEW = 0.05
"""Share of the images that may have rows with different labels; these are left out."""


def check_tables(tables: Tables, store: Store, options: DataOptions) -> None:
    """Raise an error if the tables name no images, cannot be read to their end, or name several images at once."""
    where = str(store.path)
    if not tables.named:
        said = "; ".join(f"{name}: {why}" for name, why in list((tables.unusable or tables.others).items())[:3])
        if options.file_column:
            known = {name for t in table_names(store, options) if (s := sheet(store, t)) for name in s.columns}
            raise unknown("column", options.file_column, sorted(known))
        example = f" Images are called as {shown(tables.images[0])}." if tables.images else ""
        doubt = f"{where!r} has a table that cannot be used. {said}.{example}"
        if only_table(store) or not tables.images:
            raise CondgenError(doubt)
        raise Question(
            f"{doubt} Mend it, write labels.csv with columns file and label, or read the images without labels.",
            ["--kind none"],
        )
    for table in tables.named:
        _check_sheet(table.sheet)
        if table.found.tied:
            text, some = table.found.tied[0]
            doubt = f"{table.sheet.name}: {text!r} may be {' or '.join(map(shown, some[:3]))}"
            option = "--exclude" if places(table.found.tied)[0].startswith("*") else "--image-root"
            answers = [f"{option} {quote(place)}" for place in places(table.found.tied)[:4] if place]
            raise Question(f"{doubt} ({len(table.found.tied):,} such names).", answers)


def _check_sheet(found: Sheet) -> None:
    if found.fault:
        raise CondgenError(found.fault)
    if found.headed and len(set(found.columns)) < len(found.columns):
        raise CondgenError(f"{found.name}, line 1: two columns of one name in {', '.join(found.columns)}.")
    if not found.rows:
        raise CondgenError(f"{found.name}: a table without lines.")


def ask_for_labels(frame: Frame, tables: Tables, options: DataOptions) -> None:
    """Raise an error that names the columns that may be labels, though nothing says so."""
    columns = frame.columns_of_labels
    usable = [column for column in columns if column.nature in ("values", "flags")]
    if usable:
        answers = [f"--label-column {quote(column.name)}" for column in usable[:8]]
        raise Question(f"{tables.where}: no column is called label or class.", answers)
    listed = ", ".join(column.name for column in columns)
    found = f"; found {listed}" if listed else ""
    raise CondgenError(f"{tables.where}: a column of images and none of labels{found}.")


def check_clashes(frame: Frame, columns: Sequence[Column]) -> None:
    """Ask about two tables that have different labels for the same images."""
    for column in columns:
        if column.name in frame.clashes:
            (pair, count), *_ = frame.clashes[column.name].most_common(1)
            raise Question(
                f"{pair[0]} and {pair[1]} have different values in {column.name!r} for {count:,} images.",
                [f"--exclude {quote(name)}" for name in pair],
            )


def check_splits(frame: Frame, options: DataOptions) -> None:
    """Ask about many images in two splits, such as those of several folds."""
    if len(frame.in_two) > FEW * len(set(frame.images)) and options.on_bad != "skip":
        image, tables = next(iter(frame.in_two.items()))
        doubt = (
            f"{len(frame.in_two):,} images, such as {shown(image)}, are in {tables[0]} and in {tables[1]}, two splits."
        )
        raise Question(doubt, [f"--exclude {quote(name)}" for name in tables])


def check_conflicts(
    frame: Frame,
    tables: Tables,
    columns: Sequence[Column],
    conflicts: Mapping[str, tuple[int, int]],
    options: DataOptions,
) -> None:
    """Ask about many images with several rows that differ: perhaps each row is one of several labels."""
    if len(conflicts) <= FEW * len(set(frame.images)) or options.on_bad == "skip":
        return
    image, rows = next(iter(conflicts.items()))
    doubt = f"{tables.where}: {len(conflicts):,} images have several labels: {shown(image)} {difference(frame, *rows)}."
    several = ["--kind attributes"] if len(columns) == 1 and not columns[0].flags else []
    raise Question(doubt, [*several, "--on-bad skip"])


def difference(frame: Frame, earlier: int, later: int) -> str:
    """How the labels of two rows of an image differ, to be read after the name of the image."""
    (table, first), (other, second) = frame.where[earlier], frame.where[later]
    return f"has other labels in {other}, line {second}, than in {table}, line {first}"
