"""Reads a table from bytes: which encoding, which delimiter, which rows. What the columns mean is decided elsewhere.

.csv .tsv .tab .psv .txt   one row per line, with any usual delimiter and encoding
.jsonl .ndjson             one object per line
.json                      a list of objects; {file: label}; {label: [files]}; or {column: [values]}
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from typing import Any, Literal

from condgen.data.file_kinds import IMAGE_ENDINGS
from condgen.data.store import Store, bytes_of
from condgen.errors import CondgenError

ENDINGS = (".csv", ".tsv", ".tab", ".psv", ".jsonl", ".ndjson")
"""Endings of files that are tables."""
PERHAPS = (".txt", ".json")
"""Endings of files that may be tables: those that name images are."""
SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")
DELIMITERS = "\t,;|: "
"""In order of preference. The last two are used if no other one fits."""
SAMPLE = 100
"""Number of rows from which the delimiter follows."""
COCO = "it has boxes or outlines in COCO's format, not a label per image"
"""Why annotations of objects are no table of labels."""
NESTED = "(nested)"
"""Stands for a value that is no text, number or list of these."""
SINGLE_BYTE, MULTI_BYTE = ("cp1252", "cp1251", "cp1250", "cp1253"), ("gb18030", "shift_jis", "big5", "euc_kr")
"""Encodings that are tried where a table is in no Unicode encoding."""


@dataclass(frozen=True)
class Sheet:
    """The rows of a table as text, all of one length."""

    name: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    lines: Sequence[int]
    """The number of each row's line in the file."""
    headed: bool = True
    """Whether the columns have names. If not, they are called "column 1" and so on."""
    fault: str | None = None
    """Why the rest of the file could not be read."""
    remarks: tuple[str, ...] = ()

    def column(self, name: str) -> list[str]:
        at = self.columns.index(name)
        return [row[at] for row in self.rows]

    def headless(self) -> "Sheet":
        """The same table if its first line is not a header but a row."""
        names = tuple(f"column {number}" for number in range(1, len(self.columns) + 1))
        return replace(self, columns=names, rows=[self.columns, *self.rows], lines=[1, *self.lines], headed=False)


def sheet(store: Store, name: str) -> Sheet | None:
    """The table in a file; None if the file is none. Raises CondgenError if the file cannot be read."""
    data = bytes_of(store, name)
    text, remarks = decoded(data, name)
    ending = "." + name.lower().rsplit(".", 1)[-1]
    found: Sheet | None
    if ending in (".jsonl", ".ndjson"):
        found = _of_objects(name, _lines_of_json(text, name))
    elif ending == ".json":
        found = _of_json(name, text)
    else:
        found = _delimited(name, text)
    return found and replace(found, remarks=(*remarks, *found.remarks))


def decoded(data: bytes, name: str) -> tuple[str, tuple[str, ...]]:
    """The text of a file, and a remark if its encoding was inferred from its contents."""
    for mark, encoding in ((b"\xff\xfe\0\0", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(encoding, "replace"), ()
    try:
        if b"\0" not in data[:4096]:
            return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError as error:
        valid = sum(not sign.isascii() for sign in data.decode("utf-8", "ignore"))
        if valid >= 2 * data.decode("utf-8", "replace").count("\ufffd"):
            line = data.count(b"\n", 0, error.start) + 1
            raise CondgenError(f"{name}, line {line}: a byte that is no UTF-8, as the rest is; mend it.") from None
    return _inferred(data, name)


def _inferred(data: bytes, name: str) -> tuple[str, tuple[str, ...]]:
    from charset_normalizer import from_bytes  # imported here, because few tables need it

    runs = re.findall(rb"[\x80-\xff]+", data[:1_000_000])
    paired = 2 * sum(len(run) > 1 for run in runs) > len(runs)
    order = _multi_byte(data) + SINGLE_BYTE if paired else SINGLE_BYTE + MULTI_BYTE
    wide = ["utf_16_le", "utf_16_be"] if b"\0" in data[:4096] else []
    found = from_bytes(data, cp_isolation=[*wide, *order])
    best = min(found, key=lambda match: (match.chaos, (*wide, *order).index(match.encoding)), default=None)
    if best is None:
        raise CondgenError(f"table {name!r} is no text in a known encoding; save it as CSV in UTF-8.")
    encoding = min(best.could_be_from_charset, key=lambda name: (name not in order, [*order, name].index(name)))
    text = str(best).lstrip("\ufeff")
    strange = next((line.strip()[:60] for line in text.splitlines() if not line.isascii()), "")
    said = f"{name} is read as {encoding}, such as {strange!r}; if that is wrong, save it as UTF-8."
    return text, (said,) if strange else ()


def _multi_byte(data: bytes) -> tuple[str, ...]:
    """Encodings of East Asia, the likeliest first: nearly every Chinese text keeps to the signs of GB 2312."""
    try:
        data.decode("gb2312")
    except UnicodeDecodeError:
        return (*MULTI_BYTE[1:], MULTI_BYTE[0])
    return MULTI_BYTE


def as_cell(value: Any) -> str:
    """Convert a value to text, as it would be in a CSV file. Integers of any type are written as integers."""
    if isinstance(value, (list, tuple)) and not any(isinstance(part, (list, tuple, dict)) for part in value):
        return json.dumps([as_cell(part) for part in value], ensure_ascii=False)
    if isinstance(value, (list, tuple, dict)):
        return NESTED
    whole = isinstance(value, bool) or (isinstance(value, float) and value.is_integer())
    return "" if value is None else str(int(value)) if whole else str(value)


def _of_objects(name: str, objects: Iterator[tuple[int, Mapping[str, Any]]]) -> Sheet:
    """A table with the columns of all objects."""
    found, lines, columns, fault = list[Mapping[str, Any]](), list[int](), dict[str, None](), None
    try:
        for line, cells in objects:
            found.append(cells)
            lines.append(line)
            columns.update(dict.fromkeys(map(str, cells)))
    except CondgenError as error:
        fault = str(error)
    rows = [[as_cell(cells.get(column)) for column in columns] for cells in found]
    return Sheet(name, tuple(columns), rows, lines, fault=fault)


def _lines_of_json(text: str, name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                cells = dict(json.loads(line))
            except (ValueError, TypeError, RecursionError):
                raise CondgenError(f"{name}, line {number}: wanted one JSON object, found {line[:40]!r}.") from None
            yield number, cells


def _of_json(name: str, text: str) -> Sheet | None:
    """Raises CondgenError for annotations of objects."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(found, Mapping) and {"images", "annotations"} <= found.keys():
        raise CondgenError(f"{COCO}.")
    if isinstance(found, Mapping) and len(found) == 1 and isinstance(inner := next(iter(found.values())), (list, dict)):
        found = inner if not _is_list_of_text(inner) else found  # such as {"annotations": [...]}
    if isinstance(found, list) and found and all(isinstance(row, Mapping) for row in found):
        return _of_objects(name, enumerate(found, start=1))
    if isinstance(found, list) and found and all(_is_pair(row) for row in found):
        return _pairs(name, [(file, as_cell(label)) for file, label in found])
    return _of_mapping(name, found) if isinstance(found, Mapping) and found else None


def _of_mapping(name: str, found: Mapping[str, Any]) -> Sheet | None:
    """A table from {file: label}, {file: {column: value}}, {label: [files]} or {column: [values]}."""
    values = list(found.values())
    if all(isinstance(value, Mapping) for value in values):
        rows = enumerate(({"file": file, **cells} for file, cells in found.items()), start=1)
        return _of_objects(name, iter(rows))
    lists = [value for value in values if isinstance(value, list)]
    if all(map(_is_list_of_text, values)) and not all(file.lower().endswith(IMAGE_ENDINGS) for file in found):
        return _pairs(name, [(file, label) for label, files in found.items() for file in files])
    if len(lists) == len(values) and len({len(value) for value in lists}) == 1:
        rows = enumerate((dict(zip(found, cells, strict=True)) for cells in zip(*lists, strict=True)), start=1)
        return _of_objects(name, iter(rows))
    if any(isinstance(value, Mapping) for value in values):
        return None
    return _pairs(name, [(file, as_cell(label)) for file, label in found.items()])


def _pairs(name: str, rows: Sequence[tuple[str, str]]) -> Sheet:
    return Sheet(name, ("file", "label"), rows, range(1, len(rows) + 1))


def _is_list_of_text(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(part, str) for part in value)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)


def _delimited(name: str, text: str) -> Sheet | None:
    """A table whose rows are lines. Lines that begin with '#' before the first row are comments."""
    lines = text.splitlines(keepends=True)
    skipped = sum(1 for _ in takewhile(lambda line: line.startswith("#") or not line.strip(), lines))
    excel = re.fullmatch(r'"?sep=(.)"?\s*', lines[skipped]) if skipped < len(lines) else None
    skipped += bool(excel)
    body = "".join(lines[skipped:]).rstrip("\x1a\0")
    if not body.strip():
        return None
    delimiter = excel[1] if excel else _delimiter(body)
    if delimiter == " ":
        return _spaced(name, body, skipped)
    reader = csv.reader(
        io.StringIO(body, newline=""), delimiter=delimiter, skipinitialspace=True, quoting=_quoting(body)
    )
    try:
        columns = _header(next(reader), name)
    except csv.Error as error:
        return Sheet(name, (), [], [], fault=f"{name}, line {skipped + 1}: {error}.")
    rows, numbers, fault = list[list[str]](), list[int](), None
    try:
        for cells in filter(any, reader):
            if len(cells) < len(columns) or any(cells[len(columns) :]):
                found = f"{len(cells)} cells where the first line has {len(columns)}"
                raise CondgenError(f"{name}, line {skipped + reader.line_num}: {found}.")
            rows.append(cells[: len(columns)])
            numbers.append(skipped + reader.line_num)
    except csv.Error as error:
        fault = f"{name}, line {skipped + reader.line_num}: {error}."
    except CondgenError as error:
        fault = str(error)
    return Sheet(name, columns, rows, numbers, fault=fault)


def _quoting(body: str) -> Literal[0, 3]:
    """How quotes are meant: an odd number of them are no quotes around cells."""
    return csv.QUOTE_NONE if body.count('"') % 2 else csv.QUOTE_MINIMAL


def _spaced(name: str, body: str, skipped: int) -> Sheet:
    """Rows separated by spaces. If their lengths differ, the last word is the label and the file name has spaces."""
    lines = [(number, line) for number, line in enumerate(body.splitlines(), start=skipped + 1) if line.strip()]
    split = [line.split() for _, line in lines]
    if len({len(row) for row in split}) > 1:
        split = [line.rsplit(None, 1) for _, line in lines]
    if len({len(row) for row in split}) > 1:
        return Sheet(name, (), [], [], fault=f"{name}: lines with different numbers of words.")
    return Sheet(name, _header(split[0], name), split[1:], [number for number, _ in lines[1:]])


def _header(cells: Sequence[str], name: str) -> tuple[str, ...]:
    """Names of the columns; an empty one, such as pandas' index, gets a number. Empty ones at the end are dropped."""
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return tuple(cell or f"unnamed {number}" for number, cell in enumerate(names, start=1))


def _delimiter(body: str) -> str:
    """The delimiter that gives most rows the same number of cells, at least two; a comma if none does.

    csv.Sniffer is not used: it also takes letters for delimiters, and fails on quoted text.
    """
    sample = "".join(islice(io.StringIO(body, newline=""), SAMPLE))
    best, most = ",", (0.0, 0.0)
    for delimiter in DELIMITERS:
        try:
            rows = [row for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter) if any(row)]
        except csv.Error:
            continue
        if delimiter == " ":
            rows = [line.split() for line in sample.splitlines() if line.strip()]
        width = len(rows[0]) if rows else 0
        same = sum(len(row) == width for row in rows) / max(1, len(rows))
        if width > 1 and (score := (same, float(delimiter not in ": "))) > most:
            best, most = delimiter, score
    return best if most[0] > 0.5 or best not in ": " else ","
