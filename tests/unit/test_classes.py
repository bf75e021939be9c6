"""Labels that are numbers cost what there are different ones, whatever the numbers; what is doubtful is one line."""

import gzip
import json
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from condgen import data
from condgen.data.classes import MOST, numbered
from condgen.errors import CondgenError
from data_files import png, write

IMAGES = np.arange(6 * 2 * 2, dtype=np.uint8).reshape(6, 2, 2)
SPARSE = [20210101, 20210102, 20210101, 7, 7, 20210102]


def as_npz(folder: Path, labels: object) -> Path:
    np.savez(folder / "own.npz", images=IMAGES[: len(labels)], labels=np.asarray(labels))  # type: ignore[arg-type]
    return folder / "own.npz"


def as_stylegan(folder: Path, labels: list[int]) -> Path:
    listed = json.dumps({"labels": [[f"{i}.png", label] for i, label in enumerate(labels)]})
    return write(folder / "own", {f"{i}.png": png(i) for i in range(len(labels))} | {"dataset.json": listed})


def as_table(folder: Path, labels: list[int]) -> Path:
    rows = "".join(f"{i}.png,{label}\n" for i, label in enumerate(labels))
    return write(folder / "own", {f"{i}.png": png(i) for i in range(len(labels))} | {"l.csv": "file,label\n" + rows})


def as_parquet(folder: Path, labels: list[int]) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    cells = {"image": [png(i) for i in range(len(labels))], "label": [float(label) for label in labels]}
    parquet.write_table(pyarrow.table(cells), folder / "own.parquet")
    return folder / "own.parquet"


@pytest.mark.parametrize("source", [as_npz, as_stylegan, as_table, as_parquet])
def test_large_numbers_are_classes_of_their_name(source: object, tmp_path: Path) -> None:
    path = source(tmp_path, SPARSE)  # type: ignore[operator]
    data.load(path)
    tracemalloc.start()
    found = data.load(path)
    assert tracemalloc.get_traced_memory()[1] < 2**20 * 4, "bytes; it was 2 GB"
    tracemalloc.stop()
    assert found.labels.names == ("7", "20210101", "20210102")
    assert [found.labels.names[label] for label in found.train.labels] == [str(label) for label in SPARSE]


@pytest.mark.parametrize(
    ("labels", "names", "values"),
    [
        ([0, 1, 2, 1], "012", [0, 1, 2, 1]),
        ([0, 3, 1, 3], "0123", [0, 3, 1, 3]),  # 2 may be a class without images
        ([10, 40, 20, 30], ("10", "20", "30", "40"), [0, 3, 1, 2]),
        ([1, 2, 3, 1], "123", [0, 1, 2, 0]),
        ([3.0, 1.0, 2.0, 1.0], "123", [2, 0, 1, 0]),
        (np.array([2**40, 5], np.uint64), ("5", str(2**40)), [1, 0]),
        ([True, False], "01", [1, 0]),
        ([b"cat", b"dog"], ("cat", "dog"), [0, 1]),
    ],
)
def test_numbers_of_an_npz(labels: object, names: object, values: list[int], tmp_path: Path) -> None:
    found = data.load(as_npz(tmp_path, labels))
    assert found.labels.names == tuple(names)  # type: ignore[arg-type]
    assert found.train.labels.tolist() == values


def test_both_splits_have_the_same_classes(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_train=IMAGES[:2], y_train=[900, 100], x_test=IMAGES[:2], y_test=[500, 900])
    found = data.load(tmp_path / "a.npz")
    assert found.labels.names == ("100", "500", "900")
    assert (found.train.labels.tolist(), found.splits["test"].labels.tolist()) == ([2, 0], [1, 2])
    assert "3 different numbers from 100 to 900" in found.notes[0]


def test_idx_files_that_begin_at_one_have_no_empty_class(tmp_path: Path) -> None:
    for name, array in (("images-idx3", IMAGES), ("labels-idx1", np.array([1, 2, 3, 1, 2, 3], np.uint8))):
        raw = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()
        (tmp_path / f"train-{name}-ubyte.gz").write_bytes(gzip.compress(raw))
    found = data.load(tmp_path)
    assert (found.labels.names, found.train.labels.tolist()) == (("1", "2", "3"), [0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([0, -1, 0, 1], "image 1 has label -1, wanted 0 to 1"),
        ([-(2**40), 5], "wanted 0 to 5"),
        ([0.5, 1], "with fractions, wanted whole numbers"),
        ([np.nan, 0.5], "with fractions, wanted whole numbers"),
        ([np.inf, 1], "those are no classes"),
        ([1e300, 1], "those are no classes"),
        (np.array([2**63 + 1, 1], np.uint64), "those are no classes"),
        ([1j, 1], "labels are complex128, wanted whole numbers or words"),
        (np.array(["2021-01-01", "2021-01-02"], "M8[D]"), "wanted whole numbers or words"),
    ],
)
def test_numbers_that_are_no_classes_are_one_line(labels: object, says: str, tmp_path: Path) -> None:
    with pytest.raises(CondgenError, match=says) as error:
        data.load(as_npz(tmp_path, labels))
    assert "\n" not in str(error.value)


def test_there_is_an_end_to_classes() -> None:
    with pytest.raises(CondgenError, match=rf"x: {MOST + 1:,} different labels, such as '\d+'; condgen takes 20,000"):
        numbered([np.arange(MOST + 1) * 3], "x")
    assert len(numbered([np.arange(MOST)], "x").names) == MOST


def test_doubtful_labels_are_told() -> None:
    assert numbered([np.arange(10)], "x").remarks == ()
    assert "are the labels measurements?" in numbered([np.arange(300)], "x").remarks[0]
    assert "the labels are 2 different numbers from 3 to 900" in numbered([np.array([3, 900, 3])], "x").remarks[0]


def test_hidden_labels_are_left_out_and_counted(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])})
    images = [{"bytes": png(i), "path": None} for i in range(3)]
    for labels, name in (([0, -1, None], "some"), ([-1, -1, -1], "all")):
        cells = {"image": images, "label": labels}
        datasets.Dataset.from_dict(cells, features=features).to_parquet(tmp_path / f"{name}.parquet")
    (note,) = data.load(tmp_path / "some.parquet").notes
    assert "2 of 3 rows have no label (1 of them are -1, which marks hidden labels)" in note
    with pytest.raises(CondgenError, match="every label is -1, which marks hidden labels"):
        data.load(tmp_path / "all.parquet")
