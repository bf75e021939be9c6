"""A store whose files exist only by name."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from condgen.data.store import LARGEST, Bad, Store, hidden, is_excluded
from condgen.marker import Mark


class Memory(Store):
    """Files by name. Those that are no images cannot be read."""

    def __init__(self, names: Sequence[str], exclude: str = "") -> None:
        patterns = [word.strip() for word in exclude.split(",") if word.strip()]
        seen = [name for name in names if not any(map(hidden, name.split("/")))]
        self.excluded_names = [name for name in seen if patterns and is_excluded(name, patterns)]
        self.path, self._names = Path("pets"), [name for name in seen if name not in self.excluded_names]

    @property
    def odd(self) -> dict[str, str]:
        return {}

    @property
    def own(self) -> dict[str, str]:
        return {}

    @property
    def excluded(self) -> list[str]:
        return self.excluded_names

    def names(self) -> list[str]:
        return self._names

    def within(self, folder: str) -> list[str]:
        return []

    def mark_of(self, folder: str) -> Mark | None:
        return None

    def read(self, name: str, most: int = LARGEST + 1) -> bytes:
        if name.endswith((".docx", ".mp4", ".pbtxt")):
            return b"something else"
        raise Bad("is only a name")

    def stamp(self, names: Iterable[str]) -> str:
        return ""
