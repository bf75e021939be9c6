"""Folders of images: what is a split, a class, a stranger, and what is asked. Random trees are in tests/layouts."""

import json
import zipfile
from dataclasses import asdict
from pathlib import Path

import pytest

from condgen import data
from condgen.data.label_pattern import Pattern, suggested
from condgen.data.words import split_of
from condgen.errors import CondgenError, Question
from condgen.inspection.understood import Understood
from data_files import png, write


def pets(prefix: str = "", start: int = 0) -> dict[str, bytes | str]:
    return {f"{prefix}{('cat', 'dog')[i // 4]}/{i}.png": png(start + i) for i in range(8)}


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"), ("TRAIN", "train"), ("Training", "train"), ("training_set", "train"),
        ("seg_train", "train"),
        ("trainset", "train"), ("train2017", "train"), ("train_images", "train"), ("TrainingSet", "train"),
        ("train_val", "train"), ("test", "test"), ("Testing", "test"), ("holdout", "test"), ("test-32x32", "test"),
        ("eval", "validation"), ("val_data", "validation"), ("Validate", "validation"), ("测试集", "test"),
        ("trains", None), ("latest", None), ("contest", None), ("test-multiple_fruits", None), ("value", None),
        ("training_wheels", None), ("pets_train", None),
    ],
)  # fmt: skip
def test_names_of_splits(name: str, split: str | None) -> None:
    assert split_of(name) == split


@pytest.mark.parametrize(
    ("text", "path", "found"),
    [
        ("{label}_{n}.jpg", "x/great_dane_3.JPG", ("great_dane", None)),
        ("{label}.{n}.*", "cat.0.jpeg", ("cat", None)),
        ("{age}_{label}_*.jpg", "26_1_0.jpg", ("1", None)),
        ("{split}/{label}/*", "a/test_set/cat/1.png", ("cat", "test")),
        ("{split}/{label}/*", "a/other/cat/1.png", None),
        ("/{label}/**", "cat/2019/01/1.png", ("cat", None)),
        ("a/**/{label}/*", "a/cat/1.png", ("cat", None)),
        ("/{label}/*", "a/cat/1.png", None),
        ("{label}_{n}.jpg", "cat.jpg", None),
    ],
)
def test_patterns_of_labels(text: str, path: str, found: tuple[str, str | None] | None) -> None:
    assert Pattern(text).find(path) == found


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (["cat.0.jpg", "cat.1.jpg", "dog.0.jpg", "dog.1.jpg"], "{label}.{n}.*"),
        (["great_dane_1.jpg", "great_dane_2.jpg", "pug_1.jpg", "pug_2.jpg"], "{label}_{n}.*"),
        (["26_1_0.jpg", "26_0_1.jpg", "31_1_2.jpg"], "{label}_{field2}_{field3}.*"),
        (["IMG_0001.jpg", "IMG_0002.jpg", "IMG_0003.jpg", "IMG_0004.jpg"], None),
        (["1.jpg", "2.jpg", "3.jpg", "4.jpg"], None),
    ],
)
def test_patterns_are_suggested_if_names_begin_with_labels(names: list[str], pattern: str | None) -> None:
    assert suggested(names) == pattern


def test_a_pattern_needs_a_label_and_has_to_match(tmp_path: Path) -> None:
    write(tmp_path, pets())
    with pytest.raises(CondgenError, match=r"needs \{label\} once"):
        data.load(tmp_path, label_pattern="{n}.png")
    with pytest.raises(CondgenError, match=r"matches no image; the first is 'cat/0\.png'"):
        data.load(tmp_path, label_pattern="{label}_{n}.png")


def test_options_choose_a_part(tmp_path: Path) -> None:
    write(tmp_path, pets("raw/") | pets("small/", 50) | {"raw/cat/old/9.png": png(90)})
    with pytest.raises(Question) as asked:
        data.load(tmp_path)
    assert "--image-root raw" in asked.value.answers
    whole = data.load(tmp_path, image_root="raw")
    assert (whole.labels.names, len(whole.train)) == (("cat", "dog"), 9)
    assert whole.left_out == {f"'small/{name}'": "is outside of --image-root" for name in pets()}
    part = data.load(tmp_path, exclude="/small,old")
    assert (part.labels.names, len(part.train)) == (("cat", "dog"), 8)
    assert part.left_out["'raw/cat/old/9.png'"] == "matches --exclude"
    with pytest.raises(CondgenError, match="no images in --image-root 'medium'"):
        data.load(tmp_path, image_root="medium")


def test_links_to_folders_inside_are_followed_and_others_named(tmp_path: Path) -> None:
    own = write(tmp_path / "own", pets())
    outside = write(tmp_path / "outside", {"1.png": png(70)})
    (own / "bird").symlink_to(own / "dog", target_is_directory=True)
    (own / "fish").symlink_to(outside, target_is_directory=True)
    found = data.load(own, on_bad="skip")
    assert found.labels.names == ("bird", "cat", "dog")
    assert found.left_out == {"'fish'": "is a link out of the data, to a folder; copy that folder"}
    (tmp_path / "links").mkdir()
    (tmp_path / "links/cat").symlink_to(outside, target_is_directory=True)
    with pytest.raises(CondgenError, match=r"it is empty, apart from 'cat' is a link out of the data"):
        data.load(tmp_path / "links")


@pytest.mark.parametrize(("encoding", "flag"), [("gb18030", "gb2312"), ("utf-8", "utf-8"), ("shift_jis", "shift_jis")])
def test_names_in_a_zip_in_another_encoding(tmp_path: Path, encoding: str, flag: str) -> None:
    words = {"gb18030": "猫狗", "utf-8": "猫", "shift_jis": "ネコ"}[encoding]
    path, mark = tmp_path / "old.zip", "A" * len(words.encode(encoding))
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in pets().items():
            archive.writestr(name.replace("cat", mark).replace("/", "|"), content)
    raw = path.read_bytes().replace(b"dog|", b"dog\\").replace(mark.encode() + b"|", words.encode(encoding) + b"\\")
    path.write_bytes(raw)
    found = data.load(path)
    assert set(found.labels.names) == {words, "dog"}
    assert found.remarks == (
        f"'old.zip': the names of 4 files were decoded as {flag}; if they are wrong, unpack the archive.",
    )


def test_an_archive_alone_in_a_folder_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "Pets.ZIP", "w") as archive:
        for name, content in pets().items():
            archive.writestr(f"pets/data/{name}", content)
    found = data.load(tmp_path)
    assert (found.labels.names, len(found.train)) == (("cat", "dog"), 8)
    assert "contains 'Pets.ZIP', which was read" in found.remarks[0]
    (tmp_path / "more.zip").write_bytes((tmp_path / "Pets.ZIP").read_bytes())
    with pytest.raises(
        CondgenError, match=r"contains 2 archives; name one \(--data .*Pets\.ZIP or --data .*more\.zip\)"
    ):
        data.load(tmp_path)


def test_a_folder_name_that_is_no_utf8_becomes_a_readable_class(tmp_path: Path) -> None:
    name = "猫狗".encode("gb18030").decode("utf-8", "surrogateescape")
    write(tmp_path, {path.replace("cat", name): content for path, content in pets().items()})
    found = data.load(tmp_path)
    assert set(found.labels.names) == {"猫狗", "dog"}
    assert "the names of 1 folders are not UTF-8; they are read as 猫狗." in found.remarks
    json.dumps(asdict(Understood.of(found)), ensure_ascii=False).encode()


def test_folders_that_systems_create_are_no_classes(tmp_path: Path) -> None:
    names = ("@eaDir", "__MACOSX", "$RECYCLE.BIN", "#recycle", ".ipynb_checkpoints", "System Volume Information")
    found = data.load(write(tmp_path, pets() | {f"{name}/cat/thumb.png": png(60) for name in names}))
    assert (found.labels.names, len(found.train)) == (("cat", "dog"), 8)


def test_images_without_labels(tmp_path: Path) -> None:
    found = data.load(write(tmp_path / "photos", {f"{i}.png": png(i) for i in range(9)} | {"model.h5": "x"}))
    assert (found.labels.names, len(found.train)) == (("any",), 9)
    assert found.remarks == ("'photos' has no labels: no folder is a class, and there is no table.",)
    write(tmp_path / "photos", {"labels.mat": "x"})
    with pytest.raises(Question, match=r"labels\.mat may contain the labels, but condgen does not read it"):
        data.load(tmp_path / "photos")
    assert len(data.load(tmp_path / "photos", kind="none").train) == 9
