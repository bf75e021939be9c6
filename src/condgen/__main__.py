"""`python -m condgen`, and the command `condgen`."""

from collections.abc import Callable
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and end the process; Ctrl-C is answered before the first large import."""
    from condgen import exits

    exits.guard(_command_line)


def _command_line() -> Callable[[], None]:
    from condgen import cli

    return cli.main


if __name__ == "__main__":
    main()
