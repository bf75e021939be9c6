"""Commands that are printed for users to paste into a shell."""

import shlex
from pathlib import Path


def path(place: str | Path) -> str:
    """A path as one word of a command. One that begins with a hyphen would be read as an option."""
    text = str(place)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def word(text: str) -> str:
    """A value as one word of a command."""
    return shlex.quote(text)
