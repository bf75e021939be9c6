"""Runs on data from Python, on data that moved, on data without labels, and with classes without images."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import condgen
from condgen import api, cli, data
from condgen.labels import Labels
from condgen.serving.encode import resolve, resolve_points
from condgen.serving.model_info import Served
from condgen.serving.problems import Problem
from condgen.serving.schemas import Points, Sample
from condgen.spec import Prior, Spec
from condgen.testing.toys import toy_card
from data_files import by_class, write

IMAGES = np.random.default_rng(0).integers(0, 256, (60, 8, 8), np.uint8)
PETS = data.from_arrays(IMAGES, np.arange(60) % 3 * 2, names=["cat", "owl", "dog", "newt", "eel"], name="pets")
"""Without images of owl and newt."""
TINY: dict[str, Any] = {"images": 64, "batch": 32, "quiet": True}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run trained on images in memory."""
    return condgen.train("cgan-concat", data=PETS, out=tmp_path_factory.mktemp("runs") / "pets", **TINY).folder


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What a command prints, whether it is refused or not."""

    def said(*words: object) -> str:
        with suppress(SystemExit):
            cli.main([str(word) for word in words])
        output = capsys.readouterr()
        return output.out + output.err

    return said


def test_a_run_from_memory_asks_for_its_data(run: Path, tmp_path: Path) -> None:
    assert json.loads((run / "config.json").read_text())["data"] == "memory:pets"
    with pytest.raises(condgen.CondgenError, match=r"trained on images in memory \('pets'\); --data PATH"):
        api.data_of(run)
    assert condgen.train("cgan-concat", data=PETS, out=run, **TINY).images == 64, "the same object resumes it"
    changed = data.from_arrays(255 - IMAGES, PETS.train.labels, names=PETS.labels.names, name="pets")
    with pytest.raises(condgen.CondgenError, match="other images or labels in 'memory:pets'"):
        condgen.train("cgan-concat", data=changed, out=run, **TINY)


def test_other_data_are_measured_and_said_to_be_other(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert api.data_of(run, PETS).fingerprint == PETS.fingerprint
    assert "holds the same images and labels" in capsys.readouterr().err
    other = data.from_arrays(255 - IMAGES, PETS.train.labels, names=PETS.labels.names)
    assert api.data_of(run, other).fingerprint == other.fingerprint
    assert "holds other images or labels than" in capsys.readouterr().err
    with pytest.raises(condgen.CondgenError, match=r"generates 8x8 images .* of cat, owl.* holds 8x8 .* of 0, 1, 2"):
        api.data_of(run, (IMAGES, np.arange(60) % 3))


def test_classes_without_images_are_said_and_never_generated(
    run: Path, say: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert api.card(run).data.empty == [1, 3]
    for place in (run, condgen.export(str(run), out=tmp_path / "exported").data["folder"]):
        said = say("sample", place, "--labels", "owl", "--out", tmp_path / "owl.png")
        assert "trained on no image of 'owl'" in said
        assert said.count("\n") == 1
        out = tmp_path / f"of {Path(place).name}"
        assert "trained on no image of them: owl, newt." in say("sample", place, "--out", out)
        assert len(list(out.glob("*.png"))) == 3
    capsys.readouterr()
    condgen.train("cgan-concat", data=PETS, out=tmp_path / "again", images=32, batch=32)
    assert "2 labels of 'pets' have no training images and cannot be generated: owl, newt." in capsys.readouterr().out


def test_a_server_refuses_them_too() -> None:
    spec, prior = Spec((1, 8, 8), PETS.labels), Prior(2)
    card = toy_card(spec, prior, data={"name": "pets", "fingerprint": "", "empty": [1, 3]})
    served = Served("pets", card, spec, prior, 32, False)
    assert list(resolve(served, Sample(format="zip"), 99).images.labels) == [0, 2, 4]
    with pytest.raises(Problem, match="trained on no image of 'owl'"):
        resolve(served, Sample(labels="owl"), 99)
    points = Points.model_validate({"points": [{"z": {"seed": 0}, "y": [0, 0, 0, 1, 0]}]})
    with pytest.raises(Problem, match="without training images"):
        resolve_points(served, points, 99)


@pytest.mark.parametrize("empty", [[], [0], [0, 2]])
def test_all_labels_are_those_with_images(empty: list[int]) -> None:
    classes, attributes = Labels(("a", "b", "c")), Labels(("a", "b", "c"), "attributes")
    left = [number for number in range(3) if number not in empty]
    assert list(classes.trained(empty)) == left
    assert list(attributes.trained(empty)) == [tuple(int(i == n) for i in range(3)) for n in left]
    attributes.check_trained([(0, 0, 0), (0, 1, 0)], empty)


@pytest.mark.usefixtures("brief_classifiers")
def test_images_without_labels_train_unconditional_presets(
    tmp_path: Path, say: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From training to evaluation and export; and after the data moved."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "own", by_class(40))
    options = ["--kind", "none", "--images", 64, "--batch", 32, "--quiet"]
    said = say("train", "--data", "own", *options)
    assert "'own' has no labels, which swift is conditioned on. Train an unconditional preset (gan," in said
    say("train", "gan", "--data", "own", *options)
    say("train", "gan", "--data", tmp_path / "x" / ".." / "own", *options)
    assert [path.name for path in Path("runs").iterdir()] == ["gan-own"], "another spelling is the same training"
    assert json.loads(Path("runs/gan-own/config.json").read_text())["data"] == str(tmp_path / "own")
    (tmp_path / "own").rename(tmp_path / "moved")
    said = say("evaluate", "runs/gan-own", "--quick")
    assert said == (
        f"condgen: 'runs/gan-own' was trained on the data at {str(tmp_path / 'own')!r}, which are not there now; "
        "--data NEWPATH names where they are.\n"
    )
    said = say("evaluate", "runs/gan-own", "--quick", "--count", 40, "--data", "moved")
    assert "'moved' holds the same images and labels that 'runs/gan-own' was trained on." in said
    assert "has no labels to train a feature classifier on" in said
    assert Path("runs/gan-own/evaluation.json").exists()
    say("export", "runs/gan-own", "--out", "exported")
    assert "own" in api.card("exported").data.name
    private = str(tmp_path).encode()
    assert not [path for path in Path("exported").iterdir() if private in path.read_bytes()]
    assert len(list(Path(say("sample", "exported", "--count", 2, "--out", "some").strip()).glob("*.png"))) == 2
