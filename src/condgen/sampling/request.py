"""A request for images as one value: what is generated, in which order, and how each image is named. Needs no torch."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from condgen.labels import Label, Labels


class Item(NamedTuple):
    """One image of a request."""

    label: Label
    number: int
    """Which of the images of this label and seed."""


@dataclass(frozen=True)
class SampleRequest:
    """Images 0 ... counts[k] - 1 of each label k, label by label, under one seed."""

    labels: Sequence[Label]
    counts: Sequence[int]
    seed: int = 0

    @classmethod
    def of(cls, labels: Sequence[Label], count: int, seed: int = 0) -> "SampleRequest":
        """`count` images of each label."""
        return cls(labels, (count,) * len(labels), seed)

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
        """What was requested: label, seed and index."""
        return {"label": known.title(item.label), "seed": self.seed, "index": item.number}


def numbered(labels: Iterable[Label], start: int = 0) -> Iterator[Item]:
    """Labels as items: occurrence n = 0, 1, ... of a label is its image `start` + n."""
    occurred: Counter[Label] = Counter()
    for label in labels:
        yield Item(label, start + occurred[label])
        occurred[label] += 1


def batched(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    """`size` items at a time; the last list may be shorter."""
    while some := list(islice(items, size)):
        yield some
