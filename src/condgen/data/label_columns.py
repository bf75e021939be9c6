"""Chooses the columns that hold the labels: by option, by name, then by their values; in doubt, asks."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from condgen.data.columns import NO, YES, Column, normal, plain
from condgen.data_options import DataOptions
from condgen.errors import CondgenError, Question, unknown

WHY = {
    "nested": "its values are nested",
    "empty": "it is empty",
    "constant": "it has one value",
    "measures": "it holds measurements",
    "captions": "it holds sentences",
    "unique": "each image has another value",
}
"""Why a column that no option names is not taken for labels, by its nature."""


NOTABLE = ("values", "flags", "measures", "captions")
"""Natures of columns that a user may miss if they are not used, so that a message names them."""


@dataclass(frozen=True)
class Chosen:
    """The columns of labels; the other columns, with the reason why they are not used; and what should be said."""

    columns: Sequence[Column]
    unused: Mapping[str, str]
    sure: bool = True
    """Whether an option or the name of a column says that these are the labels."""
    remarks: tuple[str, ...] = ()


def chosen(columns: Sequence[Column], where: str, options: DataOptions, extra: Sequence[str] = ()) -> Chosen:
    """The columns of labels. `columns` of the result is empty if there are none.

    extra: further answers to a question, such as the option that leaves the table out. Raises Question.
    """
    if named := _named(columns, where, options):
        return _used(columns, named)
    if known := _by_name(columns, where, extra):
        rivals = [c for c in columns if c not in known and c.nature in NOTABLE and not c.is_aside]
        usable = [c for c in rivals if c.nature in ("values", "flags")]
        if known[0].is_of_a_subject and usable:
            raise _question(f"{where}: which column is the label? {_described(known + usable)}.", known + usable, extra)
        others = [column.name for column in rivals]
        said = (f"{where}: the label is {known[0].name!r}; {_listed(others)} not used.",) if others else ()
        return _used(columns, known, remarks=said)
    return _by_value(columns, where, options, extra)


def names_in(text: str, columns: Sequence[Column]) -> list[str]:
    """The columns that an option names, which may have commas in their names. Raises CondgenError for others."""
    by_name = {column.name: column.name for column in columns}
    folded = {normal(name): name for name in by_name}
    if whole := by_name.get(text.strip()):
        return [whole]
    found = []
    for word in filter(None, map(str.strip, text.split(","))):
        name = by_name.get(word) or folded.get(normal(word))
        if name is None:
            raise unknown("column", word, by_name)
        found.append(name)
    return list(dict.fromkeys(found))


def _named(columns: Sequence[Column], where: str, options: DataOptions) -> list[Column]:
    by_name = {column.name: column for column in columns}
    if options.label_column:
        return [by_name[name] for name in names_in(options.label_column, columns)]
    if options.attributes:
        try:
            return [by_name[name] for name in names_in(options.attributes, columns)]
        except CondgenError:
            return []  # attributes may also be values in one column; otherwise the error follows later
    return []


def _by_name(columns: Sequence[Column], where: str, extra: Sequence[str]) -> list[Column]:
    """The column that is called label, class or the like. Of two that say the same, the one of words."""
    usable = [column for column in columns if column.nature not in ("empty", "nested")]
    if any(normal(column.name) in "xwh" or column.name.endswith("[x") for column in columns):
        usable = [column for column in usable if normal(column.name) != "y"]  # a coordinate
    known = [c for c in usable if c.is_of_labels] or [c for c in usable if c.is_of_a_subject]
    known = [column for column in known if column.nature != "constant"] or known[:1]
    if len(known) > 1 and (same := _same(known)):
        known = [same]
    if len(known) > 1:
        raise _question(f"{where} has {len(known)} columns of labels: {_and(known)}.", known, extra)
    return known


def _same(columns: Sequence[Column]) -> Column | None:
    """One of several columns with the same classes under other names: the first one of words. None if they differ."""
    pairs = len(set(zip(*(column.cells for column in columns), strict=True)))
    if any(len(column.raw) != pairs for column in columns):
        return None
    return next((column for column in columns if not column.numbers), columns[0])


def _by_value(columns: Sequence[Column], where: str, options: DataOptions, extra: Sequence[str]) -> Chosen:
    open_to = [column for column in columns if not column.is_aside]
    flags = [column for column in open_to if column.nature == "flags"]
    words = [column for column in open_to if column.nature == "values"]
    if flags and (spoilt := next((column for column in words if column.is_nearly_of_flags), None)):
        _refuse(spoilt, where)
    if options.kind == "attributes" and flags:
        return _used(columns, flags, sure=False)
    if len(columns) == 1 and columns[0].is_index:
        return _used(columns, [], sure=False)
    if len(columns) == 1:
        return _used(columns, columns, sure=False)
    rivals = [c for c in open_to if c.nature in ("measures", "unique") or (c.nature == "captions" and not words)]
    if len(flags) > 1 and not words:
        said = [c.name for c in columns if c not in flags and c.nature in NOTABLE and not c.is_aside]
        remark = (f"{where}: the labels are {_and(flags)}; {_listed(said)} not used.",) if said else ()
        return _used(columns, flags, sure=False, remarks=remark)
    plausible = [*words, *flags]
    about = [column for column in columns if column.is_about and column.nature in ("values", "flags", "measures")]
    if plausible and about:
        plausible += [column for column in about if column.nature != "measures"]
        rivals += about
    if len(plausible) == 1 and not rivals:
        others = [c.name for c in open_to if c not in plausible and c.nature != "empty"]
        remark = (f"{where}: the label is {plausible[0].name!r}; {_listed(others)} not used.",) if others else ()
        return _used(columns, plausible, sure=False, remarks=remark)
    if not plausible:
        only = [column for column in open_to if column.nature != "empty"]
        return _used(columns, only if len(only) == 1 else [], sure=False)
    answers = list(extra)
    if len(flags) > 1:
        answers = [f"--label-column {shlex.quote(','.join(c.name for c in flags))}", *answers]
        plausible = [column for column in plausible if column not in flags]
    raise _question(f"{where}: which column is the label? {_described([*open_to, *about])}.", plausible, answers)


def _used(
    columns: Sequence[Column], used: Sequence[Column], sure: bool = True, remarks: tuple[str, ...] = ()
) -> Chosen:
    unused = {column.name: WHY.get(column.nature, "") for column in columns if column not in used}
    return Chosen(used, unused, sure, remarks)


def _refuse(column: Column, where: str) -> None:
    word = next(word for word in column.counts if word.casefold() not in (*YES, *NO))
    row = next(row for row, cell in enumerate(column.cells, start=1) if plain(cell) == word)
    wanted = "wanted 1 or 0 (or -1), or nothing where it is not known"
    raise CondgenError(f"{where}, row {row}, {column.name}: {wanted}, found {word[:40]!r}.")


def _question(doubt: str, columns: Sequence[Column], extra: Sequence[str]) -> Question:
    return Question(doubt, [*(f"--label-column {shlex.quote(column.name)}" for column in columns[:8]), *extra])


def _described(columns: Sequence[Column]) -> str:
    shown = [f"{c.name!r} has {len(c.counts):,} different values" for c in columns if c.counts][:5]
    return ", ".join(shown)


def _and(columns: Sequence[Column]) -> str:
    names = [repr(column.name) for column in columns]
    return ", ".join(names[:4]) + (f" and {len(names) - 4:,} more" if len(names) > 4 else "")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:4])) + (f" and {len(names) - 4:,} more" if len(names) > 4 else "")
    return f"{shown} {'is' if len(names) == 1 else 'are'}"
