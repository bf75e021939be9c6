"""Parses untrusted JSON: limits size and depth, and refuses non-finite numbers and duplicate keys. Needs no torch."""

import json
from pathlib import Path
from typing import Any, NoReturn

from condgen.errors import CondgenError

LARGEST = 2**20
"""Bytes of any JSON that is read: 1 MB, some 20,000 class names."""


class Refused(CondgenError):
    """A file that is not what it should be: damaged, or made to do harm."""


def read(path: Path) -> Any:
    """The JSON in a file. Raises Refused, naming it."""
    try:
        if not path.is_file():
            raise Refused("is missing")
        with path.open("rb") as file:
            return loads(file.read(LARGEST + 1))
    except (Refused, OSError) as error:
        raise Refused(f"{str(path)!r} {error if isinstance(error, Refused) else error.strerror}.") from None


def loads(data: bytes) -> Any:
    """Raises Refused, its words to follow the name of what was read."""
    if len(data) > LARGEST:
        raise Refused(f"has more than {LARGEST:,} bytes")
    try:
        return json.loads(data.decode(), object_pairs_hook=_without_doubles, parse_constant=_not_finite)
    except ValueError as error:
        raise Refused(f"is no JSON ({str(error)[:80]})") from None
    except RecursionError:
        raise Refused("has endless brackets inside one another") from None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Refused("names something twice")
    return found


def _not_finite(word: str) -> NoReturn:
    raise Refused(f"holds {word}")
