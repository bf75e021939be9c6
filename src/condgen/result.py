"""The base of the values that the functions of the library return.

`condgen.evaluate`, `compare`, `inspect`, `audit`, `augment`, `report` and `export` each return a frozen dataclass of
this class. It shows itself as text, and gives and saves its content as plain data.
"""

import html
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from condgen import disk


class Result:
    """What a function of the library found, as a value.

    `str(result)` is a text for people, `to_json()` plain data for programs. `result[key]` and iteration read the data.
    """

    @abstractmethod
    def to_json(self) -> Any:
        """Dictionaries, lists, numbers and strings, as `--json` prints them."""

    @abstractmethod
    def __str__(self) -> str:
        """Tables and sentences, as a terminal shows them."""

    @property
    def data(self) -> Any:
        """The same as `to_json()`."""
        return self.to_json()

    @property
    def text(self) -> str:
        """The same as `str(result)`."""
        return str(self)

    def __getitem__(self, key: Any) -> Any:
        return self.to_json()[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.to_json())

    def _repr_html_(self) -> str:
        """Representation in a notebook: the text."""
        return f"<pre>{html.escape(str(self))}</pre>"

    def save(self, path: str | Path) -> Path:
        """Write the data as JSON and return the path. Raises DiskError if that fails."""
        target = Path(path).expanduser()
        disk.write_json(target, self.to_json())
        return target
