"""Errors that the user can correct, and notices."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches

from condgen.language import message


class CondgenError(Exception):
    """A one-line message: what is wrong, what was found, and how to correct it.

    The command line prints it without a traceback and ends with exit code 2.
    """

    outline: "Sequence[str]" = ()
    """If the error is about a folder or archive of data: lines that show what is in it, for `condgen inspect`."""


class Question(CondgenError):
    """Data that can be read in several ways. `answers` are command-line options; each of them settles it."""

    def __init__(self, doubt: str, answers: Sequence[str]) -> None:
        """doubt: what was understood and what is unclear, one or two sentences."""
        self.answers = tuple(answers)
        super().__init__(f"{doubt} Add {' or '.join(answers)}.")


SHOWN, COMPARED = 20, 5000
"""Maximum number of names that an error lists, and that a misspelt name is compared with."""


def unknown(kind: str, word: str, names: Iterable[str]) -> CondgenError:
    """The error for a name that is not in `names`. It suggests the nearest name and lists the available ones."""
    known = list(names)
    listed = [shortened(name) for name in known[:SHOWN]] + (["..."] if len(known) > SHOWN else [])
    hint = did_you_mean(word, known[:COMPARED])
    return CondgenError(f"unknown {kind} {shortened(word)!r}{hint} There are: {', '.join(listed)}.")


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """'; did you mean X?' if a similar name exists, else a full stop. Case is ignored."""
    if len(word) > LONG:
        return "."
    lowered = {name.lower(): name for name in names}
    near = get_close_matches(word.lower(), lowered, n=1, cutoff=0.5)
    return f"; did you mean {shortened(lowered[near[0]])!r}?" if near else "."


LONG = 100
"""Maximum length, in characters, of a name that an error repeats."""


def shortened(text: str) -> str:
    """`text` on one line without control characters, shortened in the middle if it is longer than LONG characters."""
    text = text if text.isprintable() else "".join(sign if sign.isprintable() else " " for sign in text)
    return text if len(text) <= LONG else f"{text[: LONG // 2]}...{text[-LONG // 4 :]}"


@contextmanager
def needs(extra: str) -> "Iterator[None]":
    """Within the context, convert an ImportError to a CondgenError that names the extra to install."""
    try:
        yield
    except ImportError as error:
        raise CondgenError(f"this needs {error.name or error}: pip install 'condgen[{extra}]'.") from None


def notice(text: str) -> None:
    """Print one line that does not stop the command. It goes to stderr, so that the output of --json stays valid."""
    sys.stderr.write(f"condgen: {message(' '.join(text.split()))}\n")


def aloud(text: str) -> None:
    """Print a line of progress to stderr, so that stdout contains only the result."""
    sys.stderr.write(f"{message(text)}\n")
