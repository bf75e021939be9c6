"""Finds names in a text typed by a user. The time grows with the length of the text, not with the number of names."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property

from condgen.errors import CondgenError, shortened, unknown

MOST_JOINED, MOST_HYPHENS = 8, 64
"""Maximum number of commas or plus signs in a name that is recognised in a list, and of hyphens in a word that may be a
range. These limits keep the time to parse a text proportional to its length."""
LONGEST_NUMBER = 20
"""Maximum number of digits of a label given by number."""
SEPARATORS = re.compile("[,+-]")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Lookup:
    """Indices of names in a list, found by exact name, by normalised name, or by number.

    If all names are numbers themselves, a number is only looked for among them.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    def index(self) -> None:
        """Create the tables now instead of on first use."""
        _ = self._places, self._alike, self._held, self._values

    def is_name(self, word: str) -> bool:
        return word in self._places

    def find(self, word: str) -> int | None:
        """The index of a name: in double quotes, then matched exactly, then without surrounding spaces, then
        normalised, then as a number; None if there is no match. Raises CondgenError if several names match."""
        if '"' in word and (match := self._quoted.fullmatch(word)) and (name := _unquoted(match)) in self._places:
            return self._places[name]
        for exact in (word, word.strip()):
            if exact in self._places:
                return self._places[exact]
        alike = self._alike.get(folded(word), ())
        if len(alike) > 1:
            names = " or ".join(f"{shortened(self.names[i])!r} ({i})" for i in alike[:3])
            raise CondgenError(f"label {shortened(word.strip())!r} could be {names}; write it exactly, or its number.")
        if alike:
            return alike[0]
        number = word.strip()
        if not number.isdecimal() or len(number) > LONGEST_NUMBER:
            return None
        if self._values is not None:  # of labels 10, 20 and 30, label 1 is none
            return self._values.get(int(number))
        return int(number) if int(number) < len(self.names) else None

    def ends(self, word: str) -> tuple[int, int] | None:
        """The two ends of a range such as 0-9; None if the word is not a range."""
        if word.count("-") > MOST_HYPHENS:
            return None
        for hyphen in re.finditer("-", word):
            first, last = self.find(word[: hyphen.start()]), self.find(word[hyphen.end() :])
            if first is not None and last is not None:
                if first > last:
                    raise CondgenError(f"labels {shortened(word)!r} run backwards; write {last}-{first}.")
                return first, last
        return None

    def split(self, text: str, separator: str) -> Iterator[str]:
        """Split a text at a separator. Names that contain the separator themselves, or are quoted, are kept whole."""
        spans = self._spans(text)
        if not spans and self.find(text) is not None:
            yield text
            return
        places = (match.start() for match in re.finditer(re.escape(separator), text))
        ends = [*(at for at in places if not _touches(spans, at, at + 1)), len(text)]
        starts = [0, *(end + 1 for end in ends)]
        held = [_touches(spans, *piece) for piece in zip(starts, ends, strict=False)]
        start, most = 0, self._held[separator]
        while start < len(ends):
            free = next((i for i in range(start, min(len(ends), start + 1 + most)) if held[i]), len(ends))
            end = start + 1
            for longer in range(min(free, end + most), end, -1):
                if self.find(text[starts[start] : ends[longer - 1]]) is not None:
                    end = longer
                    break
            yield text[starts[start] : ends[end - 1]]
            start = end

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """Begin and end of the names in double quotes. A quote begins a name only at the start or after a separator."""
        found: list[tuple[int, int]] = []
        for begin in (0, *(sign.end() for sign in SEPARATORS.finditer(text))) if '"' in text else ():
            match = self._quoted.match(text, begin) if not found or begin >= found[-1][1] else None
            if match and _unquoted(match) in self._places:
                found.append(match.span())
        return found

    @cached_property
    def _quoted(self) -> re.Pattern[str]:
        """Matches a name in double quotes. Its length is limited, so that the time does not grow with its square."""
        most = 2 * max(map(len, self.names))
        return re.compile(rf'\s*"((?:[^"]|""){{0,{most}}})"\s*(?=[,+=:-]|\Z)')

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def _values(self) -> dict[int, int] | None:
        """Indices by the value of the name, if every name is a whole number; else None."""
        if not all(name.isdecimal() and len(name) <= LONGEST_NUMBER for name in self.names):
            return None
        return {int(name): i for i, name in reversed(list(enumerate(self.names)))}

    @cached_property
    def _alike(self) -> dict[str, tuple[int, ...]]:
        """Indices of the names with the same normalised form. Names that consist of spaces are left out."""
        found: dict[str, tuple[int, ...]] = {}
        for i, name in enumerate(self.names):
            if key := folded(name):
                found[key] = (*found.get(key, ()), i)[:4]
        return found

    @cached_property
    def _held(self) -> dict[str, int]:
        """Maximum number of separators within a name, for those separators that are used in lists."""
        return {sign: min(MOST_JOINED, max(name.count(sign) for name in self.names)) for sign in ",+"}


class UnknownLabel(CondgenError):
    """A name that a label set does not contain. The nearest name is looked up only when the message is read, which a
    server that uses its own messages never does."""

    def __init__(self, word: str, names: Sequence[str]) -> None:
        super().__init__(word)
        self.word, self.names = word, names

    def __str__(self) -> str:
        return str(unknown("label", self.word.strip(), self.names))


def quoted(name: str) -> str:
    """A name in double quotes; those inside are doubled, as in CSV."""
    return '"' + name.replace('"', '""') + '"'


def _unquoted(match: re.Match[str]) -> str:
    return match[1].replace('""', '"')


def _touches(spans: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Whether one of the ordered spans has a character from `start` to `end` - 1."""
    before = bisect_left(spans, (end, 0)) - 1
    return before >= 0 and spans[before][1] > start


def folded(name: str) -> str:
    """Normalise a name: ignore case, Unicode normalisation, control and format characters, and runs of spaces."""
    plain = CONTROL.sub(" ", name)
    if not name.isascii():
        visible = "".join(sign for sign in plain if unicodedata.category(sign) != "Cf")
        plain = unicodedata.normalize("NFC", unicodedata.normalize("NFC", visible).casefold())
    return " ".join(plain.casefold().split())
