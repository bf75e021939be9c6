"""`python -P -m condgen`, and the command `condgen`. (Without -P, Python itself imports a few modules from the working
folder, before it comes to condgen/__init__.py, which takes that folder off the path.)"""

import os
import signal
import sys


def main() -> None:
    """Run the command line and end the process. Until it is loaded, Ctrl-C ends the process at once: nothing is written
    yet, and an import that is cut short may fail in any way."""
    heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # else somebody wants it ignored
    if heeded:
        signal.signal(signal.SIGINT, lambda number, frame: os._exit(130))
    from condgen import exits

    exits.keep_standard_streams()
    with exits.ending():
        from condgen import cli

        if heeded:
            signal.signal(signal.SIGINT, exits.on_interrupt)
        cli.main(sys.argv[1:])


if __name__ == "__main__":
    main()
