"""The language in which users name labels: ``8``, ``0-9``, ``3,5,8``, ``all``; with counts ``3=2,8=5``, or weights
``3:.5,8:.5``.

A name may stand in double quotes: ``"all"``, ``"cat, small"``; quotes inside it are doubled, as in CSV. Such a name is
taken exactly as it is, so every label has an unambiguous spelling.
"""

import math
import re
from collections.abc import Iterator, Sequence
from typing import Literal, overload

from condgen import shell
from condgen.errors import CondgenError, shortened
from condgen.lookup import Lookup, UnknownLabel, quoted

Label = int | tuple[int, ...]
"""A class number, or one 0/1 value per attribute."""
Kind = Literal["classes", "attributes"]
ALL, NONE = "all", "none"
"""Every label; and, with attributes, the label without any."""
MOST_IMAGES = 100_000_000
"""Maximum count of images in a text."""
PLAIN = re.compile(r'[^\s,+"=:-]([^,+"=:]*[^\s,+"=:])?')
"""Names that need no quotes. page/labels.js uses the same rule."""
COUNT, WEIGHT = re.compile(r'(.*\S)\s*=([^="]*)', re.DOTALL), re.compile(r'(.*\S)\s*:([^:"]*)', re.DOTALL)

WEIGHTS = re.compile(r":\s*[0-9]*\.?[0-9]+\s*$")


class LabelText:
    """Parses and writes texts that name the labels of one label set."""

    def __init__(self, names: Sequence[str], kind: Kind) -> None:
        self.names, self.kind, self.lookup = names, kind, Lookup(names)

    @property
    def each(self) -> Sequence[Label]:
        """Each label once: each class, or each attribute alone. The labels are created only when they are read."""
        return range(len(self.names)) if self.kind == "classes" else _OneOn(len(self.names))

    def named(self, text: str) -> Iterator[Sequence[Label]]:
        """The labels that a text names, one range or word at a time. Raises CondgenError for an unknown label."""
        if _is(text, ALL):
            return iter([self.each])
        return (self._word(word) for word in self._words(text))

    def counted(self, text: str) -> Iterator[tuple[Sequence[Label], int | None]]:
        """As `named`, with the count that follows a word, as in ``3=2``, or None."""
        whole = COUNT.fullmatch(text)
        whole = whole if whole and _is(whole[1], ALL) and not self.lookup.is_name(text) else None
        if _is(text, ALL) or whole:
            yield self.each, _count(whole[2].strip(), text) if whole else None
            return
        for word in self._words(text):
            try:
                labels, count = self._with_number(word, COUNT)
            except UnknownLabel:
                if WEIGHTS.search(word):
                    mix = shell.word(text.replace("+", ","))
                    raise CondgenError(f"labels {shortened(text)!r} have weights; a mix is --mix {mix}.") from None
                raise
            yield labels, None if count is None else _count(count, word)

    def is_all(self, labels: object) -> bool:
        """Whether a request is for all labels at once: all, or all=3."""
        whole = COUNT.fullmatch(labels) if isinstance(labels, str) and not self.lookup.is_name(labels) else None
        return isinstance(labels, str) and (_is(labels, ALL) or (whole is not None and _is(whole[1], ALL)))

    def weighted(self, text: str) -> Iterator[tuple[Label, float]]:
        """The labels that a text names, each with the weight that follows it, as in ``3:.5``, or 1."""
        for word in self._words(text):
            labels, weight = self._with_number(word, WEIGHT)
            if len(labels) != 1:
                raise CondgenError(f"{shortened(word)!r} names {len(labels)} labels, a mix wants each by itself.")
            yield labels[0], 1.0 if weight is None else _weight(weight, word)

    def spelling(self, label: Label) -> str:
        """The text that names this label and no other, on one visible line. `named` is its inverse."""
        if not isinstance(label, tuple):
            return self._spelling(label)
        on = [index for index, value in enumerate(label) if value]
        if len(on) > 1 and any("+" in name for name in self.names):  # a+b may be a name too
            return "+".join(quoted(self.names[index]) for index in on)
        return "+".join(map(self._spelling, on)) or NONE

    def doubts(self, text: str) -> list[str]:
        """One sentence for each word of a text with two meanings: which one was taken, and how to write the other."""
        whole = COUNT.fullmatch(text)
        said = [self._keyword_doubt(word.strip(), ALL) for word in (text, whole[1] if whole else "")]
        for word in dict.fromkeys(word.strip() for word in self._words(text)) if not any(said) else ():
            parts = self.lookup.split(word, "+") if self.kind == "attributes" else [word]
            said += map(self._name_doubt, parts)
            if self.kind == "attributes":
                said.append(self._keyword_doubt(word, NONE))
        return list(filter(None, said))

    def doubts_about_names(self) -> list[str]:
        """One sentence for each label that is named like a keyword."""
        return [*self.doubts(ALL), *self.doubts(NONE)]

    @property
    def range(self) -> str:
        """The label set in a few words, for error messages."""
        shown = self.names if len(self.names) <= 3 else (self.names[0], "...", self.names[-1])
        return f"0-{len(self.names) - 1}: {' '.join(map(shortened, shown))}"

    def index(self, word: str) -> int:
        """The index of a name, or of a number given as text. Raises UnknownLabel if there is no such label."""
        index = self.lookup.find(word)
        if index is None and self.names == ("any",):
            raise CondgenError(f"this generator takes no label, found {shortened(word)!r}; leave --labels out.")
        if index is None:
            raise UnknownLabel(word, self.names)
        return index

    def _words(self, text: str) -> Iterator[str]:
        empty = True
        for word in self.lookup.split(text, ","):
            if word.strip() or (word == text and self.lookup.is_name(word)):
                empty = False
                yield word
        if empty:
            raise CondgenError(f"no labels in {shortened(text)!r}; give some of {self.range}, or all.")

    def _word(self, word: str) -> Sequence[Label]:
        if self.kind == "attributes":
            row = [0] * len(self.names)
            for part in () if _is(word, NONE) else self.lookup.split(word, "+"):
                row[self.index(part)] = 1
            return [tuple(row)]
        if self.lookup.find(word) is None and (ends := self.lookup.ends(word)):
            return range(ends[0], ends[1] + 1)
        return [self.index(word)]

    def _with_number(self, word: str, pattern: re.Pattern[str]) -> tuple[Sequence[Label], str | None]:
        """The labels of a word, and the text of the number after them. A name may contain the sign before it itself."""
        match = pattern.fullmatch(word)
        try:
            return self._word(word), None
        except UnknownLabel:
            if match is None:
                raise
            return self._word(match[1]), match[2].strip()

    def _spelling(self, index: int) -> str:
        name = self.names[index]
        if not name.isprintable() and self._is_its_number(index):
            return str(index)
        return name if PLAIN.fullmatch(name) and not _is(name, ALL, NONE) else quoted(name)

    def _is_its_number(self, index: int) -> bool:
        """Whether a number means the label with this index, not a label with such a name."""
        try:
            return self.lookup.find(str(index)) == index
        except CondgenError:
            return False

    def _keyword_doubt(self, word: str, keyword: str) -> str:
        if not _is(word, keyword) or (index := self.lookup.find(word)) is None:
            return ""
        meaning = "every label" if keyword == ALL else "no attribute"
        text = shell.word(quoted(self.names[index]))  # a string in Python, too
        return f"{word!r} means {meaning}; for the label of that name alone write {text}."

    def _name_doubt(self, word: str) -> str:
        """A sentence about a word that is a name, and a range or a list of other names too."""
        if not self.lookup.is_name(word) or word.startswith('"'):
            return ""
        for sign, other in ((",", "the list is"), ("+", "the attributes together are"), ("-", "the range is")):
            parts = word.rpartition(sign)[::2] if sign == "-" else word.split(sign)
            places = [self.lookup.find(part) for part in parts] if sign in word else []
            if places and (sign != "+" or self.kind == "attributes") and None not in places:
                text = sign.join(quoted(self.names[place]) for place in places if place is not None)
                return f"{shortened(word)!r} is read as one name; {other} {shortened(shell.word(text))}."
        return ""


def _is(word: str, *keywords: str) -> bool:
    return word.strip().lower() in keywords


def _count(text: str, word: str) -> int:
    count = int(text) if text.isdecimal() and len(text) < 12 else 0
    if not 1 <= count <= MOST_IMAGES:
        raise CondgenError(f"the count in {shortened(word)!r} should be a whole number from 1 to {MOST_IMAGES:,}.")
    return count


def _weight(text: str, word: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not (math.isfinite(weight) and weight >= 0):
        raise CondgenError(f"the weight in {shortened(word)!r} should be a number, 0 or more, such as 0.5.")
    return weight


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
