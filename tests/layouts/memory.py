"""A store whose files exist only by name, except for those whose contents are given."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from condgen.data.found import is_excluded, is_hidden, patterns_in
from condgen.data.store import LARGEST, Bad, Store
from condgen.marker import Mark

NOTHING: Mapping[str, bytes] = {}


class Memory(Store):
    """Files by name. Those without contents cannot be read, as if they were images that nobody opens yet."""

    def __init__(self, names: Sequence[str], exclude: str = "", contents: Mapping[str, bytes] = NOTHING) -> None:
        """contents: bytes of some files, by name."""
        patterns = patterns_in(exclude)
        seen = [name for name in sorted({*names, *contents}) if not any(map(is_hidden, name.split("/")))]
        self.excluded_names = [name for name in seen if is_excluded(name, patterns)]
        gone = {*self.excluded_names}
        self.path, self._names = Path("pets"), [name for name in seen if name not in gone]
        self._contents = contents

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
        if name in self._contents:
            return self._contents[name][:most]
        if name.endswith((".docx", ".mp4", ".pbtxt")):
            return b"something else"
        raise Bad("is only a name" if name in self._names else "is missing")

    def stamp(self, names: Iterable[str]) -> str:
        return ""
