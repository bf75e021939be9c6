"""A table that `condgen inspect --write-table` wrote is read back as the same data."""

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from condgen import cli, data
from condgen.errors import CondgenError
from condgen.inspection import label_table
from data_files import CLASSES, by_class, png, write, zipped

NESTED = {
    f"{part}/{CLASSES[i % 2]}/more/{i}.png": png(i) for i, part in enumerate(["train", "test", "train", "val"] * 5)
}
ROWS = "".join(f"p/{i}.png,{'train' if i % 3 else 'test'},{i % 2},{['', '1', '0'][i % 3]}\n" for i in range(12))
LAYOUTS: dict[str, Callable[[], Mapping[str, bytes | str]]] = {
    "folders": lambda: (
        {f"{name}/Größe, 猫/{name}.png": png(i) for i, name in enumerate(["b", "a b", "c"])} | by_class()
    ),
    "splits": lambda: NESTED,
    "a held-out tenth": lambda: {f"{number % 3}/{number}.png": png(number) for number in range(120)},
    "attributes": lambda: {
        **{f"p/{i}.png": png(i) for i in range(12)},
        "labels.csv": "file,split,Smiling,Eyeglasses\n" + ROWS,
    },
}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("place", ["fixed.csv", "own/fixed.csv"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_reading_the_table_gives_the_same_data(layout: str, place: str, tmp_path: Path) -> None:
    own = data.load(write(tmp_path / "own", LAYOUTS[layout]()))
    assert label_table.write(own, Path(place)).lost == ()
    found = data.load(place, kind=own.labels.kind)
    assert (found.fingerprint, found.labels) == (own.fingerprint, own.labels)
    assert found.splits.keys() == own.splits.keys()
    for ours, theirs in zip(own.splits.values(), found.splits.values(), strict=True):
        assert np.array_equal(ours.images, theirs.images)
        assert np.array_equal(ours.labels, theirs.labels)


def test_a_table_elsewhere_is_read_back_or_refused_with_a_place_that_works(tmp_path: Path) -> None:
    own, place = data.load(write(tmp_path / "my own", by_class())), tmp_path / "elsewhere/labels.csv"
    try:
        label_table.write(own, place)
    except CondgenError as error:
        assert not place.exists()
        place = Path(shlex.split(str(error).removesuffix("."))[-1])
        assert place == tmp_path / "labels.csv"
        label_table.write(own, place)
    assert data.load(place).fingerprint == own.fingerprint


def test_only_an_unchanged_table_is_replaced(tmp_path: Path) -> None:
    write(tmp_path / "own", by_class())
    label_table.write(data.load("own"), Path("labels.csv"))
    write(tmp_path / "own", {"owl/13.png": png(13)})
    label_table.write(data.load("own"), Path("labels.csv"))
    corrected = Path("labels.csv").read_text().replace("owl", "eagle")
    for theirs in (corrected, "file,label\n", ""):
        Path("labels.csv").write_text(theirs)
        with pytest.raises(CondgenError, match=r"'labels\.csv' is there already"):
            label_table.write(data.load("own"), Path("labels.csv"))
        assert Path("labels.csv").read_text() == theirs


def test_what_has_no_table_is_one_line(tmp_path: Path) -> None:
    write(tmp_path / "spaces", {"cat/1.png": png(1), "dog/ 2.png ": png(2), "dog/3.png": png(3)})
    zipped(tmp_path / "pets.zip", by_class())
    np.savez("arrays.npz", images=np.arange(64, dtype=np.uint8).reshape(4, 4, 4), labels=np.arange(4))
    reasons = {
        "pets.zip": "inside the archive 'pets.zip'; unpack it",
        "arrays.npz": "have no file names",
        "spaces": "cannot be written to a table; rename it",
    }
    for name, why in reasons.items():
        with pytest.raises(CondgenError, match=why):
            label_table.write(data.load(name), Path("labels.csv"))
    write(tmp_path / "own", by_class())
    with pytest.raises(CondgenError, match="has another ending"):
        label_table.write(data.load("own"), Path("labels.txt"))
    assert not list(tmp_path.glob("labels.*"))


def test_inspect_writes_it_and_prints_a_command_that_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "my pets", by_class(24))
    cli.main(["inspect", "my pets", "--size", "8", "--write-table", "my labels.csv"])
    said = capsys.readouterr().out
    assert "condgen train --data 'my labels.csv' --size 8 --kind classes" in said
    assert data.load("my labels.csv", size=8).fingerprint == data.load("my pets", size=8).fingerprint
