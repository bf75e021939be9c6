"""Finds the column of a table that names the image files: by option, by its values, then by its name."""

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from condgen.data.columns import FILES, MASKS, normal
from condgen.data.file_kinds import IMAGE_ENDINGS
from condgen.data.image_names import ImageNames
from condgen.data.table_text import Sheet
from condgen.errors import Question

SAMPLE = 200
"""Number of rows that are tried."""
ENOUGH = 0.5
"""Share of a column's values that name images, from which a column of any name is the column of files."""
SAME = 0.9
"""Two columns are both columns of files if one has at least this share of the other's images."""


class Hits(NamedTuple):
    """How well the values of a column name images."""

    column: str
    share: float
    """Share of its values that name an image, times the share of values that differ from each other."""
    known: bool
    """Whether its name says that it is a column of files."""
    images: tuple[str, ...]
    """The image of each value that was tried; empty where there is none."""


def with_file_column(
    sheet: Sheet, images: ImageNames, home: str, wanted: str | None, certain: bool
) -> tuple[Sheet, str | None]:
    """The table, without its header if that is a row, and the name of the column of files; None if there is none.

    home: the folder of the table. wanted: the name given by --file-column. certain: whether the user named the table
        itself; its first column is then the default. Raises Question if two columns name different images.
    """
    column = _named(sheet, wanted) if wanted else _found(sheet, images, home, certain)
    if not sheet.rows and not wanted:  # a list of a single image
        column = next((name for name in sheet.columns if images.find(name, home)), column)
    if wanted and not column:
        sheet = sheet.headless()
        column = _named(sheet, wanted)
    elif column and _is_row(sheet, column, images, home):
        at = sheet.columns.index(column)
        sheet = sheet.headless()
        column = sheet.columns[at]
    return sheet, column


def _found(sheet: Sheet, images: ImageNames, home: str, certain: bool) -> str | None:
    usual = [name for name in sheet.columns if not normal(name).startswith("unnamed")]
    found = [_hits(sheet, name, images, home) for name in usual or sheet.columns]
    best = sorted((hits for hits in found if hits.share), key=_rank, reverse=True)
    if best and (best[0].share >= ENOUGH or best[0].known):
        _check_rival(sheet, best)
        return best[0].column
    if known := next((hits.column for hits in found if hits.known and not _weak(hits.column)), None):
        return known  # its images are missing, as will be said
    if looking := next((name for name in sheet.columns if looks_like_files(sheet, name)), None):
        return looking
    return sheet.columns[0] if certain and len(sheet.columns) > 1 else None


def _is_row(sheet: Sheet, column: str, images: ImageNames, home: str) -> bool:
    """Whether the first line names an image in this column, in the form of the other lines."""
    if column.lower().endswith(IMAGE_ENDINGS):
        return True
    has_endings = looks_like_files(sheet, column)
    return not has_endings and normal(column) not in FILES and bool(images.find(column, home))


def _named(sheet: Sheet, wanted: str | None) -> str | None:
    if not wanted:
        return None
    if wanted in sheet.columns:
        return wanted
    return next((name for name in sheet.columns if normal(name) == normal(wanted)), None)


def _hits(sheet: Sheet, name: str, images: ImageNames, home: str) -> Hits:
    step = max(1, len(sheet.rows) // SAMPLE)
    at = sheet.columns.index(name)
    values = [row[at] for row in sheet.rows[::step]]
    found = [next(iter(images.find(value, home)), "") for value in values]
    count = sum(map(bool, found))
    different = len(set(values)) / max(1, len(values))
    known = normal(name) in FILES
    return Hits(name, different * count / max(1, len(values)), known, tuple(found))


def _rank(hits: Hits) -> tuple[bool, bool, float]:
    return normal(hits.column) not in MASKS, hits.known, hits.share


def _weak(column: str) -> bool:
    """Whether the name alone does not say that these are files."""
    return normal(column) in {"id", "idcode", "frame", "imageid"}


def looks_like_files(sheet: Sheet, name: str) -> bool:
    values = sheet.column(name)[:SAMPLE]
    return bool(values) and 2 * sum(value.lower().endswith(IMAGE_ENDINGS) for value in values) > len(values)


def _check_rival(sheet: Sheet, best: Sequence[Hits]) -> None:
    first, *others = best
    for other in others:
        equal = (other.known, normal(other.column) in MASKS) == (first.known, normal(first.column) in MASKS)
        same = sum(one == two for one, two in zip(first.images, other.images, strict=True))
        if equal and other.share >= SAME * first.share and 2 * same < len(first.images):
            answers = [f"--file-column {shlex.quote(name)}" for name in (first.column, other.column)]
            raise Question(f"{sheet.name}: columns {first.column!r} and {other.column!r} both name images.", answers)
