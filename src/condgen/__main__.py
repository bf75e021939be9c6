"""`python -m condgen` is `condgen`."""

from condgen.cli import main

if __name__ == "__main__":
    main()
