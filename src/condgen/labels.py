"""What can be asked of a generator: one of K classes, or K attributes at once.

Both become a vector of zeros and ones of length K: one-hot for a class, multi-hot for attributes. Networks see only
that vector, so a system never asks which kind it is given.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import TYPE_CHECKING, Literal, overload

from condgen import slugs
from condgen.errors import CondgenError, shortened
from condgen.lookup import Lookup, UnknownLabel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Label = int | tuple[int, ...]
"""A class number, or one 0/1 value per attribute."""


UNKNOWN = -1
"""Of an attribute that nobody noted down. As a number for networks it is one half: neither on nor off."""
MOST = 1_000_000
"""Labels that one text may name."""


@dataclass(frozen=True)
class Labels:
    """The label set of a data set: names in order, and whether they exclude each other."""

    names: tuple[str, ...]
    kind: Literal["classes", "attributes"] = "classes"

    def __post_init__(self) -> None:
        if not self.names:
            raise CondgenError("a data set needs at least one label.")
        if len(set(self.names)) != len(self.names):
            twice, _ = Counter(self.names).most_common(1)[0]
            raise CondgenError(f"label {shortened(twice)!r} stands twice in the label set; names must differ.")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def each(self) -> Sequence[Label]:
        """Every label once: each class, or each attribute switched on alone. Takes no memory until it is read."""
        return range(len(self)) if self.kind == "classes" else _OneOn(len(self))

    def indexed(self) -> "Labels":
        """These labels, after what finds them by name is made: no request to a server has to wait for that."""
        self._lookup.index()
        return self

    def encode(self, labels: "Sequence[Label] | NDArray[np.integer]") -> "NDArray[np.float32]":
        """Labels as vectors: (n,) class numbers or (n, K) attribute values -> (n, K) of 0. and 1.; unknown is 0.5."""
        import numpy as np  # here, so that `condgen --help` and a mistake need no numpy

        array = np.asarray(labels)
        if self.kind == "attributes":
            return np.where(array == UNKNOWN, 0.5, array).astype(np.float32)
        vectors = np.zeros((len(array), len(self)), np.float32)
        vectors[np.arange(len(array)), array.astype(np.int64)] = 1
        return vectors

    def title(self, label: Label) -> str:
        """The label in words: a class name, or the attributes that are on, joined by '+'."""
        if isinstance(label, tuple):
            return "+".join(name for name, on in zip(self.names, label, strict=True) if on) or "none"
        return self.names[label]

    def slug(self, label: Label) -> str:
        """The title as a part of a file name: letters, digits, '+', '_' and '-'; different labels differ."""
        if isinstance(label, tuple):
            on = (slug for slug, value in zip(self._slugs, label, strict=True) if value)
            return slugs.bounded("+".join(on) or "none")
        return self._slugs[label]

    def parse(self, text: str) -> list[Label]:
        """Labels as people type them.

        Classes: ``8``, ``Sneaker``, ``0-9``, ``3,5,8``, ``all``. Attributes: ``Smiling``, ``Smiling+Blond_Hair`` (the
        others off), ``none``, ``all`` (each one alone). A name wins over a number. A name typed exactly wins over one
        that differs from it in case, in spaces or in Unicode normalisation.
        """
        found: list[Label] = []
        for some in self._named(text):
            if len(found) + len(some) > MOST:
                raise CondgenError(f"labels {shortened(text)!r} name more than {MOST:,} labels; name fewer.")
            found.extend(some)
        return found

    def distinct(self, text: str, most: int) -> list[Label]:
        """The different labels that a text names, in order. Raises TooMany, without listing them, beyond `most`."""
        found: dict[Label, None] = {}
        for some in self._named(text):
            if len(some) <= most:
                found.update(dict.fromkeys(some))
            if len(some) > most or len(found) > most:
                raise TooMany(f"labels {shortened(text)!r} name more than {most:,} labels; name fewer.")
        return list(found)

    def check(self, label: object) -> Label:
        """A label given from Python, made canonical; raises if this label set has no such label."""
        if isinstance(label, str):
            found = self.parse(label)
            if len(found) != 1:
                raise CondgenError(f"{shortened(label)!r} names {len(found)} labels where one is wanted.")
            return found[0]
        if self.kind == "attributes":
            values = tuple(int(v) for v in label) if isinstance(label, Iterable) else None
            if values is None or len(values) != len(self) or not set(values) <= {0, 1}:
                shown = shortened(str(label))
                raise CondgenError(f"label {shown}: attributes want {len(self)} zeros and ones ({self._range}).")
            return values
        number = int(label) if isinstance(label, Integral) else -1
        if not 0 <= number < len(self):
            shown = shortened(repr(label))
            raise CondgenError(f"label {shown} asked of a generator with {len(self)} classes ({self._range}).")
        return number

    def index(self, word: str) -> int:
        """The place of a name (or number, as typed) in this label set; an unknown one is an error."""
        index = self._lookup.find(word)
        if index is None and self == ANY:
            raise CondgenError(f"this generator takes no label, found {shortened(word)!r}; leave --labels out.")
        if index is None:
            raise UnknownLabel(word, self.names)
        return index

    def _named(self, text: str) -> Iterator[Sequence[Label]]:
        """What a text names, range by range or word by word."""
        if text.strip().lower() == "all":
            yield self.each
            return
        if self._lookup.find(text) is not None:  # a name may hold a comma or a hyphen itself
            yield self._word(text)
            return
        empty = True
        for word in self._lookup.split(text, ","):
            if word.strip():
                empty = False
                yield self._word(word)
        if empty:
            raise CondgenError(f"no labels in {shortened(text)!r}; give some of {self._range}, or all.")

    def _word(self, word: str) -> Sequence[Label]:
        if self.kind == "attributes":
            row = [0] * len(self)
            for part in () if word.strip().lower() == "none" else self._lookup.split(word, "+"):
                row[self.index(part)] = 1
            return [tuple(row)]
        if self._lookup.find(word) is None and (ends := self._lookup.ends(word)):
            return range(ends[0], ends[1] + 1)
        return [self.index(word)]

    @cached_property
    def _lookup(self) -> Lookup:
        return Lookup(self.names)

    @cached_property
    def _slugs(self) -> tuple[str, ...]:
        return slugs.slugs(self.names, ["none"] if self.kind == "attributes" else [])

    @property
    def _range(self) -> str:
        shown = self.names if len(self) <= 3 else (self.names[0], "...", self.names[-1])
        return f"0-{len(self) - 1}: {' '.join(map(shortened, shown))}"


class TooMany(CondgenError):
    """A text that names more labels than may be."""


class _OneOn(Sequence[Label]):
    """`count` rows of zeros, each with one 1: the rows of an identity matrix, made when they are read."""

    def __init__(self, count: int) -> None:
        self.rows = range(count)

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, place: int) -> Label: ...
    @overload
    def __getitem__(self, place: slice) -> list[Label]: ...
    def __getitem__(self, place: int | slice) -> Label | list[Label]:
        if isinstance(place, slice):
            return [self[i] for i in self.rows[place]]
        row = [0] * len(self)
        row[self.rows[place]] = 1
        return tuple(row)


ANY = Labels(("any",))
"""The label set of a generator that takes no label."""
