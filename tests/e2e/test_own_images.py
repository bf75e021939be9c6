"""One command to look, one to train, none of code: images of users' own in the layouts they have them in."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import condgen
from condgen import cli, data
from conftest import SHARED
from data_files import CLASSES, encoded, image, png, write

CARTOONS, CLOTHES = SHARED / "data/cartoon-celeba", Path("/usr/share/datasets/fashion-mnist")
KEPT = [image(i, side=24) for i in range(60)]


def mixed(folder: Path) -> Path:
    """A folder per class, with every size, mode and format that comes along."""
    modes: list[Callable[[Image.Image], bytes]] = [
        lambda p: encoded(p),
        lambda p: encoded(p.convert("L").resize((40, 30)), "JPEG"),
        lambda p: encoded(p.convert("RGBA").resize((17, 50)), "WEBP"),
        lambda p: encoded(p.quantize(16), "GIF"),
        lambda p: encoded(Image.fromarray(np.asarray(p.convert("L")).astype(np.uint16) * 257), "TIFF"),
        lambda p: encoded(p.convert("CMYK"), "JPEG"),
    ]
    return write(folder, {f"{CLASSES[i % 3]}/{i}": modes[i % len(modes)](KEPT[i]) for i in range(60)})


def keras(folder: Path) -> Path:
    digits = data.load("mnist")
    arrays: dict[str, Any] = {
        "x_train": digits.train.images[:200, ..., 0],
        "y_train": digits.train.labels[:200].astype(np.uint8),
    }
    tests: dict[str, Any] = {
        "x_test": digits.splits["test"].images[:50, ..., 0],
        "y_test": digits.splits["test"].labels[:50],
    }
    np.savez_compressed(folder / "mnist.npz", **arrays, **tests)
    return folder / "mnist.npz"


def table(folder: Path) -> Path:
    rows = "".join(f"p/{i}.png,{CLASSES[i % 3]}\n" for i in range(60))
    return write(
        folder / "own", {f"p/{i}.png": png(i, side=24) for i in range(60)} | {"labels.csv": f"file,label\n{rows}"}
    )


SETS: dict[str, tuple[Callable[[Path], Path | str], list[str], tuple[int, int, int], int]] = {
    "a folder per class": (lambda tmp: mixed(tmp / "own"), ["--size", "16"], (3, 16, 16), 3),
    "a csv": (table, [], (3, 24, 24), 3),
    "keras' mnist.npz": (keras, [], (1, 28, 28), 10),
    "cartoon faces from their zip": (
        lambda tmp: CARTOONS / "img_align_celeba.zip",
        ["--labels", "Blond_Hair,Eyeglasses,Smiling", "--size", "32"],
        (3, 32, 32),
        3,
    ),
    "fashion-mnist": (lambda tmp: "fashion-mnist", [], (1, 28, 28), 10),
}


@pytest.mark.parametrize("name", SETS)
def test_inspect_and_train_in_one_command_each(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if name.startswith("cartoon") and not CARTOONS.exists():
        pytest.skip("the cartoon faces are not here")
    if name == "fashion-mnist" and not CLOTHES.exists():
        pytest.skip("Debian's package is not here")
    make, options, shape, labels = SETS[name]
    monkeypatch.chdir(tmp_path)
    own = str(make(tmp_path))
    if name == "fashion-mnist":
        monkeypatch.setattr("condgen.duplicates.near", lambda images: [])  # half a minute of hashing is not the point
    cli.main(["inspect", own, *options, "--json"])
    facts = json.loads(capsys.readouterr().out)
    train = facts["splits"]["train"]
    assert (train["channels"], train["height"], train["width"]) == shape
    assert len(facts["labels"]["names"]) == labels
    unused = "is in the validation split, which is not used beside a test split"
    assert list(facts["left_out"].values()) == [unused] * (300 if name.startswith("cartoon") else 0)
    cli.main(["train", "--data", own, *options, "--images", "128", "--evaluate-every", "0", "--out", "run", "--quiet"])
    assert condgen.load("run").sample("all", count=1).shape[:2] == (labels, shape[1])


def test_what_is_left_out_is_told_by_inspect_and_train(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = table(tmp_path)
    (own / "p/7.png").write_bytes(b"hello")
    words = ["--data", str(own), "--images", "64", "--out", str(tmp_path / "run"), "--on-bad", "skip"]
    cli.main(["inspect", str(own), "--on-bad", "skip", "--out", str(tmp_path / "look")])
    assert "'p/7.png', which is not an image" in capsys.readouterr().out
    assert "p/7.png" in (tmp_path / "look/facts.json").read_text()
    cli.main(["train", *words])
    assert "left out of 'own': 1 file, such as 'p/7.png'" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        cli.main(["inspect", str(own)])
    assert "1 of 60 images" in capsys.readouterr().err


def test_a_run_remembers_how_its_images_were_made_square(tmp_path: Path) -> None:
    own = write(tmp_path / "own", {f"{'ab'[i % 2]}/{i}.png": encoded(image(i).resize((30, 20))) for i in range(20)})
    options = ["--size", "8", "--fit", "pad", "--images", "64", "--quiet"]
    cli.main(["train", "cvae", "--data", str(own), *options, "--out", str(tmp_path / "run")])
    seen = condgen.api.data_of(tmp_path / "run").train.images
    assert (seen[0, 0] == 0).all(), "the bar above"
    with pytest.raises(SystemExit):
        cli.main(["train", "cvae", "--data", str(own), "--size", "8", "--images", "64", "--out", str(tmp_path / "run")])


def test_small_data_options_reach_the_training(tmp_path: Path) -> None:
    own = str(table(tmp_path))
    options = ["--images", "128", "--quiet", "--out", str(tmp_path / "run"), "--transforms", "translation,mirror"]
    cli.main(["train", "--balance", "swift", "--data", own, "--augmentation", "adaptive", *options])
    config = json.loads((tmp_path / "run/config.json").read_text())["config"]
    assert (config["balanced_sampling"], config["augmentation"], config["transforms"]) == (
        True,
        "adaptive",
        "translation,mirror",
    )
    assert "augment/p" in json.loads((tmp_path / "run/log.jsonl").read_text().splitlines()[-1])
    cli.main(
        [
            "train",
            "--data",
            own,
            "--finetune",
            str(tmp_path / "run"),
            "--images",
            "64",
            "--quiet",
            "--out",
            str(tmp_path / "on"),
        ]
    )
    assert json.loads((tmp_path / "on/config.json").read_text())["config"]["balanced_sampling"] is True


@pytest.mark.usefixtures("brief_classifiers")
def test_attributes_that_nobody_noted_down_can_be_trained_on_and_measured(tmp_path: Path) -> None:
    lines = "".join(
        f"{i}.png,{i % 2},{'' if i % 5 == 0 else i % 3 % 2},{'test' if i > 50 else 'train'}\n" for i in range(80)
    )
    files: dict[str, bytes | str] = {f"{i}.png": png(i, side=16) for i in range(80)}
    own = write(tmp_path / "own", files | {"labels.csv": "file,Hat,Old,split\n" + lines})
    run = str(tmp_path / "run")
    cli.main(["train", "--data", str(own), "--images", "128", "--quiet", "--out", run])
    cli.main(["evaluate", run, "--quick", "--images", "60"])
    assert json.loads((tmp_path / "run/evaluation.json").read_text())["balance"]["value"] is not None
