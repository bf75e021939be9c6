"""The labels that a generator can be conditioned on: one of K classes, or K attributes at once.

A label becomes a vector of zeros and ones of length K: one-hot for a class, multi-hot for attributes. Networks receive
only that vector, so a system need not distinguish the two kinds.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import TYPE_CHECKING

from condgen import slugs
from condgen.errors import CondgenError, shortened
from condgen.label_text import ALL, NONE, Kind, LabelText
from condgen.label_text import Label as Label
from condgen.lookup import quoted
from condgen.mixes import Condition, Mix, percent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNKNOWN = -1
"""The value of an attribute that was not annotated. Networks receive 0.5, between absent and present."""
MOST = 1_000_000
"""Maximum number of labels that one text may name."""


def from_rows(rows: "NDArray[np.int64]") -> list[Label]:
    """The labels in an array: class numbers (n,), or attribute values (n, K)."""
    return [tuple(row) for row in rows.tolist()] if rows.ndim == 2 else rows.tolist()


@dataclass(frozen=True)
class Labels:
    """The label set of a data set: ordered names, which are either mutually exclusive classes or attributes."""

    names: tuple[str, ...]
    kind: Kind = "classes"

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
        return self.text.each

    def indexed(self) -> "Labels":
        """Create the tables for finding labels by name, so that no request to a server waits for it. Returns self."""
        self.text.lookup.index()
        return self

    def encode(self, labels: "Sequence[Condition] | NDArray[np.integer]") -> "NDArray[np.float32]":
        """Convert class numbers (n,), attribute values (n, K) or mixes to float32 vectors (n, K).

        They consist of 0, 1 and 0.5 (unknown). The vector of a mix is the weighted mean of those of its labels.
        """
        import numpy as np  # imported here, so that `condgen --help` and error messages need no numpy

        if not isinstance(labels, np.ndarray) and any(isinstance(label, Mix) for label in labels):
            return np.stack([self._vector(label) for label in labels])
        array = np.asarray(labels)
        if self.kind == "attributes":
            return np.where(array == UNKNOWN, 0.5, array).astype(np.float32)
        vectors = np.zeros((len(array), len(self)), np.float32)
        vectors[np.arange(len(array)), array.astype(np.int64)] = 1
        return vectors

    def title(self, label: Condition) -> str:
        """The name of the label: a class name, or the names of the present attributes joined by '+', or 'none'.

        Names that contain '+', or are 'none' themselves, stand in quotes. A mix has the form in which it is requested,
        such as 3:0.5,8:0.5.
        """
        if isinstance(label, Mix):
            return ",".join(f"{self.spelling(part)}:{weight!r}" for part, weight in label.parts)
        if isinstance(label, tuple):
            on = (name for name, value in zip(self.names, label, strict=True) if value)
            return "+".join(quoted(name) if "+" in name or name == NONE else name for name in on) or NONE
        return self.names[label]

    def slug(self, label: Condition) -> str:
        """The title as part of a file name: letters, digits, '+', '_' and '-'. It differs for different labels."""
        if isinstance(label, Mix):
            text = "+".join(f"{self.slug(part)}x{percent(weight)}" for part, weight in label.parts)
            return slugs.bounded(text) if self.kind == "classes" else slugs.hashed(text)
        if isinstance(label, tuple):
            on = (slug for slug, value in zip(self._slugs, label, strict=True) if value)
            return slugs.bounded("+".join(on) or NONE)
        return self._slugs[label]

    def spelling(self, label: Label) -> str:
        """The text that names this label and no other: `parse` is its inverse. It may need quotes in a shell."""
        return self.text.spelling(label)

    def parse(self, text: str) -> list[Label]:
        """Parse labels as typed by a user.

        Classes: ``8``, ``Sneaker``, ``0-9``, ``3,5,8``, ``all``. Attributes: ``Smiling``, ``Smiling+Blond_Hair`` (the
            others absent), ``none``, ``all`` (each one alone). A name takes precedence over a number, and an exact name
            over one that differs in case, spaces or Unicode normalisation. A name in double quotes is nothing else:
            ``"all"``. Raises CondgenError for an unknown label.
        """
        found: list[Label] = []
        for some in self.text.named(text):
            if len(found) + len(some) > MOST:
                raise CondgenError(f"labels {shortened(text)!r} name more than {MOST:,} labels; name fewer.")
            found.extend(some)
        return found

    def trained(self, empty: Collection[int]) -> Sequence[Label]:
        """Each label once, without those that need a class or an attribute in `empty`."""
        return self.each if not empty else [label for label in self.each if not _uses(label, empty)]

    def check_trained(self, labels: Iterable[Label], empty: Collection[int]) -> None:
        """Raise Untrained if a label needs a class or an attribute in `empty`, which has no training images."""
        if empty and (label := next((label for label in labels if _uses(label, empty)), None)) is not None:
            raise Untrained(
                f"the generator was trained on no image of {shortened(self.title(label))!r}, so it cannot generate "
                f"any ({len(empty):,} of {len(self):,} labels are like that); --labels all leaves these out."
            )

    def check(self, label: object) -> Label:
        """Validate a label given from Python and normalise its type. Raises CondgenError if the label is unknown."""
        if isinstance(label, str):
            found = self.parse(quoted(label) if label == ALL and self.text.lookup.is_name(label) else label)
            if len(found) != 1:
                raise CondgenError(f"{shortened(label)!r} names {len(found)} labels where one is wanted.")
            return found[0]
        if self.kind == "attributes":
            values = tuple(int(v) for v in label) if isinstance(label, Iterable) else None
            if values is None or len(values) != len(self) or not set(values) <= {0, 1}:
                shown = shortened(str(label))
                raise CondgenError(f"label {shown}: attributes want {len(self)} zeros and ones ({self.text.range}).")
            return values
        number = int(label) if isinstance(label, Integral) else -1
        if not 0 <= number < len(self):
            shown = shortened(repr(label))
            raise CondgenError(
                f"label {shown} requested from a generator with {len(self)} classes ({self.text.range})."
            )
        return number

    @cached_property
    def text(self) -> LabelText:
        """Parses and writes texts that name these labels."""
        return LabelText(self.names, self.kind)

    def _vector(self, label: Condition) -> "NDArray[np.float32]":
        import numpy as np

        parts = label.parts if isinstance(label, Mix) else ((label, 1.0),)
        vectors = self.encode([part for part, _ in parts]).astype(np.float64)
        whole: NDArray[np.float32] = (np.array([weight for _, weight in parts]) @ vectors).astype(np.float32)
        return whole

    @cached_property
    def _slugs(self) -> tuple[str, ...]:
        return slugs.slugs(self.names, [NONE] if self.kind == "attributes" else [])


class Untrained(CondgenError):
    """A requested label has no training images."""


def _uses(label: Label, empty: Collection[int]) -> bool:
    return any(label[number] for number in empty) if isinstance(label, tuple) else label in empty


ANY = Labels(("any",))
"""The label set of an unconditional generator."""
