"""A request for images as one value: what is generated, in which order, and how each image is named. Needs no torch."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from numbers import Integral, Real
from typing import NamedTuple

from condgen.errors import CondgenError, shortened
from condgen.label_text import ALL
from condgen.labels import ANY, MOST, Label, Labels
from condgen.marker import Mark
from condgen.mixes import Condition, Mix


class Item(NamedTuple):
    """One image of a request."""

    label: Condition
    number: int
    """Which of the images of this label and seed."""


@dataclass(frozen=True)
class SampleRequest:
    """Images 0 ... counts[k] - 1 of each label or mix k, one after the other, under one seed."""

    labels: Sequence[Condition]
    counts: Sequence[int]
    seed: int = 0

    @classmethod
    def resolve(
        cls,
        known: Labels,
        labels: object = ALL,
        mix: object = None,
        *,
        count: int = 1,
        seed: int = 0,
        most: int = MOST,
        empty: Collection[int] = (),
    ) -> "SampleRequest":
        """The request for distinct labels, or for one mix.

        labels: text as on the command line, such as "8", "0-9" or "3=2,8=5"; a dictionary of counts by label; a label,
            or a sequence of them.
        mix: text such as "3:.5,8:.5", or a dictionary of weights by label, instead of labels.
        count: images of a mix, and of each label without a count of its own.
        empty: labels without training images, by number. They cannot be requested, and `all` leaves them out.

        Raises TooMany for more than `most` labels, and CondgenError for an unknown label or two counts of one label.
        """
        if mix is not None:
            if not (isinstance(labels, str) and labels.strip().lower() == ALL):
                raise CondgenError("give labels or a mix, not both.")
            return cls((mixed(known, mix, empty),), (count,), seed)
        counts: dict[Label, int] = {}
        for some, number in counted(known, labels, count, empty):
            if len(some) > most or len(counts) > most:
                raise TooMany(f"labels {shortened(str(labels))!r} name more than {most:,} labels; name fewer.")
            for label in some:
                if counts.setdefault(label, number) != number:
                    text = f"{known.spelling(label)}={number}"
                    raise CondgenError(f"label {shortened(known.title(label))!r} is requested with the counts "
                                       f"{counts[label]} and {number}; name it once, such as {text}.")  # fmt: skip
        if len(counts) > most:
            raise TooMany(f"labels {shortened(str(labels))!r} name more than {most:,} labels; name fewer.")
        return cls(tuple(counts), tuple(counts.values()), seed)

    @classmethod
    def of(cls, labels: Sequence[Condition], count: int, seed: int = 0) -> "SampleRequest":
        """`count` images of each label."""
        return cls(labels, (count,) * len(labels), seed)

    @property
    def has_mixes(self) -> bool:
        return any(isinstance(label, Mix) for label in self.labels)

    def mark(self, known: Labels, wrote: str) -> Mark:
        """The marker of a folder with these images. Images of a mix are no data, since they have no label."""
        return Mark(f"{wrote} --mix") if self.has_mixes else Mark(wrote, known)

    def __len__(self) -> int:
        return sum(self.counts)

    def __iter__(self) -> Iterator[Item]:
        return (
            Item(label, number)
            for label, count in zip(self.labels, self.counts, strict=True)
            for number in range(count)
        )

    def part(self, start: int, end: int) -> Iterator[Item]:
        """Items `start` ... `end` - 1, found without generating those before."""
        passed = 0
        for label, count in zip(self.labels, self.counts, strict=True):
            numbers = range(max(start - passed, 0), min(end - passed, count))
            yield from (Item(label, number) for number in numbers)
            passed += count
            if passed >= end:
                return

    def name(self, known: Labels, item: Item, digits: int = 5) -> str:
        """The name of an image without an ending, such as 8_seed0_00003."""
        return f"{known.slug(item.label)}_seed{self.seed}_{item.number:0{digits}d}"

    def metadata(self, known: Labels, item: Item) -> dict[str, object]:
        """What was requested: the label, or the weights of a mix; seed and index."""
        what: dict[str, object] = {"label": known.title(item.label)}
        if isinstance(item.label, Mix):  # an image of a mix has no label
            what = {"mix": {known.spelling(label): weight for label, weight in item.label.parts}}
        return {**what, "seed": self.seed, "index": item.number}

    def whole(self, known: Labels) -> dict[str, object]:
        """What was requested of all images, for a file that contains several: the seed; and the counts if they differ,
        or the mix."""
        whole: dict[str, object] = {"seed": self.seed}
        if any(count != self.counts[0] for count in self.counts):
            whole["counts"] = {known.title(label): count for label, count in zip(self.labels, self.counts, strict=True)}
        if mixes := [known.title(label) for label in self.labels if isinstance(label, Mix)]:
            whole["mix"] = mixes[0] if len(mixes) == 1 else mixes
        return whole


class TooMany(CondgenError):
    """A request names more labels than permitted."""


def counted(
    known: Labels, labels: object, count: int, empty: Collection[int] = ()
) -> Iterator[tuple[Sequence[Label], int]]:
    """The requested labels, some at a time, with the number of images of each (see `SampleRequest.resolve`)."""
    is_all = known.text.is_all(labels)
    for some, number in _counted(known, labels, count):
        if not is_all:
            known.check_trained(some if empty else (), empty)
        yield known.trained(empty) if is_all else some, number


def _counted(known: Labels, labels: object, count: int) -> Iterator[tuple[Sequence[Label], int]]:
    if isinstance(labels, str):
        return ((some, count if number is None else number) for some, number in known.text.counted(labels))
    if isinstance(labels, Mapping):
        if not labels:
            raise CondgenError("no labels in {}; give a count for some, such as {3: 2, 8: 5}.")
        return (([known.check(label)], _whole(number, label)) for label, number in labels.items())
    if isinstance(labels, Integral):
        return iter([([known.check(labels)], count)])
    if isinstance(labels, Iterable):
        return (([known.check(label)], count) for label in labels)
    raise CondgenError(f"labels {shortened(repr(labels))} are neither text, a number, a sequence nor a dictionary.")


def mixed(known: Labels, mix: object, empty: Collection[int] = ()) -> Condition:
    """The mix that is requested as text or as a dictionary. Raises CondgenError if it is none."""
    if known == ANY:
        raise CondgenError("this generator takes no label, so there is nothing to mix.")
    if isinstance(mix, str):
        parts = list(known.text.weighted(mix))
    elif isinstance(mix, Mapping):
        parts = [(known.check(label), _number(weight, label)) for label, weight in mix.items()]
    else:
        raise CondgenError(f"mix {shortened(repr(mix))} is neither text nor a dictionary of weights by label.")
    known.check_trained((label for label, _ in parts), empty)
    return Mix.of(parts)


def _whole(number: object, label: object) -> int:
    if isinstance(number, Integral) and int(number) >= 1:
        return int(number)
    raise CondgenError(f"the count {number!r} of label {label!r} should be a whole number, 1 or more.")


def _number(weight: object, label: object) -> float:
    if isinstance(weight, Real):
        return float(weight)
    raise CondgenError(f"the weight {weight!r} of label {label!r} should be a number.")


def numbered(labels: Iterable[Condition], start: int = 0) -> Iterator[Item]:
    """Labels as items: occurrence n = 0, 1, ... of a label is its image `start` + n."""
    occurred: Counter[Condition] = Counter()
    for label in labels:
        yield Item(label, start + occurred[label])
        occurred[label] += 1


def batched(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    """`size` items at a time; the last list may be shorter."""
    while some := list(islice(items, size)):
        yield some
