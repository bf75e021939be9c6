"""Parses untrusted JSON: limits size and depth, and refuses non-finite numbers and duplicate keys. Needs no torch."""

import json
from pathlib import Path
from typing import Any, NoReturn

from condgen.errors import CondgenError

LARGEST = 2**20
"""Maximum size of a JSON file in bytes: 1 MiB, which is enough for about 20,000 class names."""


class Refused(CondgenError):
    """A file was refused because it is invalid: damaged or malicious."""


def read(path: Path) -> Any:
    """Read the JSON in a file. Raises Refused, with the name of the file in the message."""
    try:
        if not path.is_file():
            raise Refused("is missing")
        with path.open("rb") as file:
            return loads(file.read(LARGEST + 1))
    except (Refused, OSError) as error:
        raise Refused(f"{str(path)!r} {error if isinstance(error, Refused) else error.strerror}.") from None


def loads(data: bytes) -> Any:
    """Parse JSON. Raises Refused, whose message continues a sentence that begins with the name of the file."""
    if len(data) > LARGEST:
        raise Refused(f"has more than {LARGEST:,} bytes")
    try:
        return json.loads(data.decode(), object_pairs_hook=_without_doubles, parse_constant=_not_finite)
    except ValueError as error:
        raise Refused(f"is not JSON ({str(error)[:80]})") from None
    except RecursionError:
        raise Refused("has brackets that are nested too deeply") from None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Refused("contains a key twice")
    return found


def _not_finite(word: str) -> NoReturn:
    raise Refused(f"contains {word}")
