"""Every layout that people keep labelled images in gives the same images and labels, from a folder or a zip."""

import gzip
import json
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from condgen import data
from condgen.data import Dataset
from condgen.errors import CondgenError
from condgen.labels import UNKNOWN
from data_files import CLASSES, by_class, encoded, image, png, write, zipped

COUNT = 12
IMAGES = {f"pics/{i}.png": png(i) for i in range(COUNT)}
LABELS = [i % 3 for i in range(COUNT)]
CELEBA = f"{COUNT}\nHat Smiling\n" + "".join(f"{i}.png {1 - 2 * (i % 2)} {i // 6 * 2 - 1}\n" for i in range(COUNT))


def table(delimiter: str, start: str = "", end: str = "\n") -> str:
    lines = [("file_name", "label"), *((f"pics/{i}.png", CLASSES[i % 3]) for i in range(COUNT))]
    return start + end.join(delimiter.join(line) for line in lines) + end


def idx(array: np.ndarray) -> bytes:
    return gzip.compress(struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes())


LAYOUTS: dict[str, dict[str, bytes | str]] = {
    "folders": dict(by_class()),
    "folders of folders": {f"{CLASSES[i % 3]}/more/{i}.png": png(i) for i in range(COUNT)},
    "csv": IMAGES | {"labels.csv": table(",")},
    "semicolons, as Excel writes": IMAGES | {"labels.csv": table(";", "\ufeff", "\r\n")},
    "tsv": IMAGES | {"whatever.tsv": table("\t")},
    "jsonl": IMAGES
    | {
        "metadata.jsonl": "\n".join(
            json.dumps({"file_name": f"pics/{i}.png", "label": CLASSES[i % 3]}) for i in range(COUNT)
        )
    },
    "stylegan": IMAGES | {"dataset.json": json.dumps({"labels": [[f"pics/{i}.png", i % 3] for i in range(COUNT)]})},
}


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_classes(tmp_path: Path, layout: str, packed: bool) -> None:
    files = LAYOUTS[layout]
    path = zipped(tmp_path / "own.zip", files) if packed else write(tmp_path / "own", files)
    found = data.load(path)
    assert found.name == "own"
    assert found.labels.names == (("0", "1", "2") if layout == "stylegan" else CLASSES)
    assert found.test is None, "fewer than a hundred images are all for training"
    assert pairs(found) == {(image(i).tobytes(), i % 3) for i in range(COUNT)}


def pairs(found: Dataset) -> set[tuple[bytes, int]]:
    return {
        (x.tobytes(), int(y))
        for split in found.splits.values()
        for x, y in zip(split.images, split.labels, strict=True)
    }


ATTRIBUTES: dict[str, dict[str, bytes | str]] = {
    "csv": IMAGES
    | {"a.csv": "image,Hat,Smiling\n" + "".join(f"pics/{i}.png,{int(i % 2 == 0)},{i >= 6}\n" for i in range(COUNT))},
    "celeba": {f"img_align_celeba/{i}.png": png(i) for i in range(COUNT)} | {"list_attr_celeba.txt": CELEBA},
    "stylegan": IMAGES
    | {
        "dataset.json": json.dumps(
            {"labels": [[f"pics/{i}.png", [int(i % 2 == 0), int(i >= 6)]] for i in range(COUNT)]}
        )
    },
}


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("layout", ATTRIBUTES)
def test_attributes(tmp_path: Path, layout: str, packed: bool) -> None:
    files = ATTRIBUTES[layout]
    path = zipped(tmp_path / "own.zip", files) if packed else write(tmp_path / "own", files)
    found = data.load(path, size=12)
    assert found.labels.kind == "attributes"
    assert found.train.labels.tolist() == [[int(i % 2 == 0), int(i >= 6)] for i in range(COUNT)]
    assert (found.train.images == np.stack([np.asarray(image(i)) for i in range(COUNT)])).all()


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("kind", ["npz", "idx"])
def test_arrays_may_lie_in_a_folder_or_a_zip_too(tmp_path: Path, kind: str, packed: bool) -> None:
    images, labels = np.arange(60, dtype=np.uint8).reshape(5, 4, 3), np.array([0, 1, 2, 1, 0], np.uint8)
    np.savez(tmp_path / "a.npz", x_train=images, y_train=labels)
    kinds: dict[str, dict[str, bytes | str]] = {"npz": {"a.npz": (tmp_path / "a.npz").read_bytes()}, "idx": {
        "train-images-idx3-ubyte.gz": idx(images), "train-labels-idx1-ubyte.gz": idx(labels),
    }}  # fmt: skip
    files = kinds[kind]
    path = zipped(tmp_path / "own.zip", files) if packed else write(tmp_path / "own", files)
    found = data.load(path)
    assert (found.train.images[..., 0] == images).all()
    assert found.train.labels.tolist() == labels.tolist()


@pytest.mark.parametrize("member", ["train-images-idx3-ubyte", "a.npz"])
def test_a_damaged_member_of_a_zip_is_one_line(tmp_path: Path, member: str) -> None:
    files: dict[str, bytes | str] = (
        {member: bytes(3000), "train-labels-idx1-ubyte": bytes(8)} if "idx" in member else {member: bytes(3000)}
    )
    path = zipped(tmp_path / "own.zip", files)
    content = bytearray(path.read_bytes())
    content[content.index(member.encode()) + len(member) + 2] ^= 0x55  # in its packed bytes
    path.write_bytes(content)
    with pytest.raises(CondgenError, match=f"'{member}' of .*own.zip' cannot be unpacked"):
        data.load(path)


def test_a_zip_of_a_folder_is_that_folder(tmp_path: Path) -> None:
    inside = zipped(tmp_path / "a.zip", {f"wrapped/{name}": content for name, content in LAYOUTS["csv"].items()})
    assert pairs(data.load(inside)) == {(image(i).tobytes(), i % 3) for i in range(COUNT)}


def test_a_table_may_be_named_by_itself_and_call_its_columns_as_it_likes(tmp_path: Path) -> None:
    text = "Dateiname,Tier\n" + "".join(f"pics/{i}.png,{CLASSES[i % 3]}\n" for i in range(COUNT))
    folder = write(tmp_path, IMAGES | {"eins.csv": text, "zwei.csv": "a,b\n1,2\n"})
    assert data.load(folder / "eins.csv").train.labels.tolist() == LABELS


@pytest.mark.parametrize("layout", ["folders", "metadata", "column"])
def test_given_splits_are_kept(tmp_path: Path, layout: str) -> None:
    part = ["train", "test", "val"]
    files: dict[str, bytes | str]
    if layout == "folders":
        files = {f"{part[i % 3]}/{CLASSES[i // 3 % 2]}/{i}.png": png(i) for i in range(COUNT)}
    elif layout == "metadata":
        files = {f"{part[i % 3]}/{i}.png": png(i) for i in range(COUNT)} | {
            f"{name}/metadata.csv": "file_name,label\n"
            + "".join(f"{i}.png,{CLASSES[i // 3 % 2]}\n" for i in range(n, COUNT, 3))
            for n, name in enumerate(part)
        }
    else:
        lines = "".join(f"pics/{i}.png,{part[i % 3]},{CLASSES[i // 3 % 2]}\n" for i in range(COUNT))
        files = IMAGES | {"t.csv": "file,split,class\n" + lines}
    found = data.load(write(tmp_path, files))
    assert found.test is not None
    assert {x.tobytes() for x in found.train.images} == {image(i).tobytes() for i in range(0, COUNT, 3)}
    assert {x.tobytes() for x in found.test.images} == {image(i).tobytes() for i in range(1, COUNT, 3)}


def test_without_splits_a_tenth_is_held_out_by_content(tmp_path: Path) -> None:
    files = {f"{'ab'[i % 2]}/{i}.png": png(i) for i in range(200)}
    found = data.load(write(tmp_path / "one", files))
    assert found.test is not None
    assert 8 <= len(found.test) <= 36, "a tenth of 200, give or take four deviations"
    renamed = {name.replace(".png", "x.png").replace("/", "/z/"): content for name, content in files.items()}
    fewer = dict(list(renamed.items())[:150])
    held = {x.tobytes() for x in found.test.images}
    again = data.load(write(tmp_path / "other", fewer))
    assert again.test is not None
    assert {x.tobytes() for x in again.test.images} == {
        x for x in held if x in {image(i).tobytes() for i in range(150)}
    }


def test_unknown_attributes_are_masked(tmp_path: Path) -> None:
    lines = "a.png,1,\nb.png,,-1\nc.png,nan,1\n"
    files = {f"{name}.png": png(i) for i, name in enumerate("abc")} | {"l.csv": "file,Hat,Old\n" + lines}
    found = data.load(write(tmp_path, files))
    assert found.train.labels.tolist() == [[1, UNKNOWN], [UNKNOWN, 0], [UNKNOWN, 1]]
    assert found.labels.encode(found.train.labels).tolist() == [[1, 0.5], [0.5, 0], [0.5, 1]]
    assert data.load(tmp_path, labels="Old").train.labels.tolist() == [0, 1], "classes cannot be unknown"


def test_classes_of_digits_are_in_the_order_of_numbers(tmp_path: Path) -> None:
    found = data.load(write(tmp_path, {f"{i}/a.png": png(i) for i in (10, 9, 0, 2)}))
    assert found.labels.names == ("0", "2", "9", "10")


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"cat/a.png": png(0), "b.png": png(1), "c.png": png(2)}, r"2 of 3 images are in no class folder, beside cat/"),
        (
            {"l.csv": "file,label\na.png,cat\na.png,dog\nb.png,cat\n", "a.png": png(0), "b.png": png(1)},
            r"1 images have several labels: 'a\.png' has other labels in l\.csv, line 3, than in l\.csv, line 2",
        ),
        ({"l.csv": "file,label\na.png,cat,dog\n", "a.png": png(0)}, "line 2: 3 cells where the first line has 2"),
        ({"l.csv": "file,label\na.png,\n", "a.png": png(0)}, "no row has a value in the column 'label'"),
        (
            {"l.csv": "file,Hat,Old\n" + "a.png,1,0\n" * 5 + "a.png,1,maybe\n", "a.png": png(0)},
            "row 6, Old: wanted 1 or 0",
        ),
        ({"l.csv": "file,split,label\na.png,tset,cat\n", "a.png": png(0)}, "split 'tset'; wanted train"),
        ({"l.csv": "file,label\nb.png,cat\n", "a.png": png(0)}, r"'b\.png' is missing"),
        ({"l.csv": "file,label\n../a.png,cat\n"}, "lies outside of the folder"),
        ({"l.csv": "file\na.png\n", "a.png": png(0)}, "a column of images and none of labels"),
        (
            {"a.csv": "x,y\n", "b.csv": "file,label\na,1\n", "c.csv": "file,label\na,2\n", "a.png": png(0)},
            r"different values in 'label' for 1 images\. Add --exclude b\.csv or --exclude c\.csv",
        ),
        ({"l.jsonl": '{"file": "a.png", "label": 1}\n{oops\n', "a.png": png(0)}, "line 2: wanted one JSON object"),
        ({"dataset.json": '{"labels": null}', "a.png": png(0)}, "names no labels"),
        ({"dataset.json": '{"labels": [["a.png", "cat"]]}', "a.png": png(0)}, "wanted whole numbers, or lists"),
        ({"dataset.json": "{", "a.png": png(0)}, "wanted {"),
        ({"A\u030a/a.png": png(0), "\u00c5/b.png": png(1)}, "in different Unicode spellings"),
        ({"a\nb/a.png": png(0)}, "cannot be printed; rename it"),
    ],
)
def test_mistakes_are_named_with_their_place(tmp_path: Path, files: dict[str, bytes | str], says: str) -> None:
    with pytest.raises(CondgenError, match=says):
        data.load(write(tmp_path, files))


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """Images with classes, in two splits, as Hugging Face's `datasets` saves them."""
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=list(CLASSES))})
    rows = {"image": [{"bytes": png(i), "path": None} for i in range(COUNT)], "label": LABELS}
    whole = datasets.Dataset.from_dict(rows, features=features)
    both = datasets.DatasetDict({"train": whole.select(range(9)), "test": whole.select(range(9, COUNT))})
    both.save_to_disk(tmp_path / "arrow")
    for split, part in both.items():
        part.to_parquet(tmp_path / "parquet" / f"{split}-00000-of-00001.parquet")
    return tmp_path


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", ["arrow", "parquet", "parquet.zip"])
def test_hugging_face(hub: Path, kind: str) -> None:
    if kind.endswith("zip"):
        zipped(hub / kind, {path.name: path.read_bytes() for path in (hub / "parquet").iterdir()})
    found = data.load(hub / kind)
    assert found.labels.names == CLASSES
    assert found.train.labels.tolist() == LABELS[:9]
    assert found.test is not None
    assert (found.test.images == np.stack([np.asarray(image(i)) for i in range(9, COUNT)])).all()


def test_one_parquet_file_with_attributes(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    cells = {"jpg": [png(0), png(1), png(2)], "Hat": [True, None, False], "Old": [1, 0, 1]}
    parquet.write_table(pyarrow.table(cells), tmp_path / "a.parquet", row_group_size=2)
    found = data.load(tmp_path / "a.parquet")
    assert found.labels.names == ("Hat", "Old")
    assert found.train.labels.tolist() == [[1, 1], [UNKNOWN, 0], [0, 1]]
    assert found.train.images[2].tobytes() == image(2).tobytes()


@pytest.mark.parametrize("name", ["a.parquet", "state.json"])
def test_a_missing_library_is_one_line(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {name: b"x", "dataset_info.json": "{}"})
    for module in ("pyarrow", "pyarrow.parquet", "datasets"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(CondgenError, match=r"pip install 'condgen\[data\]'"):
        data.load(tmp_path)


def test_an_imagefolder_reads_as_its_own_library_reads_it(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    write(tmp_path / "own", {f"train/{CLASSES[i % 3]}/{i}.png": png(i) for i in range(COUNT)})
    theirs = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "own"), cache_dir=str(tmp_path / "c"))[
        "train"
    ]
    ours = data.load(tmp_path / "own")
    assert tuple(theirs.features["label"].names) == ours.labels.names
    assert pairs(ours) == {(row["image"].tobytes(), row["label"]) for row in theirs}


def test_grey_images_make_a_grey_set_and_one_in_colour_makes_all_so(tmp_path: Path) -> None:
    grey = {f"a/{i}.png": encoded(image(i, colour=False).convert("L")) for i in range(3)}
    assert data.load(write(tmp_path / "grey", grey)).spec.shape == (1, 12, 12)
    mixed = data.load(write(tmp_path / "mixed", grey | {"b/x.png": png(7)}))
    assert mixed.spec.shape == (3, 12, 12)
    assert (mixed.train.images[:3] == data.load(tmp_path / "grey").train.images).all()
