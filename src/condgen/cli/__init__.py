"""The command line: `condgen train | sample | serve | figure | evaluate | compare | report | augment | export |
push | inspect | list | cite | doctor | completion`.

The library does the work and returns values; this package turns them into words, tables and exit codes. The options and
help texts of a command come from the function of the library that it calls. The options of a system are the fields of
its `Config`. A user's mistake prints one line on stderr and exits with code 2.

app.py          the application with all commands
command.py      a command: a function of the library, and the text for the value that it returns
other_words.py  options that other programs have
general_options.py  options from a file or from the environment, and the language
signatures.py   options of a system, of a generator and of the data as options of a command
generating.py  measuring.py  sharing.py  data.py  lists.py  doctor.py    the commands
"""

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from cyclopts import CycloptsError
from pydantic import ValidationError

from condgen import bounds, exits, folders
from condgen.cli import general_options, other_words
from condgen.cli.app import application as application
from condgen.errors import CondgenError
from condgen.former import current_words
from condgen.schema import in_one_line


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and print its result. A mistake of the user ends the process with code 2."""
    words = list(sys.argv[1:] if argv is None else argv)
    words = current_words(words)
    if argv is None:  # child processes, such as those that a library starts, do not import from the working folder
        os.environ["PYTHONSAFEPATH"] = "1"
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a character that the terminal cannot encode is replaced
    try:
        result = run(words)
        if result is not None:
            sys.stdout.write(f"{result}\n")
        sys.stdout.flush()
    except KeyboardInterrupt:
        raise SystemExit(exits.INTERRUPTED) from None
    except Exception as error:
        code = exits.ended(error, words, (CondgenError, CycloptsError))
        if code is None:
            raise
        raise SystemExit(code) from error


def run(words: Sequence[str]) -> str | None:
    """Run one command and return what it prints. Numbers out of bounds are rejected before it starts."""
    words, sources = general_options.taken_from(general_options.in_language(words))
    other_words.explain(words)
    try:
        command, given, _ = application(words, sources).parse_args(words)
    except CycloptsError as error:
        if isinstance(error.__cause__, ValidationError):
            raise CondgenError(in_one_line(error.__cause__)) from None
        raise
    bounds.check(command.__name__, given.arguments)
    with folders.remembering():
        printed: str | None = command(*given.args, **given.kwargs)
        return printed
