"""What was understood of data is shown: folders with their meaning, value range, what is there when it is unclear."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from condgen import cli, data
from condgen.data.file_names import FileNames
from condgen.data.outline import LINES, outline
from condgen.data_options import DataOptions
from condgen.inspection import depth, findings, understood, words
from condgen.labels import Labels
from data_files import CLASSES, by_class, encoded, png, write, zipped

SPLIT = {f"{part}/{CLASSES[i % 2]}/{i}.png": png(i) for part in ("train", "test") for i in range(14)}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def test_file_names_are_those_of_the_images(tmp_path: Path) -> None:
    names = ["", "a/1.png", "猫.png", "\udcff.png", "a\nb"]
    kept = FileNames(names)
    assert (list(kept), kept[-1], kept[1:3], len(kept)) == (names, "a\nb", names[1:3], 5)
    own = data.load(write(tmp_path / "own", {**by_class(30), "cat/broken.png": b"hello"}), on_bad="skip")
    for file, number, pixels in zip(own.train.files, own.train.labels, own.train.images, strict=True):
        assert file.startswith(f"{own.labels.names[number]}/")
        assert pixels[-1, -1, 0] in (30 + int(Path(file).stem), 250)


@pytest.mark.parametrize("make", [write, zipped])
def test_the_tree_says_what_each_folder_is(make: Callable[..., Path], tmp_path: Path) -> None:
    own = data.load(make(tmp_path / "pets.zip", SPLIT))
    root = understood.tree(own)
    assert root
    found = {path: (folder.images, folder.meaning) for path, folder in root.walk()}
    assert found == {
        "": (28, ""),
        **{f"{part}/": (14, f"the {kind} split") for part, kind in (("train", "training"), ("test", "test"))},
        **{f"{part}/{name}/": (7, f"the class {name}") for part in ("train", "test") for name in ("cat", "dog")},
    }
    assert findings.facts(own).understood.folders[0] == understood.FolderOfImages(".", 28, "")


def test_the_meaning_that_a_reader_gives_is_shown(tmp_path: Path) -> None:
    own = data.load(write(tmp_path / "own", {f"images/{name}": content for name, content in by_class().items()}))
    object.__setattr__(own, "structure", [("images/", "all images"), ("labels.csv: breed", "not used")])
    said = understood.text(own).splitlines()
    assert "labels.csv: breed: not used" in said
    assert any(line.split() == ["images/", "12", "images,", "all", "images"] for line in said)
    expected = "images/ is all images; each class has a folder of its name; labels.csv: breed: not used"
    assert words.meanings(own) == f"folders: {expected}."


def test_a_training_says_first_what_it_understood(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "pets", SPLIT)
    cli.main(["train", "cvae", "--data", "pets", "--images", "8", "--batch", "8", "--evaluate-every", "0"])
    assert capsys.readouterr().out.splitlines()[:3] == [
        "pets: 2 classes (cat 14, dog 14), 14 training and 14 test images, 12x12 RGB.",
        "folders: train/ is the training split; test/ is the test split; each class has a folder of its name.",
        "all labels have fewer than 10 training images.",
    ]


def test_few_images_and_many_labels_are_said() -> None:
    assert words.few(["cat", "dog", "owl"], [90, 9, 1]) == "labels of fewer than 10 training images: dog (9), owl (1)."
    assert words.few(["cat", "dog"], [90, 10]) == words.few(["any"], [3]) == ""
    said = words.few([f"c{i}" for i in range(99)], [1] * 98 + [10])
    assert said.endswith("c5 (1) and 92 more.")


@pytest.mark.parametrize("command", ["inspect", "inspect --json"])
@pytest.mark.parametrize("make", [write, zipped])
def test_an_unclear_source_is_shown_before_the_question(
    make: Callable[..., Path], command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = {f"{name}.csv": f"file,label\ncat/0.png,{word}\n" for name, word in (("a", "cat"), ("b", "dog"))}
    make(tmp_path / "own.zip", by_class() | tables)
    with pytest.raises(SystemExit):
        cli.main([*command.split(), "own.zip"])
    said = capsys.readouterr()
    assert said.out == ""
    shown, (question,) = said.err.splitlines()[:-1], said.err.splitlines()[-1:]
    assert [line.split()[:2] for line in shown[1:]] == [*([f"{name}/", "4"] for name in CLASSES), ["a.csv,", "b.csv"]]
    assert question.startswith("condgen: a.csv and b.csv have different values in 'label'")


def test_an_outline_is_short() -> None:
    names = ["1.jpg", *(f"{i:03}/{j}/a/b/c/{k}.jpg" for i in range(100) for j in range(20) for k in range(3))]
    shown = outline([*names, *(f"notes{i}.txt" for i in range(9)), "LICENSE"], "big")
    assert shown[0].split(maxsplit=1) == ["big/", "6,001 images, 1 directly in it"]
    assert len(shown) <= LINES + 1
    assert outline(["LICENSE"], "none") == ["none/  no images", "  LICENSE"]


def deep(folder: str, factor: int, kind: type = np.uint16) -> None:
    noise = np.random.default_rng(0).integers(0, 4096, (24, 16, 16))
    files = {f"{'ab'[i % 2]}/{i}.png": encoded(Image.fromarray((x * factor).astype(kind))) for i, x in enumerate(noise)}
    write(Path(folder), files)


def test_a_small_part_of_the_range_is_said_with_its_remedy() -> None:
    deep("deep", 1)
    as_it_is = DataOptions(window="0,65535")
    found = depth.Depth.of(data.load("deep", as_it_is))
    assert "largest value is 4,095, where white is 65,535" in str(found.remedy)
    assert "--window=0,4095 makes 4,095 white" in str(found.remedy)
    assert found.remedy == depth.before_training(data.load("deep", as_it_is))
    assert found.files
    assert (found.files.sampled, found.files.kinds) == (24, {"PNG, 16 bits, I;16": 24})
    assert found.files.smallest == found.files.largest == [16, 16]
    deep("scaled", 16)
    assert depth.Depth.of(data.load("scaled")).remedy is None
    np.savez("bits.npz", images=np.arange(64, dtype=np.uint8).reshape(4, 4, 4) % 2, labels=np.arange(4))
    assert "multiply the values by 255 before saving" in str(
        depth.before_training(data.load("bits.npz", window="0,255"))
    )
    deep("mixed", 1)
    write(Path("mixed"), {f"cat/{i}.png": png(i, side=16) for i in range(30)})
    mixed = str(depth.Depth.of(data.load("mixed", as_it_is)).remedy)
    assert "24 of 54 sampled files have 16 bits" in mixed
    assert "--window=0,4095" in mixed
    write(Path("masks"), {f"{'ab'[i % 2]}/{i}.png": encoded(Image.new("L", (9, 9), i % 10)) for i in range(20)})
    assert "cp -r masks masks-scaled && find masks-scaled -type f -exec mogrify -evaluate multiply 28 {} +" in str(
        depth.before_training(data.load("masks"))
    )


def scene(seed: int) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((32, 32), Image.Resampling.BICUBIC)


def test_inspect_names_files_everywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Left-out files, duplicates, and one image under two labels, in the text, in JSON, in tables and on the page."""
    files = {f"{'ab'[i % 2]}/{i}.png": encoded(scene(i)) for i in range(20)}
    write(
        tmp_path / "own",
        files
        | {"b/same <b>.png": encoded(scene(0), "BMP"), "b/near.jpg": encoded(scene(2), "JPEG", quality=85)}
        | {"a/twin.png": encoded(scene(4), "BMP"), "a/no, image.png": b"hello"}
        | {"a/\udcff/\udcfe\n.png": encoded(scene(6), "BMP")},
    )
    cli.main(["inspect", "own", "--on-bad", "skip", "--out", "look"])
    said, found = capsys.readouterr().out, json.loads(Path("look/facts.json").read_text())
    assert "two labels: images that equal one of another label: 1, such as b/same <b>.png (b) and a/0.png (a)." in said
    assert "two labels: images that are nearly equal to one of another label: 1, such as b/near.jpg (b)" in said
    copies = {
        (copy["file"], copy["of"]["file"], copy["kind"], copy["two_labels"]) for copy in found["duplicates"]["copies"]
    }
    assert copies == {
        *(("b/same <b>.png", "a/0.png", "exact", True), ("b/near.jpg", "a/2.png", "near", True)),
        *(("a/twin.png", "a/4.png", "exact", False), ("a/\\udcff/\\udcfe\n.png", "a/6.png", "exact", False)),
    }
    with Path("look/left_out.csv").open(encoding="utf-8-sig") as file:
        assert [row["file"] for row in csv.DictReader(file)] == ["a/no, image.png"]
    with Path("look/duplicates.csv").open(encoding="utf-8-sig") as file:
        assert {row["of_file"] for row in csv.DictReader(file)} == {pair[1] for pair in copies}
    page = Path("look/inspect.html").read_text()
    assert "b/same &lt;b&gt;.png" in page
    assert "<b>.png" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert {"two_labels.png", "duplicates.png"} < {path.name for path in Path("look").iterdir()}


def test_validation_images_beside_a_test_split_are_named(tmp_path: Path) -> None:
    own = data.load(write(tmp_path / "own", {f"{part}/a/{part}.png": png(3) for part in ("train", "val", "test")}))
    assert own.left_out == {"'val/a/val.png'": "is in the validation split, which is not used beside a test split"}
    assert own.labels == Labels(("a",))
