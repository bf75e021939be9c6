"""Mistakes that the person at the keyboard can mend."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches


class CondgenError(Exception):
    """One line: what was wrong, what was found, what to do.

    The command line prints it without a traceback and ends with exit code 2.
    """


SHOWN, COMPARED = 20, 5000
"""Names that an error lists, and names that a misspelt word is compared with."""


def unknown(kind: str, word: str, names: Iterable[str]) -> CondgenError:
    """The error for a name that is not in a table; it names the nearest and lists what there is."""
    known = list(names)
    listed = [shortened(name) for name in known[:SHOWN]] + (["..."] if len(known) > SHOWN else [])
    hint = did_you_mean(word, known[:COMPARED])
    return CondgenError(f"unknown {kind} {shortened(word)!r}{hint} There are: {', '.join(listed)}.")


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """'; did you mean X?' if a name is near, else a full stop; upper and lower case count as equal."""
    if len(word) > LONG:
        return "."
    lowered = {name.lower(): name for name in names}
    near = get_close_matches(word.lower(), lowered, n=1, cutoff=0.5)
    return f"; did you mean {shortened(lowered[near[0]])!r}?" if near else "."


LONG = 100
"""Characters of a name that an error repeats."""


def shortened(text: str) -> str:
    """`text` on one line, without what a terminal would obey, and its middle left out if it is too long to read."""
    text = text if text.isprintable() else "".join(sign if sign.isprintable() else " " for sign in text)
    return text if len(text) <= LONG else f"{text[: LONG // 2]}...{text[-LONG // 4 :]}"


@contextmanager
def needs(extra: str) -> "Iterator[None]":
    """Imports of an optional extra; one that is missing is an error with the command that brings it."""
    try:
        yield
    except ImportError as error:
        raise CondgenError(f"this needs {error.name or error}: pip install 'condgen[{extra}]'.") from None


def notice(text: str) -> None:
    """Tell the person something that is no reason to stop: one line on stderr, so that --json stays clean."""
    sys.stderr.write(f"condgen: {' '.join(text.split())}\n")
