"""Several labels in one cell of a table: "cat|dog", "14 61 83", or a list."""

import ast
import re
from collections import Counter
from collections.abc import Sequence

from condgen.data.columns import Column, is_blank, normal, plain
from condgen.data_options import DataOptions
from condgen.errors import CondgenError, Question, shortened

BETWEEN = ("|", ";", ",", "/", "+", " ")
"""What may separate several labels in one cell."""
NOTHING = "\0"
"""Separates nothing: each cell is one label."""
PLURAL = {"tags", "keywords", "attributes", "attributeids", "findings", "labels", "categories", "classes", "genres"}
"""Names of columns that may hold several labels per cell."""


def between_labels(column: Column, where: str, options: DataOptions, names: Sequence[str] | None) -> str:
    """What separates several labels in the cells of a column; '' if each cell is one label. Raises Question if in
    doubt."""
    lists = [value for value in column.counts if re.fullmatch(r"\[.*\]", value, re.DOTALL)]
    if lists and len(lists) == len(column.counts):
        return _in_lists(column, where, options)
    if options.kind == "attributes":
        likely = [sign for sign in BETWEEN if _may_separate(sign, column, where)]
        return next(iter(likely), next((sign for sign in BETWEEN if _recurring(sign, column)), NOTHING))
    if options.kind == "classes" or names or column.numbers or column.nature == "captions":
        return ""
    return next((sign for sign in BETWEEN if _separates(sign, column, where)), "")


def _in_lists(column: Column, where: str, options: DataOptions) -> str:
    parts = [_listed(value) for value in column.counts]
    if any(len(set(some)) < len(some) for some in parts) and set().union(*map(set, parts)) <= {"0", "1", "0.0", "1.0"}:
        raise CondgenError(f"{where}: column {column.name!r} holds vectors of 0 and 1; give each number a column.")
    if options.kind == "classes" and any(len(some) != 1 for some in parts):
        raise CondgenError(f"{where}: column {column.name!r} holds several labels per image; leave --kind classes out.")
    return "["


def _may_separate(sign: str, column: Column, where: str) -> bool:
    try:
        return _separates(sign, column, where)
    except Question:
        return True


def _recurring(sign: str, column: Column) -> bool:
    """Whether a label recurs in different cells if `sign` separates them."""
    cells_with = Counter(word for value in column.counts for word in split_cell(value, sign))
    return any(count > 1 for count in cells_with.values())


def _separates(sign: str, column: Column, where: str) -> bool:
    """Whether `sign` separates labels. Certain if each label also occurs alone; for | and ; also if labels recur in
    different cells."""
    several = {value: split_cell(value, sign) for value in column.counts if sign in value}
    several = {value: words for value, words in several.items() if len(words) > 1}
    if not several:
        return False
    alone = {value for value in column.counts if value not in several}
    known = [value for value, words in several.items() if alone.issuperset(words)]
    words = {word for value in column.counts for word in split_cell(value, sign)}
    numbers = all(re.fullmatch(r"\d+", word) for word in words)
    if sign in "|;" or (numbers and (sign != "," or any(len(some) != 2 for some in several.values()))):
        if numbers or _recurring(sign, column):
            return True
    elif len(known) == len(several) and (len(known) > 1 or sign != " "):
        return True
    elif not (known or numbers or (normal(column.name) in PLURAL and _recurring(sign, column))) and (
        len(column.counts) < 8 or len(column.counts) < 2 * len(words)
    ):
        return False
    example = known[0] if known else next(iter(several))
    raise Question(
        f"{where}: is {shortened(example)!r} in column {column.name!r} one class, or several labels?",
        ["--kind classes", "--kind attributes"],
    )


def split_cell(cell: str, between: str) -> list[str]:
    """The labels in one cell, in order and without repetition."""
    if is_blank(cell):
        return []
    is_list = between == "[" and cell.strip().startswith("[")
    words = _listed(cell) if is_list else cell.split(between)
    return list(dict.fromkeys(plain(word) for word in words if word.strip()))


def _listed(cell: str) -> list[str]:
    """The elements of a list in the notation of JSON or Python."""
    try:
        found = ast.literal_eval(cell.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        found = [word.strip(" '\"") for word in cell.strip(" []").split(",")]
    return [str(word) for word in found] if isinstance(found, (list, tuple)) else [cell]
