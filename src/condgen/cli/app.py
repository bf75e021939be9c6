"""The application with all commands."""

from collections.abc import Sequence

from cyclopts import App, Parameter

from condgen.cli import data, doctor, generating, lists, measuring, sharing
from condgen.cli.command import Command
from condgen.cli.signatures import sampling_options_among
from condgen.options import Option
from condgen.version import __version__

COMMANDS: dict[str, Command] = {
    **generating.COMMANDS, **measuring.COMMANDS, **sharing.COMMANDS, **data.COMMANDS, **lists.COMMANDS,
    **doctor.COMMANDS,
}  # fmt: skip
"""Every command except `train` and `figure`."""


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
    app.command(generating.train_of(words), name="train", usage="Usage: condgen train [SYSTEM] [OPTIONS]")
    _add(app, COMMANDS, options)
    figure = App(name="figure", help="Figures of a run: grids, interpolations, latent spaces, curves, animations.")
    _add(figure, generating.FIGURES, options, "figure ")
    app.command(figure)
    return app


def _add(app: App, commands: dict[str, Command], options: Sequence[Option], before: str = "") -> None:
    for name, command in commands.items():
        usage = {"usage": f"Usage: condgen {before}{name} {command.usage}"} if command.usage else {}
        app.command(command.callable(options), name=name, **usage)
