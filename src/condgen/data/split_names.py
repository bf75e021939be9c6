"""Finds the word for a split, such as train or val, in the name of a file or an array."""

import re

from condgen.data.listing import SPLITS

WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
ALSO = {"t10k": "test", "eval": "validation", "evaluation": "validation", "holdout": "test"}


def words(name: str) -> list[str]:
    """The words of a name in lower case: trainX, train_x and "Train-X" are ["train", "x"]."""
    return [found.lower() for found in WORDS.findall(name)]


def split_of(name: str) -> str | None:
    """The split that a path names: train, validation or test; None if it names none, or several.

    The last part of the path that names a split decides, so train/test.parquet is a test split.
    """
    for part in reversed(name.split("/")):
        known = SPLITS | ALSO
        found = {known[word] for word in [*words(part), *re.split("[^a-z0-9]+", part.lower())] if word in known}
        if found:
            return found.pop() if len(found) == 1 else None
    return None
