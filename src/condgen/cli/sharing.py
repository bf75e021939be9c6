"""The commands `export`, `push` and `serve`."""

from condgen import exports, shell
from condgen.cli.command import Command
from condgen.exports import FORMATS, Export
from condgen.serving import launch

LISTED = ", ".join(f"{name} ({format.summary})" for name, format in FORMATS.items())
FORMAT = f"Program to add to the weights and the model card: {LISTED}."


def next_steps(found: Export) -> str:
    """The location of the export, and commands to continue with."""
    folder = found.folder
    if found.is_page:
        return f"{folder}\n  open it in a browser; it needs no network."
    return (
        f"{folder}\n"
        f"  model card: {folder / 'README.md'}\n"
        f"  generate images: condgen sample {shell.path(folder)} --count 10 --grid --out images.png\n"
        f"  share: condgen push {shell.path(folder)} OWNER/NAME"
    )


COMMANDS = {
    "serve": Command(launch.serve, "RUN [OPTIONS]"),
    "export": Command(exports.export, "RUN [OPTIONS]", next_steps, help={"format": FORMAT}),
    "push": Command(exports.push, "FOLDER OWNER/NAME [OPTIONS]"),
}
