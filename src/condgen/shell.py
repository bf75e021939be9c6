"""Commands that are printed for users to paste into a shell."""

import shlex
import subprocess
from pathlib import Path

from condgen import windows


def path(place: str | Path) -> str:
    """A path as one word of a command. One that begins with a hyphen would be read as an option."""
    text = str(place)
    return word(f"./{text}" if text.startswith("-") else text)


def word(text: str) -> str:
    """A value as one word of a command. On Windows, neither cmd nor programs take single quotes as such."""
    return subprocess.list2cmdline([text]) if windows.IS_WINDOWS else shlex.quote(text)
