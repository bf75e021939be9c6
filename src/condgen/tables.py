"""Formats plain data as text for a terminal: tables, lines, JSON."""

import json
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
