"""The application with all commands."""

from collections.abc import Sequence
from typing import Any, Literal

from cyclopts import App, Parameter

from condgen.cli import data, doctor, generating, lists, measuring, sharing
from condgen.cli.command import Command
from condgen.cli.signatures import sampling_options_among, signed
from condgen.language import translated
from condgen.options import Option
from condgen.version import __version__

COMMANDS: dict[str, Command] = {
    **generating.COMMANDS, **measuring.COMMANDS, **sharing.COMMANDS, **data.COMMANDS, **lists.COMMANDS,
    **doctor.COMMANDS,
}  # fmt: skip
"""Every command except `train`, `figure` and `completion`."""


def application(words: Sequence[str], sources: Sequence[Any] = ()) -> App:
    """The application with all commands. `train` has the options of the system that is named in `words`.

    sources: where options that are not typed come from (`general_options`).
    """
    app = App(
        name="condgen",
        help=translated(
            "Train label-conditioned image generators on your own images; sample, evaluate, compare and share them."
        ),
        help_epilogue=translated(
            "condgen sample digits --labels 8 needs no training: digits and clothes are ready-made generators. "
            "--config FILE of any command reads its options from a TOML, YAML or JSON file; --lang zh is Chinese."
        ),
        config=sources,
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
    summary = translated("Figures of a run: grids, interpolations, latent spaces, curves, animations.")
    figure = App(name="figure", help=summary)
    _add(figure, generating.FIGURES, options, "figure ")
    app.command(figure)
    app.command(signed(completion, completion, []))
    return app


def completion(shell: Literal["bash", "zsh", "fish", "powershell"], /) -> str:
    """Print a script with which a shell completes commands and options.

    bash: condgen completion bash > ~/.local/share/bash-completion/completions/condgen

    Args:
        shell: The shell to write for. See docs/cli.md for where it looks for the script.
    """
    return application(["train"]).generate_completion(shell=shell)


def _add(app: App, commands: dict[str, Command], options: Sequence[Option], before: str = "") -> None:
    for name, command in commands.items():
        usage = {"usage": f"Usage: condgen {before}{name} {command.usage}"} if command.usage else {}
        app.command(command.callable(options), name=name, **usage)
