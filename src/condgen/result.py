"""The result of a command as a value: text for the terminal, plain data for programs, and optionally a file."""

import html
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from condgen import disk


@dataclass(frozen=True, repr=False)
class Result:
    """The result of `condgen.evaluate`, `compare`, `inspect`, `augment` or `export`."""

    data: Any
    """Dictionaries, lists, numbers and strings, as `--json` prints them."""
    text: str
    """The result as text, as the command line prints it."""

    def __getitem__(self, key: Any) -> Any:
        return self.data[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.data)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        keys = ", ".join(map(str, self.data)) if isinstance(self.data, dict) else f"{len(self.data)} entries"
        return f"Result({keys if len(keys) <= 80 else f'{keys[:79]}…'})"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.text)}</pre>"

    def to_json(self) -> str:
        return json.dumps(self.data, indent=2, ensure_ascii=False)

    def save(self, path: str | Path) -> Path:
        """Write the data as JSON and return the path. Raises DiskError if that fails."""
        target = Path(path).expanduser()
        disk.write_json(target, self.data)
        return target
