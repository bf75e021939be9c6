"""Plain data as text for a terminal: tables, lines, JSON."""

import json
from typing import Any

WIDE = 200
"""Columns of a table that goes into a file or a pipe."""


def as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def as_table(entries: list[dict[str, Any]]) -> str:
    """Entries with the same keys as columns of text."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*entries[0], box=None, header_style="bold", pad_edge=False)
    for entry in entries:
        table.add_row(*(Text(_in_one_line(_cell(value))) for value in entry.values()))  # no markup in a name
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDE
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip()


def as_lines(entry: dict[str, Any]) -> str:
    """One entry, a line a value; of nested ones a line each."""
    from condgen.config import option  # the schema's library takes as long to import as all the rest of --help

    lines = []
    for name, value in entry.items():
        if name == "parameters" or isinstance(value, str):
            lines.append(f"{name:12} {_cell(value)}")
        elif isinstance(value, dict):
            lines += [f"{name:12} {option(key)} {setting}" for key, setting in value.items()]
        else:
            lines += [f"{name:12} {sentence}" for sentence in value]
    return "\n".join(lines)


def _in_one_line(text: str) -> str:
    """Without control characters, which a terminal would obey."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_cell(number)}" for key, number in value.items())
    if isinstance(value, list):
        return " to ".join(map(_cell, value))
    return f"{value:,}" if isinstance(value, int) else str(value)
