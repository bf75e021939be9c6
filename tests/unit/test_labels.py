import contextlib
import random
import re
import subprocess
import tracemalloc
import unicodedata
from typing import Any

import numpy as np
import pytest

from condgen import shell
from condgen.errors import CondgenError
from condgen.labels import Labels
from condgen.lookup import Lookup
from condgen.sampling.request import SampleRequest, TooMany

DIGITS = Labels(tuple("0123456789"))
CLOTHES = Labels(("T-shirt/top", "Trouser", "Ankle boot"))
FACES = Labels(("Smiling", "Hat", "Blond_Hair"), "attributes")


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("8", [8]),
        ("0-9", list(range(10))),
        ("3,5,8", [3, 5, 8]),
        ("7-9, 1", [7, 8, 9, 1]),
        ("all", list(range(10))),
        ("8,8", [8, 8]),
    ],
)
def test_classes_as_people_type_them(text: str, labels: list[int]) -> None:
    assert DIGITS.parse(text) == labels


def test_names_win_over_numbers_and_may_hold_hyphens() -> None:
    assert CLOTHES.parse("t-shirt/top") == [0]
    assert CLOTHES.parse("Ankle boot,1") == [2, 1]
    assert CLOTHES.parse("T-shirt/top-Trouser") == [0, 1]
    assert Labels(("b", "B")).parse("B") == [1]
    threes = Labels(("3", "7", "2"))
    assert threes.parse("7") == [1]
    assert threes.parse("3-2") == [0, 1, 2]


def test_attributes_are_on_together_or_alone() -> None:
    assert FACES.parse("Smiling+Blond_Hair") == [(1, 0, 1)]
    assert FACES.parse("none,hat") == [(0, 0, 0), (0, 1, 0)]
    assert FACES.parse("all") == [(1, 0, 0), (0, 1, 0), (0, 0, 1)]


@pytest.mark.parametrize(
    ("labels", "text", "says"),
    [
        (DIGITS, "10", "unknown label '10'"),
        (CLOTHES, "Trousers", "did you mean 'Trouser'"),
        (FACES, "Smiling+Hats", "did you mean 'Hat'"),
        (DIGITS, "9-0", "run backwards; write 0-9"),
        (DIGITS, "", "no labels"),
        (DIGITS, " , ", "no labels"),
    ],
)
def test_a_wrong_label_names_the_nearest(labels: Labels, text: str, says: str) -> None:
    with pytest.raises(CondgenError, match=says):
        labels.parse(text)


@pytest.mark.parametrize("label", [10, -1, 1.5, "3,5", None])
def test_labels_from_python_are_checked(label: object) -> None:
    with pytest.raises(CondgenError):
        DIGITS.check(label)


@pytest.mark.parametrize("label", [(1, 0), (1, 0, 2), 1])
def test_attribute_rows_from_python_are_checked(label: object) -> None:
    with pytest.raises(CondgenError, match="3 zeros and ones"):
        FACES.check(label)
    assert FACES.check(np.array([0, 1, 1])) == (0, 1, 1)


def test_vectors_are_one_hot_or_multi_hot() -> None:
    assert CLOTHES.encode([2, 0]).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert FACES.encode([(1, 0, 1)]).tolist() == [[1, 0, 1]]
    assert CLOTHES.encode([0]).dtype == np.float32


def test_slugs_are_file_names_and_differ() -> None:
    assert CLOTHES.slug(0) == "t-shirt-top"
    assert FACES.slug((1, 0, 1)) == "smiling+blond_hair"
    assert FACES.slug((0, 0, 0)) == "none"
    alike = Labels(("a/b", "a b", "猫", "/"))
    slugs = [alike.slug(i) for i in range(4)]
    assert len(set(slugs)) == 4
    assert all("/" not in slug and slug for slug in slugs)


def test_names_must_be_there_and_differ() -> None:
    with pytest.raises(CondgenError, match="at least one label"):
        Labels(())
    with pytest.raises(CondgenError, match="'a' stands twice"):
        Labels(("a", "b", "a"))


ODD = (
    " sp ", "sp", "a\nb", "q\"uo'te", "a,b", "C++", "a/b\\c", "🙂", "\u202eright", "n\0ul", "Z" * 900, "Cat", "CAT",
    "caf\u00e9", "cafe\u0301", "con", "..", "", "  ", "-", "a-b", "a b", "$x$", "[/red]", "7", "\x1b[31m", "İi", "ß",
)  # fmt: skip


def test_every_name_is_found_by_itself() -> None:
    """Also by what is left of it where a keyboard or a shell cannot give it whole."""
    labels = Labels(ODD)
    assert [labels.parse(name) for name in ODD] == [[i] for i in range(len(ODD))]
    for typed, name in (("RIGHT", "\u202eright"), ("n ul", "n\0ul"), ("[31m", "\x1b[31m"), (" 🙂", "🙂")):
        assert labels.parse(typed) == [ODD.index(name)]
    assert Labels(("x", "a\nb")).parse("A b") == [1]
    assert Labels(("x", "cafe\u0301")).parse("caf\u00e9") == [1]
    assert Labels(("x", " sp ")).parse("sp,x, sp ") == [1, 0, 1]


def test_a_name_may_hold_what_separates_names() -> None:
    assert Labels(("a", "b", "a,b", "c")).parse("c,a,b,a") == [3, 2, 0]
    assert Labels(("C", "C++", "Hat"), "attributes").parse("C+++Hat,C") == [(0, 1, 1), (1, 0, 0)]


PIECES = (
    "all",
    "none",
    "0",
    "1",
    "2",
    "a",
    "B",
    "b",
    ",",
    "+",
    "-",
    '"',
    "=",
    ":",
    " ",
    "'",
    "$x",
    "\n",
    "\x1b",
    "é",
    "猫",
    "\u202e",
)


def hostile_names(dice: random.Random) -> tuple[str, ...]:
    pieces = dice.sample(PIECES, 5)  # few, so that names are parts of each other
    made = ("".join(dice.choices(pieces, k=dice.randint(0, 4))) for _ in range(8))
    return tuple(dict.fromkeys(made))


def test_every_label_has_a_spelling_that_means_nothing_else() -> None:
    """Also beside a count, beside a weight, in a list, in a shell, and on the page (tests/page/test_modules.py)."""
    dice, typed, said = random.Random(0), list[str](), list[str]()
    for turn in range(400):
        labels = Labels(hostile_names(dice), "classes" if turn % 2 else "attributes")
        chosen = [*labels.each]
        if labels.kind == "attributes":
            chosen += [tuple(dice.randint(0, 1) for _ in labels.names) for _ in range(4)]
        for label in chosen:
            text = labels.spelling(label)
            assert labels.parse(text) == [label] == [labels.check(text)], (labels, text)
            assert [*labels.text.counted(f"{text}=3")] == [([label], 3)]
            assert [*labels.text.weighted(f"{text}:.5")] == [(label, 0.5)]
            typed.append(text)
        assert labels.parse(",".join(map(labels.spelling, chosen))) == chosen
    command = f"printf '%s\\0' {' '.join(map(shell.word, typed[:2000]))}"
    said = subprocess.run(["sh", "-c", command], capture_output=True, check=True).stdout.decode().split("\0")
    assert said[:-1] == typed[:2000]


@pytest.mark.parametrize(
    ("names", "kind", "text", "taken", "says"),
    [
        (("all", "b"), "classes", "all", [0, 1], 'means every label; for the label of that name alone write \'"all"\''),
        (("all", "b"), "classes", '"all"', [0], None),
        (("all", "b"), "classes", "b,all", [1, 0], None),
        (("none", "b"), "attributes", "none", [(0, 0)], 'for the label of that name alone write \'"none"\''),
        (("none", "b"), "attributes", '"none"+b', [(1, 1)], None),
        ((*"0123", "0-3"), "classes", "0-3", [4], 'read as one name; the range is \'"0"-"3"\''),
        ((*"0123", "0-3"), "classes", '"0"-"3"', [0, 1, 2, 3], None),
        (("cat", "small", "cat, small"), "classes", "cat, small", [2], 'the list is \'"cat","small"\''),
        (("cat", "small", "cat, small"), "classes", '"cat","small"', [0, 1], None),
        (("a", "b", "a+b"), "attributes", "a+b", [(0, 0, 1)], 'the attributes together are \'"a"+"b"\''),
        (("a", "b", "a+b"), "attributes", '"a"+b', [(1, 1, 0)], None),
        (("Cat", "cat"), "classes", "cat,Cat", [1, 0], None),
    ],
)  # fmt: skip
def test_a_word_with_two_meanings_is_said(
    names: tuple[str, ...], kind: Any, text: str, taken: list[Any], says: str | None
) -> None:
    """The sentence ends with how to write the other meaning, and that has no doubt left."""
    labels = Labels(names, kind)
    assert labels.parse(text) == taken
    doubts = labels.text.doubts(text)
    assert (says in doubts[0]) if says else not doubts


def test_names_that_read_alike_are_not_guessed_at() -> None:
    with pytest.raises(CondgenError, match=r"'cat' could be 'Cat' \(0\) or 'CAT' \(1\); write it exactly"):
        Labels(("Cat", "CAT")).parse("cat")


@pytest.mark.parametrize("kind", ["classes", "attributes"])
def test_slugs_are_short_valid_and_distinct_everywhere(kind: Any) -> None:
    """On file systems that fold case and normalise Unicode, and on Windows with its devices, too."""
    labels = Labels((*ODD, "none", "NUL", "lpt1", "猫" * 300), kind)
    rows = [
        *labels.each,
        *([tuple(1 for _ in labels.names), tuple(0 for _ in labels.names)] if kind != "classes" else []),
    ]
    slugs = [labels.slug(label) for label in rows]
    assert len({unicodedata.normalize("NFKD", slug).casefold() for slug in slugs}) == len(rows)
    for slug in slugs:
        assert re.fullmatch(r"[\w+-]+", slug)
        assert len(slug.encode()) <= 150
        assert slug not in ("con", "nul", "lpt1")
    long = Labels(tuple(f"attribute-{i}-{'x' * 20}" for i in range(40)), "attributes")
    assert long.slug((1,) * 40) != long.slug((1,) * 39 + (0,))


TEXTS = ("-" * 1000, "," * 1000, "+" * 1000, "0-" * 500, "a," * 500, "1" * 1000, " " * 1000, "0-9," * 250, "-a,-" * 250)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("kind", ["classes", "attributes"])
def test_a_text_is_read_in_time_that_grows_with_its_length(
    text: str, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted in look-ups, each of which costs the same among ten names and among 20,000."""
    looked: list[str] = []
    find = Lookup.find

    def counted(self: Lookup, word: str) -> int | None:
        looked.append(word)
        return find(self, word)

    monkeypatch.setattr(Lookup, "find", counted)
    labels = Labels(tuple(f"name {i}" for i in range(20_000)), kind)
    with contextlib.suppress(CondgenError):
        SampleRequest.resolve(labels, text, most=1024)
    assert len(looked) <= 4 * len(text)
    assert sum(map(len, looked)) <= 70 * len(text)


def test_memory_is_that_of_what_was_requested() -> None:
    """The table of all one-hot vectors has 1.6 GB at 20,000 classes."""
    for kind in ("classes", "attributes"):
        labels = Labels(tuple(f"name {i}" for i in range(20_000)), kind)
        label = labels.parse("name 19999")[0]
        tracemalloc.start()
        labels.encode([label] * 32)
        assert len(labels.each) == 20_000
        assert labels.each[-1] == label
        labels.slug(label)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 32 * 2**20


def test_one_text_names_a_bounded_number_of_labels() -> None:
    labels = Labels(tuple(f"name {i}" for i in range(20_000)))
    with pytest.raises(CondgenError, match="more than 1,000,000 labels; name fewer"):
        labels.parse("0-19999," * 51)
    with pytest.raises(TooMany, match="more than 1,024"):
        SampleRequest.resolve(labels, "all", most=1024)
    assert SampleRequest.resolve(labels, "5,5,3-6", most=1024).labels == (5, 3, 4, 6)


@pytest.mark.parametrize("text", ["x" * 100_000, "1" * 5000, "\x1b[31m\u202e"])
def test_an_error_repeats_little_and_nothing_that_a_terminal_obeys(text: str) -> None:
    with pytest.raises(CondgenError) as wrong:
        Labels(("y\n" * 3000, "b\x1b")).parse(text)
    assert len(str(wrong.value)) < 500
    assert str(wrong.value).isprintable()


@pytest.mark.parametrize(
    ("names", "typed", "found"),
    [(("10", "20", "30"), "10", 0), (("00", "01"), "1", 1), (("1", "2"), "2", 1), (("a", "20"), "0", 0)],
)
def test_a_number_is_a_name_first_and_only_a_name_among_numbers(names: tuple[str, ...], typed: str, found: int) -> None:
    assert Labels(names).parse(typed) == [found]


@pytest.mark.parametrize("typed", ["0", "1", "0-2"])
def test_a_number_that_is_no_label_is_refused(typed: str) -> None:
    """Of letters that are numbered from 10 on, 0 was taken for the first."""
    with pytest.raises(CondgenError, match="unknown label"):
        Labels(("10", "20", "30")).parse(typed)
