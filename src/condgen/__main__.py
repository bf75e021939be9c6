"""`python -P -m condgen` is `condgen`. (Without -P, Python itself imports a few modules from the working folder, before
it comes to condgen/__init__.py, which takes that folder off the path.)"""

from condgen.cli import main

if __name__ == "__main__":
    main()
