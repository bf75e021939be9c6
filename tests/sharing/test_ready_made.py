"""The ready-made generators: licensed, of the promised quality, and found by their names."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import condgen
from condgen import listing
from condgen.judging import judge
from condgen.sharing import locate, ready_made

SOURCES = {"digits": ("mnist", "cc-by-sa-3.0"), "clothes": ("fashion-mnist", "mit")}
names = pytest.mark.parametrize("name", ready_made.NAMES)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@names
def test_its_card_has_licence_and_metrics(name: str) -> None:
    card = locate.find(name).card
    assert (card.system, card.data.name, card.licence) == ("swift", *SOURCES[name])
    assert {"fd", "label_accuracy", "recall", "cas"} <= (card.scores or {}).keys()
    readme = (ready_made.folder(name) / "README.md").read_text(encoding="utf-8")
    assert f'license: "{card.licence}"' in readme
    assert "## Training images" in readme
    assert name in [entry["name"] for entry in listing.generators()]


@names
def test_its_images_show_their_labels(name: str) -> None:
    generator = condgen.load(name)
    found: Any = SimpleNamespace(fingerprint=generator.card.data.fingerprint)  # the clothes may not be on this machine
    classifier = judge.find(found)
    assert classifier
    images = generator.sample("all", count=30)
    shown = classifier.predict(images[..., None]).labels.numpy()
    assert np.mean(shown == np.repeat(np.arange(10), 30)) > 0.85  # real clothes: 0.92


def test_a_run_or_an_export_of_that_name_has_priority(
    whole: Path, tiny_run: Path, tmp_path: Path, mistake: Callable[..., str]
) -> None:
    (tmp_path / "digits").mkdir()  # of the user's images, say
    assert condgen.sample("digits", labels="8").parent == Path("generated/digits")
    assert "was exported with one generator" in mistake("sample", "digits", "--best")
    assert "did you mean 'clothes'?" in mistake("sample", "cloths")
    for made, kind in ((whole, "export"), (tiny_run, "run")):
        shutil.rmtree(tmp_path / "digits")
        shutil.copytree(made, tmp_path / "digits")
        assert (locate.find("digits").kind, locate.find("digits").card.system) == (kind, "cgan-concat")
    shutil.rmtree(tmp_path / "digits/generator")
    assert "has no generator/card.json" in mistake("sample", "digits")
