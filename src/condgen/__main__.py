"""The entry point of `python -P -m condgen` and of the command `condgen`.

Without -P, Python imports a few modules from the working folder before condgen/__init__.py removes it from the path.
"""

import os
import signal


def main() -> None:
    """Run the command line and end the process.

    Until the command line is imported, Ctrl-C ends the process at once: nothing has been written yet, and an
    interrupted import may fail in any way.
    """
    heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # otherwise SIGINT is ignored
    if heeded:
        signal.signal(signal.SIGINT, lambda number, frame: os._exit(130))
    from condgen import exits

    exits.keep_standard_streams()
    with exits.ending():
        from condgen import cli

        if heeded:
            signal.signal(signal.SIGINT, exits.on_interrupt)
        cli.main()


if __name__ == "__main__":
    main()
