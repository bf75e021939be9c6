"""Copies of training images are found and left out; real images that were not in training are not."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import condgen
from condgen import data
from condgen.augmentation import images
from condgen.data import Dataset, Split
from condgen.judging.faults import altered, blurred
from condgen.judging.nearness import RealNearness
from condgen.judging.reference import Samples, subset
from condgen.metrics import nearness

SPOILT = {"noise": altered(lambda x, random: x + random.normal(0, 0.05, x.shape)), "blur": blurred(0.5)}
MEMBERS = 1500


@pytest.fixture(scope="module")
def digits() -> Dataset:
    """1,500 training and 1,000 test images."""
    whole = data.load("mnist")
    assert whole.test
    return replace(
        whole, train=subset(whole.train, np.arange(MEMBERS)), test=subset(whole.test, np.arange(0, 10_000, 10))
    )


def fresh() -> Split:
    """Real images that are neither training nor test images."""
    return subset(data.load("mnist").train, np.arange(10_000, 11_000))


def test_copies_are_caught_and_fresh_real_images_are_not(digits: Dataset, tmp_path: Path) -> None:
    real, unseen, random = RealNearness.of(digits), fresh(), np.random.default_rng(0)
    copies = Samples(digits.train.images[:300], digits.train.labels[:300])
    assert real.too_near(copies.images, 1).all()
    for name, plant in SPOILT.items():
        assert real.too_near(plant(copies, None, random).images, 1).mean() > 0.9, name  # type: ignore[arg-type]
    assert real.too_near(unseen.images, 1).mean() < 0.03
    without_test = RealNearness.of(replace(digits, test=None))
    assert without_test.too_near(copies.images, 1).all()
    assert without_test.too_near(unseen.images, 1).mean() < 0.03
    planted = np.concatenate([unseen.images, copies.images[:50]])
    np.savez(tmp_path / "clean.npz", images=unseen.images, labels=unseen.labels)
    np.savez(tmp_path / "planted.npz", images=planted, labels=np.resize(unseen.labels, len(planted)))
    test = digits.test
    assert test
    np.savez(tmp_path / "train.npz", x_train=digits.train.images, y_train=digits.train.labels,
             x_test=test.images, y_test=test.labels)  # fmt: skip
    found = {
        name: condgen.audit(folder=tmp_path / f"{name}.npz", data=tmp_path / "train.npz", out=tmp_path / name)
        for name in ("clean", "planted")
    }
    assert (found["clean"].copies, found["planted"].copies) == (False, True)
    assert found["clean"].verdict.count("no more than by chance") == 1
    with (tmp_path / "planted/withdraw.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert {line["image"] for line in lines[:50]} == {f"images[{1000 + n}]" for n in range(50)}
    assert all(line["equal"] == "True" for line in lines[:50])
    written = json.loads((tmp_path / "planted/audit.json").read_text())
    assert written["withdraw"] == len(lines)


def test_the_attack_is_at_chance_for_fresh_images_and_not_for_copies(digits: Dataset) -> None:
    real = RealNearness.of(digits)
    blind, copied = real.attack(fresh().images), real.attack(digits.train.images)
    assert abs((blind.value or 0) - 0.5) < 2 * (blind.error or 0)
    assert copied.value == pytest.approx(1, abs=0.01)
    assert RealNearness.of(replace(digits, test=None)).attack(fresh().images).refused


def test_the_relative_distance_in_closed_form() -> None:
    train = torch.arange(12.0)[:, None]
    found = nearness.nearness(torch.tensor([[-1.0], [3.0]]), train)
    assert found.relative.tolist() == pytest.approx([1 / 6.5, 0])
    assert found.which.tolist() == [0, 3]
    among = nearness.nearness(train[:1], train, among_themselves=True)
    assert among.relative.tolist() == pytest.approx([1 / 6])
    assert among.which.tolist() == [1]


def test_large_images_are_averaged() -> None:
    image = np.zeros((1, 64, 48, 3), np.uint8)
    image[0, 0, 0] = 255
    found = nearness.flat(image)
    assert found.shape == (1, 32 * 24 * 3)
    assert float(found.max()) == 0.25


def test_augment_leaves_out_what_is_too_near(digits: Dataset) -> None:
    unseen = fresh()
    generated = Samples(np.concatenate([digits.train.images[:5], unseen.images[:20]]), np.arange(25) % 10)
    entries = [{"file": str(number)} for number in range(25)]
    kept, named = images.apart(digits, generated, entries, 1)
    assert len(kept) == len(named) == sum(images.counted(digits, kept).values())
    assert {entry["file"] for entry in named} <= {str(number) for number in range(5, 25)}
    assert len(kept) >= 18


def test_sample_leaves_out_what_is_too_near(tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With 100, whatever is nearer than the farthest real image: images of noise, which are far, stay."""
    out = tmp_path / "generated"
    everything = condgen.sample(tiny_run, count=4, out=tmp_path / "all")
    condgen.sample(tiny_run, count=4, out=out, private=100)
    kept = {path.name for path in out.glob("*.png")}
    assert kept < {path.name for path in everything.glob("*.png")}
    assert f"{8 - len(kept)} of 8 images are left out" in capsys.readouterr().err
    with pytest.raises(condgen.CondgenError, match="neither --shard nor --grid"):
        condgen.sample(tiny_run, count=4, grid=True, out=tmp_path / "grid.png", private=1)
    with pytest.raises(condgen.CondgenError, match="one file"):
        condgen.sample(tiny_run, count=4, out=tmp_path / "all.npz", private=1)


def test_a_generator_without_labels_is_audited(pets: Path, tmp_path: Path) -> None:
    condgen.train("vae", data=pets, out=tmp_path / "run", images=64, batch=32, evaluate_every=0, quiet=True)
    found = condgen.audit(str(tmp_path / "run"), count=6)
    assert [line["label"] for line in found.per_label] == ["all"]
    assert found.images == 6
