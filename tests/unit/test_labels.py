import numpy as np
import pytest

from condgen.errors import CondgenError
from condgen.labels import Labels

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
