"""Formats plain data as text: tables, lines and JSON for a terminal; CSV, Markdown and LaTeX for other programs."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

WIDE = 200
"""Width, in characters, of a table that is written to a file or a pipe."""


def as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def as_table(entries: list[dict[str, Any]]) -> str:
    """Format a table with one row per entry and one column per key. All entries have the same keys."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*entries[0], box=None, header_style="bold", pad_edge=False)
    for entry in entries:
        table.add_row(*(Text(in_one_line(_cell(value))) for value in entry.values()))  # names may contain markup
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDE
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip()


def as_csv(entries: Sequence[Mapping[str, Any]]) -> str:
    """Format a table as CSV. None becomes an empty cell, and numbers are not rounded."""
    text = io.StringIO()
    writer = csv.DictWriter(text, entries[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(entries)
    return text.getvalue().rstrip("\n")


def as_markdown(entries: Sequence[Mapping[str, Any]]) -> str:
    """Format a table as GitHub's Markdown."""
    rows = [[*entries[0]], ["---"] * len(entries[0]), *([*entry.values()] for entry in entries)]
    cells = [[in_one_line(_cell(value)).replace("|", "\\|") for value in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def as_latex(entries: Sequence[Mapping[str, Any]]) -> str:
    """Format a table as LaTeX, for the package booktabs."""
    head, *rows = ([*entries[0]], *([*entry.values()] for entry in entries))
    lines = [" & ".join(_in_latex(in_one_line(_cell(value))) for value in row) + r" \\" for row in (head, *rows)]
    columns = "l" + "r" * (len(head) - 1)
    body = "\n".join(lines[1:])
    return f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{lines[0]}\n\\midrule\n{body}\n\\bottomrule\n\\end{{tabular}}"


def _in_latex(text: str) -> str:
    names = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$"}
    return "".join(names.get(sign) or (f"\\{sign}" if sign in "&%$#_{}" else sign) for sign in text)


def as_lines(entry: dict[str, Any]) -> str:
    """Format one line per value. Each value of a nested entry has its own line."""
    from condgen.schema import option  # imported here: pydantic takes as long to import as all the rest of --help

    lines = []
    for name, value in entry.items():
        if name == "parameters" or isinstance(value, str):
            lines.append(f"{name:12} {_cell(value)}")
        elif isinstance(value, dict):
            lines += [f"{name:12} {option(key)} {setting}" for key, setting in value.items()]
        else:
            lines += [f"{name:12} {sentence}" for sentence in value]
    return "\n".join(lines)


def in_one_line(text: str) -> str:
    """Replace control characters, which a terminal would interpret."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_cell(number)}" for key, number in value.items())
    if isinstance(value, list):
        return " to ".join(map(_cell, value))
    return f"{value:,}" if isinstance(value, int) else str(value)
