"""CSV files of an inspection: every file that was left out, and every duplicate image."""

import ast
import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from condgen.data.dataset import Dataset
from condgen.inspection.copies import ListedCopy, ListedImage

ENCODING = "utf-8-sig"
"""UTF-8 with a byte order mark, without which spreadsheets show letters such as é wrongly."""


def files(data: Dataset, listed: Sequence[ListedCopy]) -> dict[str, bytes]:
    """left_out.csv and duplicates.csv, each if it has any rows."""
    made = {"left_out.csv": left_out(data), "duplicates.csv": copies(listed)}
    return {name: content for name, content in made.items() if content}


def left_out(data: Dataset) -> bytes:
    """Every file or folder that was left out, with the reason. b"" if there are none."""
    own = ((name, f"was written by {wrote}") for name, wrote in data.own.items())
    rows = [(plain(name), why) for name, why in [*data.left_out.items(), *own]]
    return encoded(["file", "reason"], rows) if rows else b""


def copies(found: Sequence[ListedCopy]) -> bytes:
    """Every image that is equal or nearly equal to an earlier one. b"" if there are none."""
    head = ["kind", "similarity", "split", "file", "label", "of_split", "of_file", "of_label"]
    rows = ((copy.kind, copy.similarity, *_cells(copy.image), *_cells(copy.of)) for copy in found)
    return encoded(head, rows) if found else b""


def encoded(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """A table as the bytes of a CSV file."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue().encode(ENCODING, "backslashreplace")


def plain(name: str) -> str:
    """A file name without the quotes that `store.shown` puts around it for messages."""
    try:
        return str(ast.literal_eval(name)) if name[:1] in "'\"" else name
    except (ValueError, SyntaxError):
        return name


def _cells(image: ListedImage) -> tuple[str, str, str]:
    return image.split, image.name, image.label
