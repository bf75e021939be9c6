"""What `condgen augment` compares, what it chooses, and what it says of it."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from condgen.augmentation import table
from condgen.augmentation.arms import ARMS, MIXED, USUAL, Arm, folds
from condgen.augmentation.proof import Proof, gain_per_image, rare, surer
from condgen.augmentation.trials import SEEDS, Trials
from condgen.data import Dataset, Split
from condgen.judging import classical
from condgen.judging.lessons import Score
from condgen.labels import Labels
from condgen.metrics.labelling import calibration_error

REAL, REPEATED, GENERATED, ALL = ARMS[0].name, ARMS[2].name, MIXED.name, ARMS[4].name
LABELS = np.array([0, 0, 0, 1, 2, 1, 1, 2])  # five real images, then three generated ones
GOOD = np.array([True, False, True])


def hits(share: float) -> str:
    """100 images, of which this share is recognised."""
    return "1" * round(100 * share) + "0" * round(100 - 100 * share)


def proof(validation: dict[str, list[float]], test: dict[str, list[float]]) -> Proof:
    """Scores of two classes by arm; arms that are not named score 0.5."""

    def scores(given: dict[str, list[float]]) -> dict[str, list[Score]]:
        return {
            arm.name: [Score([hits(value)] * 2, [value, None], 0.1) for value in given.get(arm.name, [0.5] * 5)]
            for arm in ARMS
        }

    return Proof(10, 100, ("a", "b"), [1], scores(validation), scores(test), GOOD)


NEARLY = [0.70, 0.72, 0.68, 0.71, 0.69]
BETTER = [value + 0.1 for value in NEARLY]
UNSURE = [0.71, 0.72, 0.68, 0.71, 0.69]


@pytest.mark.parametrize(
    ("validation", "test", "chosen", "words"),
    [
        ({REPEATED: NEARLY, GENERATED: BETTER}, {REPEATED: NEARLY, GENERATED: BETTER}, GENERATED,
         "generated images help: training on rare images half repeated, half generated, all varied gains +30.00"),
        ({REPEATED: NEARLY, GENERATED: UNSURE}, {REPEATED: NEARLY, GENERATED: NEARLY}, REPEATED,
         "leave the generated images out: rare images repeated is enough, +20.00"),
        ({REPEATED: NEARLY, GENERATED: BETTER}, {REPEATED: NEARLY, GENERATED: UNSURE}, REPEATED,
         "leave the generated images out: rare images repeated is enough, +20.00"),
        ({REAL: BETTER, GENERATED: NEARLY}, {REAL: BETTER, GENERATED: NEARLY}, REAL,
         "leave the generated images out: real images alone are enough"),
        ({REPEATED: BETTER, GENERATED: NEARLY}, {REPEATED: NEARLY, GENERATED: BETTER}, REPEATED,
         "half generated, all varied) changes that by +10.00 \u00b1 0.00 points"),
        ({REPEATED: NEARLY, ALL: BETTER}, {REPEATED: NEARLY, ALL: BETTER}, REPEATED,
         "leave the generated images out: rare images repeated is enough, +20.00"),
        ({REAL: UNSURE, USUAL.name: NEARLY}, {USUAL.name: NEARLY}, USUAL.name,
         "leave the generated images out: rare images repeated, all varied is enough, +20.00"),
        ({}, {USUAL.name: [0.5, 0.51, 0.49, 0.5, 0.5]}, USUAL.name,
         "all varied is usual, but not surely better than real images alone (+0.00 \u00b1 0.88 points); "),
    ],
)  # fmt: skip
def test_generated_images_are_chosen_only_if_they_are_surely_better_on_the_test_split(
    validation: dict[str, list[float]], test: dict[str, list[float]], chosen: str, words: str
) -> None:
    found = proof(validation, test)
    assert found.chosen.name == chosen
    assert words in found.verdict
    about = found.to_json()
    assert about["chosen"]["name"] == chosen
    assert about["arms"][chosen]["classes"]["b"]["precision"] is None
    assert json.loads(json.dumps(about)) == about


class Planned(Trials):
    """Trials whose further classifiers recognise a planned share of the images."""

    def __init__(self, shares: dict[str, list[float]]) -> None:
        object.__setattr__(self, "shares", shares)

    def scores(
        self, arms: Sequence[Arm], seeds: Sequence[int], before: int = 0
    ) -> dict[str, list[tuple[Score, Score]]]:
        shares: dict[str, list[float]] = vars(self)["shares"]
        assert {arm.name for arm in arms} == set(shares)
        assert before == len(ARMS) * SEEDS
        assert min(seeds) == SEEDS  # none is trained again
        found = {name: [Score([hits(share)] * 2, [None, None], 0.1) for share in shares[name]] for name in shares}
        return {name: [(score, score) for score in some[: len(seeds)]] for name, some in found.items()}


@pytest.mark.parametrize(("further", "chosen"), [(BETTER, GENERATED), (UNSURE, USUAL.name)])
def test_more_classifiers_of_two_arms_decide_if_the_first_do_not(further: list[float], chosen: str) -> None:
    found = proof({GENERATED: BETTER}, {USUAL.name: NEARLY, GENERATED: UNSURE})
    assert found.is_open
    assert found.chosen is USUAL
    more = surer(found, Planned({USUAL.name: NEARLY, GENERATED: further}))
    assert more.chosen.name == chosen
    assert more.gain(MIXED, USUAL).value == pytest.approx(np.mean([*UNSURE, *further]) - np.mean(NEARLY))
    assert more.test[REPEATED] == found.test[REPEATED]
    assert more.validation == found.validation


@pytest.mark.parametrize(
    ("validation", "test"),
    [
        ({GENERATED: BETTER}, {USUAL.name: NEARLY, GENERATED: BETTER}),  # surely better
        ({GENERATED: BETTER}, {USUAL.name: BETTER, GENERATED: UNSURE}),  # worse
        ({USUAL.name: BETTER}, {USUAL.name: NEARLY, GENERATED: UNSURE}),  # worse on validation images
    ],
)
def test_clear_cases_need_no_more_classifiers(validation: dict[str, list[float]], test: dict[str, list[float]]) -> None:
    assert not proof(validation, test).is_open


def test_intervals_of_the_table_are_wider_since_they_are_many() -> None:
    from scipy import stats

    found = proof({}, {REPEATED: UNSURE})
    alone, among = found.gain(ARMS[2]).error, found.to_json()["arms"][REPEATED]["gain over real images"]["error"]
    for error, comparisons in ((alone, 1), (among, len(ARMS) - 1)):
        wanted = stats.t.ppf(1 - 0.025 / comparisons, 4) * np.std(UNSURE, ddof=1) / np.sqrt(5)
        assert error == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize("arm", ARMS, ids=lambda arm: arm.name)
def test_an_arm_has_the_images_that_its_name_says(arm: Arm) -> None:
    rows = arm.rows(LABELS, 5, GOOD)
    expected = {"none": set(), "all": {5, 6, 7}, "half": {5, 7}}[arm.generated]
    assert set(rows.tolist()) == set(range(5)) | expected
    counts = np.bincount(LABELS[rows])
    assert (counts == counts.max()).all() if arm.repeated else len(rows) == 5 + len(expected)


def test_half_of_a_class_is_real_and_what_is_not_generated_is_repeated() -> None:
    labels = np.repeat([0, 1, 2, 1, 2], [10, 2, 7, 9, 3])  # 19 real images, then 9 generated ones of 1 and 3 of 2
    rows = MIXED.rows(labels, 19, np.arange(12) != 0)
    counts = [np.bincount(labels[some], minlength=3).tolist() for some in (rows[rows < 19], rows[rows >= 19])]
    assert counts == [[10, 5, 7], [0, 5, 3]]
    assert 19 not in rows
    assert np.bincount(rows)[[10, 11]].tolist() == [3, 2]


def test_every_image_of_a_class_of_enough_images_is_held_out_once() -> None:
    labels = np.repeat([0, 1, 2], [11, 5, 4])
    found = folds(labels, 5)
    assert sorted(np.bincount(found[labels == 0])) == [2, 2, 2, 2, 3]
    assert sorted(found[labels == 1]) == [0, 1, 2, 3, 4]
    assert (found[labels == 2] == -1).all()


def test_the_gain_per_image_in_closed_form() -> None:
    ours, theirs = (
        [np.array([1.0, 1, 1, 0]), np.array([]), np.ones(2)],
        [np.array([1.0, 0, 0, 0]), np.array([]), np.ones(2)],
    )
    found = gain_per_image(ours, theirs)
    assert found.value == pytest.approx((0.5 + 0) / 2)
    assert found.error == pytest.approx(1.959964 * np.sqrt((1 / 3) / 4) / 2)
    assert found.n == 6


def test_rare_classes() -> None:
    assert rare(np.repeat([0, 1, 3], [10, 6, 5]), 4) == [3]
    assert rare(np.repeat([0, 1], [10, 9]), 2) == [0, 1]


def test_the_table_lists_the_chosen_images(tmp_path: Path) -> None:
    entries = [{"file": f"b/{n}.png", "label": name} for n, name in enumerate("bbc")]
    (tmp_path / "manifest.json").write_text(json.dumps({"files": entries}))
    train = Split(np.zeros((5, 1, 1, 1), np.uint8), LABELS[:5], [f"photo{n}.jpg" for n in range(5)])
    table.write(tmp_path, ARMS[6], Dataset("pets", Labels(("a", "b", "c")), train), GOOD)
    with (tmp_path / "train.csv").open() as file:
        header, *rows = csv.reader(file)
    assert header == ["source", "file", "label", "times"]
    assert rows[:4] == [*(["real", f"photo{n}.jpg", "a", "1"] for n in range(3)), ["real", "photo3.jpg", "b", "2"]]
    assert rows[5:] == [["generated", "b/0.png", "b", "1"], ["generated", "b/2.png", "c", "1"]]


def test_ordinary_augmentation_keeps_shape_range_and_transparency_and_varies_each_image() -> None:
    torch.manual_seed(0)
    x = torch.rand(1, 4, 12, 12).repeat(3, 1, 1, 1) * 2 - 1
    x[:, 3] = 1
    found = classical.varied(x)
    assert found.shape == x.shape
    assert found.abs().max() <= 1
    assert torch.allclose(found[:, 3], torch.ones(3, 12, 12))
    assert not torch.allclose(found[0], found[1], atol=0.05)


def test_f1_in_closed_form() -> None:
    found = Score(["1100", "1", ""], [0.25, None, None], 0.1)
    assert found.f1 == [pytest.approx(2 * 0.5 * 0.25 / 0.75), 0, None]
    assert found.mean_f1() == pytest.approx(1 / 6)


def test_calibration_error_in_closed_form() -> None:
    logits = torch.log(torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.2, 0.8]]))
    labels = torch.tensor([0, 1, 1, 1])  # sure to 0.9 and right half of the time; sure to 0.8 and always right
    assert calibration_error(logits, labels) == pytest.approx((0.4 + 0.2) / 2)
