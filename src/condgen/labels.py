"""The labels that a generator can be conditioned on: one of K classes, or K attributes at once.

A label becomes a vector of zeros and ones of length K: one-hot for a class, multi-hot for attributes. Networks receive
only that vector, so a system need not distinguish the two kinds.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, overload

from condgen import slugs
from condgen.errors import CondgenError, shortened
from condgen.lookup import Lookup, UnknownLabel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Label = int | tuple[int, ...]
"""A class number, or one 0/1 value per attribute."""


UNKNOWN = -1
"""The value of an attribute that was not annotated. Networks receive 0.5, between absent and present."""
MOST = 1_000_000
"""Maximum number of labels that one text may name."""


@dataclass(frozen=True)
class Labels:
    """The label set of a data set: ordered names, which are either mutually exclusive classes or attributes."""

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
        """Each label once: each class, or each attribute alone. The labels are created only when they are read."""
        return range(len(self)) if self.kind == "classes" else _OneOn(len(self))

    def indexed(self) -> "Labels":
        """Create the tables for finding labels by name, so that no request to a server waits for it. Returns self."""
        self._lookup.index()
        return self

    def encode(self, labels: "Sequence[Label] | NDArray[np.integer]") -> "NDArray[np.float32]":
        """Convert class numbers (n,) or attribute values (n, K) to float32 vectors (n, K) of 0, 1 and 0.5 (unknown)."""
        import numpy as np  # imported here, so that `condgen --help` and error messages need no numpy

        array = np.asarray(labels)
        if self.kind == "attributes":
            return np.where(array == UNKNOWN, 0.5, array).astype(np.float32)
        vectors = np.zeros((len(array), len(self)), np.float32)
        vectors[np.arange(len(array)), array.astype(np.int64)] = 1
        return vectors

    def title(self, label: Label) -> str:
        """The name of the label: a class name, or the names of the present attributes joined by '+', or 'none'."""
        if isinstance(label, tuple):
            return "+".join(name for name, on in zip(self.names, label, strict=True) if on) or "none"
        return self.names[label]

    def slug(self, label: Label) -> str:
        """The title as part of a file name: letters, digits, '+', '_' and '-'. It differs for different labels."""
        if isinstance(label, tuple):
            on = (slug for slug, value in zip(self._slugs, label, strict=True) if value)
            return slugs.bounded("+".join(on) or "none")
        return self._slugs[label]

    def parse(self, text: str) -> list[Label]:
        """Parse labels as typed by a user.

        Classes: ``8``, ``Sneaker``, ``0-9``, ``3,5,8``, ``all``. Attributes: ``Smiling``, ``Smiling+Blond_Hair`` (the
            others absent), ``none``, ``all`` (each one alone). A name takes precedence over a number, and an exact name
            over one that differs in case, spaces or Unicode normalisation. Raises CondgenError for an unknown label.
        """
        found: list[Label] = []
        for some in self._named(text):
            if len(found) + len(some) > MOST:
                raise CondgenError(f"labels {shortened(text)!r} name more than {MOST:,} labels; name fewer.")
            found.extend(some)
        return found

    def distinct(self, text: str, most: int) -> list[Label]:
        """The distinct labels that a text names, in order. Raises TooMany, without listing them, beyond `most`."""
        found: dict[Label, None] = {}
        for some in self._named(text):
            if len(some) <= most:
                found.update(dict.fromkeys(some))
            if len(some) > most or len(found) > most:
                raise TooMany(f"labels {shortened(text)!r} name more than {most:,} labels; name fewer.")
        return list(found)

    def trained(self, empty: Collection[int]) -> Sequence[Label]:
        """Each label once, without those that need a class or an attribute in `empty`."""
        return self.each if not empty else [label for label in self.each if not _uses(label, empty)]

    def check_trained(self, labels: Iterable[Label], empty: Collection[int]) -> None:
        """Raise CondgenError if a label needs a class or an attribute in `empty`, which has no training images."""
        if empty and (label := next((label for label in labels if _uses(label, empty)), None)) is not None:
            raise CondgenError(
                f"the generator was trained on no image of {shortened(self.title(label))!r}, so it cannot generate "
                f"any ({len(empty):,} of {len(self):,} labels are like that); --labels all leaves these out."
            )

    def check(self, label: object) -> Label:
        """Validate a label given from Python and normalise its type. Raises CondgenError if the label is unknown."""
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
        """The index of a name, or of a number given as text. Raises UnknownLabel if there is no such label."""
        index = self._lookup.find(word)
        if index is None and self == ANY:
            raise CondgenError(f"this generator takes no label, found {shortened(word)!r}; leave --labels out.")
        if index is None:
            raise UnknownLabel(word, self.names)
        return index

    def _named(self, text: str) -> Iterator[Sequence[Label]]:
        """The labels that a text names, one range or word at a time."""
        if is_all(text):
            yield self.each
            return
        if self._lookup.find(text) is not None:  # a name may contain a comma or a hyphen itself
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


def _uses(label: Label, empty: Collection[int]) -> bool:
    return any(label[number] for number in empty) if isinstance(label, tuple) else label in empty


def is_all(labels: object) -> bool:
    """Whether a request names all labels at once."""
    return isinstance(labels, str) and labels.strip().lower() == "all"


class TooMany(CondgenError):
    """A text names more labels than permitted."""


class _OneOn(Sequence[Label]):
    """The rows of an identity matrix of size `count`, as tuples that are created when they are read."""

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
"""The label set of an unconditional generator."""


def empty_in(card: Mapping[str, Any], labels: Labels) -> frozenset[int]:
    """The labels without training images that a card lists, by number."""
    listed = (card.get("data") or {}).get("empty") or []
    return frozenset(() if labels == ANY else (number for number in listed if number < len(labels)))
