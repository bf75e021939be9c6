"""The command line: `condgen train | sample | serve | figure | evaluate | compare | report | augment | export |
push | inspect | list | cite | doctor`.

The commands, their options and their help texts come from the functions in `condgen.api` and `condgen.verbs`. The
options of a system are the fields of its `Config`. A user's mistake prints one line on stderr and exits with code 2.
"""

import inspect
import os
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from cyclopts import App, CycloptsError, Parameter
from pydantic import ValidationError

from condgen import api, bounds, disk, exits
from condgen.errors import CondgenError, unknown
from condgen.former import current_words
from condgen.plugins import is_path
from condgen.result import Result
from condgen.schema import in_one_line
from condgen.signatures import sampling_options_among, with_json, with_sampling_options, with_settings
from condgen.systems import DEFAULT, presets
from condgen.tables import as_json, as_lines, as_table
from condgen.verbs import augment, compare, evaluate, export, figures, report, serve
from condgen.verbs import inspect as inspect_verb
from condgen.version import __version__

TRAIN, SAMPLE = "Usage: condgen train [SYSTEM] [OPTIONS]", "Usage: condgen sample RUN [OPTIONS]"
EVALUATE = "Usage: condgen evaluate [RUN] [OPTIONS]"
AUGMENT = "Usage: condgen augment DATA --run RUN [OPTIONS]"


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
        if isinstance(result, str | Path | Result):
            sys.stdout.write(f"{result}\n")
        sys.stdout.flush()
    except KeyboardInterrupt:
        raise SystemExit(exits.INTERRUPTED) from None
    except Exception as error:
        code = exits.ended(error, words, (CondgenError, CycloptsError))
        if code is None:
            raise
        raise SystemExit(code) from error


def run(words: Sequence[str]) -> Any:
    """Run one command and return its result. Numbers out of bounds are rejected before it starts."""
    try:
        command, given, _ = application(words).parse_args(words)
    except CycloptsError as error:
        if isinstance(error.__cause__, ValidationError):
            raise CondgenError(in_one_line(error.__cause__)) from None
        raise
    bounds.check(command.__name__, given.arguments)
    with disk.remembering():
        return command(*given.args, **given.kwargs)


def application(words: Sequence[str]) -> App:
    """The application with all commands. `train` has the options of the system that is named in `words`."""
    app = App(
        name="condgen",
        help="Train label-conditioned image generators on your own images; sample, evaluate, compare and share them.",
        version=__version__,
        help_format="plaintext",
        help_flags=["--help", "-h"],
        default_parameter=Parameter(negative=()),  # no --no-quiet
        exit_on_error=False,
        print_error=False,
        result_action="return_value",
    )

    options = sampling_options_among(words[1:])

    def sampling(verb: Callable[..., Any]) -> Callable[..., Any]:
        takes = any(p.kind is p.VAR_KEYWORD for p in inspect.signature(verb).parameters.values())
        return with_sampling_options(verb, options) if takes else verb

    app.command(with_settings(api.train, words[1:]) if words[:1] == ["train"] else train, name="train", usage=TRAIN)
    app.command(sampling(api.sample), name="sample", usage=SAMPLE)
    app.command(sampling(serve.serve), name="serve", usage="Usage: condgen serve RUN [OPTIONS]")
    app.command(figures_app([sampling(function) for function in figures.FIGURES]))
    app.command(with_json(sampling(evaluate.evaluate)), name="evaluate", usage=EVALUATE)
    app.command(with_json(compare.compare), name="compare", usage="Usage: condgen compare RUN... [OPTIONS]")
    app.command(report.report, name="report", usage="Usage: condgen report RUN... [OPTIONS]")
    app.command(with_json(sampling(augment.augment)), name="augment", usage=AUGMENT)
    app.command(sampling(export.export), name="export", usage="Usage: condgen export RUN [OPTIONS]")
    app.command(export.push, name="push", usage="Usage: condgen push FOLDER OWNER/NAME [OPTIONS]")
    app.command(with_json(inspect_verb.inspect), name="inspect", usage="Usage: condgen inspect DATA [OPTIONS]")
    app.command(list_, name="list")
    app.command(cite, name="cite")
    app.command(doctor_, name="doctor", usage="Usage: condgen doctor [RUN] [OPTIONS]")
    return app


def figures_app(functions: Sequence[Callable[..., Path]]) -> App:
    """The application for `condgen figure WHAT RUN`, with one command per function."""
    app = App(name="figure", help="Figures of a run: grids, interpolations, latent spaces, curves, animations.")
    for function in functions:
        name = function.__name__.replace("_", "-")
        app.command(function, name=name, usage=f"Usage: condgen figure {name} RUN [OPTIONS]")
    return app


def train(system: str = DEFAULT, **options: Any) -> None:
    api.train(system, **options)


train.__doc__ = api.train.__doc__


def list_(what: str = "all", *, json: bool = False) -> str:
    """List the available systems and data sets, or show one system in full.

    Args:
        what: systems, data, all, or the name of a system.
        json: Print JSON instead of text.
    """
    from condgen.verbs import listing

    tables = {"systems": listing.systems, "data": listing.data}
    if what not in (*tables, "all"):
        if what not in presets() and not is_path(what):
            raise unknown("system or table", what, [*tables, "all", *presets()])
        entry = listing.system(what)
        return as_json(entry) if json else as_lines(entry)
    chosen = {name: tables[name]() for name in tables if what in (name, "all")}
    return as_json(chosen.get(what, chosen)) if json else "\n\n".join(map(as_table, chosen.values()))


def cite(system: str) -> str:
    """Print the BibTeX entries of the papers that a system implements.

    Args:
        system: A preset from `condgen list systems`.
    """
    from condgen.verbs import listing

    return listing.citation(system)


def doctor_(run: Path | None = None, *, json: bool = False) -> str:
    """Show versions, devices and known problems of this machine, or verify the files of a run.

    With RUN, every file of the folder is verified, and the repair of each damaged file is named.
    The exit code is 1 if a file is damaged or missing.

    Args:
        run: Folder of a run or of an export whose files are verified.
        json: Print JSON instead of text.
    """
    if run is not None:
        from condgen.verbs import checkup

        folder = run.expanduser()
        files = checkup.check(folder)
        said = as_json(checkup.as_plain(folder, files)) if json else checkup.as_screen(folder, files)
        if all(file.state == "sound" for file in files):
            return said
        sys.stdout.write(f"{said}\n")
        raise SystemExit(1)
    from condgen.verbs import doctor

    found = doctor.findings()
    return as_json(found) if json else doctor.as_screen(found)
