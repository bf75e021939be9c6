"""What can be asked of a generator: one of K classes, or K attributes at once.

Both become a vector of zeros and ones of length K: one-hot for a class, multi-hot for attributes. Networks see only
that vector, so a system never asks which kind it is given.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Literal

from condgen.errors import CondgenError, unknown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Label = int | tuple[int, ...]
"""A class number, or one 0/1 value per attribute."""


UNKNOWN = -1
"""Of an attribute that nobody noted down. As a number for networks it is one half: neither on nor off."""


@dataclass(frozen=True)
class Labels:
    """The label set of a data set: names in order, and whether they exclude each other."""

    names: tuple[str, ...]
    kind: Literal["classes", "attributes"] = "classes"

    def __post_init__(self) -> None:
        if not self.names:
            raise CondgenError("a data set needs at least one label.")
        if len(set(self.names)) != len(self.names):
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise CondgenError(f"label {twice!r} stands twice in the label set; names must differ.")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def each(self) -> list[Label]:
        """Every label once: each class, or each attribute switched on alone."""
        if self.kind == "classes":
            return list(range(len(self)))
        return [tuple(int(i == j) for i in range(len(self))) for j in range(len(self))]

    def encode(self, labels: "Sequence[Label] | NDArray[np.integer]") -> "NDArray[np.float32]":
        """Labels as vectors: (n,) class numbers or (n, K) attribute values -> (n, K) of 0. and 1.; unknown is 0.5."""
        import numpy as np  # here, so that `condgen --help` and a mistake need no numpy

        array = np.asarray(labels)
        vectors: NDArray[np.float32] = np.eye(len(self), dtype=np.float32)
        return vectors[array] if self.kind == "classes" else np.where(array == UNKNOWN, 0.5, array).astype(np.float32)

    def title(self, label: Label) -> str:
        """The label in words: a class name, or the attributes that are on, joined by '+'."""
        if isinstance(label, tuple):
            return "+".join(name for name, on in zip(self.names, label, strict=True) if on) or "none"
        return self.names[label]

    def slug(self, label: Label) -> str:
        """The title as a part of a file name: letters, digits, '+', '_' and '-'; different labels differ."""
        slugs = [re.sub(r"[^\w]+", "-", name).strip("-_").lower() for name in self.names]
        if len(set(slugs)) < len(slugs) or not all(slugs):
            slugs = [f"{slug}-{i}" if slug else str(i) for i, slug in enumerate(slugs)]
        return Labels(tuple(slugs), self.kind).title(label)

    def parse(self, text: str) -> list[Label]:
        """Labels as people type them.

        Classes: ``8``, ``Sneaker``, ``0-9``, ``3,5,8``, ``all``. Attributes: ``Smiling``, ``Smiling+Blond_Hair`` (the
        others off), ``none``, ``all`` (each one alone). A name wins over a number.
        """
        if text.strip().lower() == "all":
            return self.each
        if self._find(text) is not None:  # a name may hold a comma or a hyphen itself
            return self._word(text)
        found = [label for word in text.split(",") if word.strip() for label in self._word(word)]
        if not found:
            raise CondgenError(f"no labels in {text!r}; give some of {self._range}, or all.")
        return found

    def check(self, label: object) -> Label:
        """A label given from Python, made canonical; raises if this label set has no such label."""
        if isinstance(label, str):
            found = self.parse(label)
            if len(found) != 1:
                raise CondgenError(f"{label!r} names {len(found)} labels where one is wanted.")
            return found[0]
        if self.kind == "attributes":
            values = tuple(int(v) for v in label) if isinstance(label, Iterable) else None
            if values is None or len(values) != len(self) or not set(values) <= {0, 1}:
                raise CondgenError(f"label {label!r}: attributes want {len(self)} zeros and ones ({self._range}).")
            return values
        number = int(label) if isinstance(label, Integral) else -1
        if not 0 <= number < len(self):
            raise CondgenError(f"label {label!r} asked of a generator with {len(self)} classes ({self._range}).")
        return number

    def _word(self, word: str) -> list[Label]:
        if self.kind == "attributes":
            on = {self.index(part) for part in word.split("+")} if word.strip().lower() != "none" else set()
            return [tuple(int(i in on) for i in range(len(self)))]
        if self._find(word) is None and (ends := self._ends(word)):
            return list(range(ends[0], ends[1] + 1))
        return [self.index(word)]

    def _ends(self, word: str) -> tuple[int, int] | None:
        """The two ends of a range such as 0-9; None if the word is no range."""
        for hyphen in re.finditer("-", word):
            first, last = self._find(word[: hyphen.start()]), self._find(word[hyphen.end() :])
            if first is not None and last is not None:
                if first > last:
                    raise CondgenError(f"labels {word!r} run backwards; write {last}-{first}.")
                return first, last
        return None

    def _find(self, word: str) -> int | None:
        """A name as it is, else whatever its case, else a number; None if there is no such label."""
        word = word.strip()
        for names in (list(self.names), [name.lower() for name in self.names]):
            if word in names:
                return names.index(word)
            word = word.lower()
        return int(word) if word.isdecimal() and int(word) < len(self) else None

    def index(self, word: str) -> int:
        """The place of a name (or number, as typed) in this label set; an unknown one is an error."""
        index = self._find(word)
        if index is None and self == ANY:
            raise CondgenError(f"this generator takes no label, found {word.strip()!r}; leave --labels out.")
        if index is None:
            raise unknown("label", word.strip(), self.names if len(self) <= 20 else [*self.names[:20], "..."])
        return index

    @property
    def _range(self) -> str:
        shown = self.names if len(self) <= 3 else (self.names[0], "...", self.names[-1])
        return f"0-{len(self) - 1}: {' '.join(shown)}"


ANY = Labels(("any",))
"""The label set of a generator that takes no label."""
