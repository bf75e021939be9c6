"""The command `doctor`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from condgen.cli.command import Command
from condgen.tables import as_json

if TYPE_CHECKING:
    from condgen.checkup import Checkup
    from condgen.machine import Machine


def doctor_(run: Path | None = None, *, json: bool = False) -> str:
    """Show versions, devices and known problems of this machine, or verify the files of a run.

    With RUN, every file of the folder is verified, and the repair of each damaged file is named.
    The exit code is 1 if a file is damaged or missing.

    Args:
        run: Folder of a run or of an export whose files are verified.
        json: Print JSON instead of text.
    """
    if run is None:
        from condgen import machine

        found = machine.inspected()
        return as_json(found.to_json()) if json else on_one_screen(found)
    from condgen import checkup

    checked = checkup.check(run.expanduser())
    said = as_json(checked.to_json()) if json else damaged_files(checked)
    if checked.sound:
        return said
    sys.stdout.write(f"{said}\n")
    raise SystemExit(1)


def on_one_screen(found: "Machine") -> str:
    """One line per kind of fact, then the problems."""
    lines = []
    for name, value in found.to_json().items():
        if isinstance(value, dict):
            value = "   ".join(f"{key} {part or '-'}" for key, part in value.items())
        if name != "traps":
            lines.append(f"{name:10} {', '.join(value) if isinstance(value, list) else value}")
    return "\n".join([*lines, "", *(found.traps or ["no known problems."])])


def damaged_files(found: "Checkup") -> str:
    """A line for each damaged or missing file with its repair, and the number of intact ones."""
    bad = [file for file in found.files if file.state != "sound"]
    lines = [f"{file.file}: {file.state}{f' ({file.note})' if file.note else ''}\n  {file.mend}" for file in bad]
    count = len(found.files)
    sound = f"{count - len(bad)} of {count} files of {str(found.folder)!r} are intact."
    old = sum(bool(file.note) and file.state == "sound" for file in found.files)
    return "\n".join([*lines, sound, *([f"{old} of them have no checksum to detect damage."] if old else [])])


COMMANDS = {"doctor": Command(doctor_, "[RUN] [OPTIONS]")}
