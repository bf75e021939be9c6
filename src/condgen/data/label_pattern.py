"""--label-pattern: where the label is in the path of an image.

    {label}_{n}.jpg           cat_12.jpg is a cat; {label} takes as much as it can: great_dane_3.jpg is a great_dane
    {split}/{label}/{n}.jpg   the last folders of the path are the split and the label
    /{label}/**               the first folder is the label, whatever is inside

* matches any part of a name, ** any number of folders. Other names in braces match any part of a name. A pattern that
begins with a slash describes the whole path, any other its end.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from condgen.data.words import split_in
from condgen.errors import CondgenError


class Found(NamedTuple):
    """The label in a path, and the split if the pattern names it."""

    label: str
    split: str | None


class Pattern:
    """A compiled pattern. Raises CondgenError if it has no {label}."""

    def __init__(self, text: str) -> None:
        if text.count("{label}") != 1:
            raise CondgenError(f"--label-pattern {text!r} needs {{label}} once, such as '{{label}}_{{n}}.jpg'.")
        self.text = text
        start = "^" if text.startswith("/") else "(?:^|/)"
        parts = "".join(map(_part, _parts(text.removeprefix("/"))))
        self._match = re.compile(f"{start}{parts}$", re.IGNORECASE).search

    def find(self, path: str) -> Found | None:
        """The label of an image, given its path inside the data; None if the pattern does not match."""
        if not (match := self._match(path)):
            return None
        named = match.groupdict()
        if "split" not in named:
            return Found(named["label"], None)
        split = split_in(named["split"])
        return Found(named["label"], split) if split else None


def suggested(names: Sequence[str]) -> str | None:
    """A pattern for file names that begin with a label: cat.0.jpg, Abyssinian_12.jpg. None if the names show none.

    There have to be at least two labels, and twice as many images as labels.
    """
    for sign in "._- ":
        matches = [
            re.fullmatch(rf"(.*[^\d\W].*|.+?){re.escape(sign)}[^/{re.escape(sign)}]*(\.\w+)", name) for name in names
        ]
        labels = {match[1] for match in matches if match}
        if all(matches) and 2 <= len(labels) <= len(names) / 2:
            return f"{{label}}{sign}{{n}}.*"
    return _by_fields(names)


def _by_fields(names: Sequence[str]) -> str | None:
    """A pattern for names of several fields, such as 26_1_0_2017.jpg, that takes the first as the label."""
    fields = [name.rsplit(".", 1)[0].split("_") for name in names]
    count = len(fields[0]) if fields else 0
    if count < 2 or any(len(some) != count for some in fields) or len({some[0] for some in fields}) < 2:
        return None
    return "_".join(["{label}", *(f"{{field{number}}}" for number in range(2, count + 1))]) + ".*"


def _parts(text: str) -> list[str]:
    return [part for part in re.split(r"(\{\w+\}|\*\*/|\*\*|\*)", text) if part]


def _part(part: str) -> str:
    if part.startswith("*"):
        return {"*": "[^/]*", "**": ".*", "**/": "(?:.*/)?"}[part]
    if re.fullmatch(r"\{(label|split)\}", part):
        return f"(?P<{part[1:-1]}>[^/]+)"
    return "[^/]+" if re.fullmatch(r"\{\w+\}", part) else re.escape(part)
