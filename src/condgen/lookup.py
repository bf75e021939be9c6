"""Finding names in what people type: in time that grows with the length of the text, however many names there are."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cached_property

from condgen.errors import CondgenError, shortened, unknown

MOST_JOINED, MOST_HYPHENS = 8, 64
"""Commas and plus signs of a name that are looked for in a list of names; hyphens in a word that may be a range. So the
time to parse a text grows with its length and no faster."""
LONGEST_NUMBER = 20
"""Digits of a label given by its number."""
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Lookup:
    """The places of names in a list: by name, by what is read alike, or by number."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    def index(self) -> None:
        """Make the tables, which are else made when they are first needed."""
        _ = self._places, self._alike, self._held

    def find(self, word: str) -> int | None:
        """A name as it is, else without the spaces around it, else whatever its case, else a number; None if there is
        no such label. Raises CondgenError if it could be several."""
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
        is_number = number.isdecimal() and len(number) <= LONGEST_NUMBER
        return int(number) if is_number and int(number) < len(self.names) else None

    def ends(self, word: str) -> tuple[int, int] | None:
        """The two ends of a range such as 0-9; None if the word is no range."""
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
        """The pieces between separators. Those that make up a name, which may hold the separator itself, stay one."""
        if self.find(text) is not None:
            yield text
            return
        pieces, start, most = text.split(separator), 0, self._held[separator]
        while start < len(pieces):
            end = start + 1
            for longer in range(min(len(pieces), end + most), end, -1):
                if self.find(separator.join(pieces[start:longer])) is not None:
                    end = longer
                    break
            yield separator.join(pieces[start:end])
            start = end

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def _alike(self) -> dict[str, tuple[int, ...]]:
        """Places of the names that are read alike; none for names that are nothing but space."""
        found: dict[str, tuple[int, ...]] = {}
        for i, name in enumerate(self.names):
            if key := folded(name):
                found[key] = (*found.get(key, ()), i)[:4]
        return found

    @cached_property
    def _held(self) -> dict[str, int]:
        """How many separators a name may hold, for those that occur in lists."""
        return {sign: min(MOST_JOINED, max(name.count(sign) for name in self.names)) for sign in ",+"}


class UnknownLabel(CondgenError):
    """A name that a label set does not hold. The nearest one is looked up when the message is read, which a server that
    answers in its own words never does."""

    def __init__(self, word: str, names: Sequence[str]) -> None:
        super().__init__(word)
        self.word, self.names = word, names

    def __str__(self) -> str:
        return str(unknown("label", self.word.strip(), self.names))


def folded(name: str) -> str:
    """A name without what a reader does not see or a keyboard does not give: case, Unicode normalisation, control
    and format characters, runs of spaces."""
    plain = CONTROL.sub(" ", name)
    if not name.isascii():
        visible = "".join(sign for sign in plain if unicodedata.category(sign) != "Cf")
        plain = unicodedata.normalize("NFC", unicodedata.normalize("NFC", visible).casefold())
    return " ".join(plain.casefold().split())
