"""The command `inspect`."""

import sys
from functools import wraps
from typing import Any

from condgen import inspection
from condgen.cli.command import Command
from condgen.errors import CondgenError
from condgen.inspection import Inspection


@wraps(inspection.inspect)
def inspect(*args: Any, **options: Any) -> Inspection:
    """`condgen.inspect`. If the data cannot be understood, what is there is shown on stderr before the error."""
    try:
        return inspection.inspect(*args, **options)
    except CondgenError as error:
        sys.stderr.writelines(f"{line}\n" for line in error.outline)
        raise


def inspected(found: Inspection) -> str:
    """What was found, the table that was written and how it is used, and the names of the files."""
    table, said = found.table, list[str]()
    if table:
        use = f"{table.path}: {table.images:,} images with their labels, to correct and use: {table.command}"
        said = [*table.lost, use]
    return "\n\n".join([str(found), "\n".join([*said, f"{found.folder}: {', '.join(found.files)}"])])


COMMANDS = {"inspect": Command(inspect, "DATA [OPTIONS]", inspected, json=True)}
