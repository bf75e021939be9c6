"""Image files are read once, skipped by a rule, and never changed."""

import hashlib
import mmap
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from condgen import data, disk
from condgen.data import shard, survey
from condgen.data.dataset import Dataset
from condgen.data.decode import decoded
from condgen.errors import CondgenError
from data_files import by_class, image, png, write, zipped


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONDGEN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "images"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return write(tmp_path / "own", by_class())


def nobody_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("an image file was read again")

    monkeypatch.setattr(shard, "decoded", refuse)
    monkeypatch.setattr(survey, "header", refuse)


def test_no_image_is_read_twice(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = data.load(own)
    nobody_decodes(monkeypatch)
    again = data.load(own)
    assert first.fingerprint == again.fingerprint
    monkeypatch.undo()


def test_the_key_is_the_content(own: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = data.load(own)
    copied = write(tmp_path / "copied" / "own", by_class())
    monkeypatch.setattr(shard, "decoded", lambda *args: pytest.fail("decoded again"))
    assert data.load(copied).fingerprint == first.fingerprint
    assert len(list(cache.glob("*/images.npy"))) == 1


def test_a_touched_image_is_noticed(own: Path) -> None:
    before, path = data.load(own), own / "cat" / "0.png"
    about = path.stat()
    changed = png(77)
    path.write_bytes(changed + b"\0" * (about.st_size - len(changed)))
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))  # as tools do that keep the old date
    assert data.load(own).fingerprint != before.fingerprint


def test_sizes_and_fits_have_arrays_of_their_own(own: Path, cache: Path) -> None:
    shapes = {data.load(own, size=size, fit="pad").spec.shape for size in (None, 8, 16)}
    assert shapes == {(3, 12, 12), (3, 8, 8), (3, 16, 16)}
    assert len(list(cache.glob("*/images.npy"))) == 3


def test_sizes_that_differ_become_the_usual_one(tmp_path: Path) -> None:
    assert data.load(write(tmp_path / "a", {"x/1.png": png(1), "y/2.png": png(2, side=13)})).spec.shape == (3, 64, 64)
    assert data.load(write(tmp_path / "b", {"x/1.png": png(1, side=65)})).spec.shape == (3, 64, 64)


def test_the_array_is_mapped_and_may_be_written_to_without_harm(own: Path, cache: Path) -> None:
    images = data.load(own).train.images
    (path,) = cache.glob("*/images.npy")
    before = path.read_bytes()
    base: Any = images
    while isinstance(base, np.ndarray):
        base = base.base
    assert isinstance(base, mmap.mmap)
    images[:] = 0
    assert path.read_bytes() == before


@pytest.mark.parametrize("how", ["cut", "no meta", "empty folder"])
def test_a_damaged_array_is_made_again(own: Path, cache: Path, how: str) -> None:
    before = data.load(own).fingerprint
    (path,) = cache.glob("*/images.npy")
    if how == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        path.with_name("meta.json").unlink()
        if how == "empty folder":
            path.unlink()
    assert data.load(own).fingerprint == before


def test_a_crash_leaves_shards_to_go_on_with(own: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The power fails at each shard in turn: nothing half done is ever taken for done, nothing done is done again."""
    monkeypatch.setattr(shard, "LARGEST", 3 * 3 * 12 * 12)  # three images
    monkeypatch.setattr("condgen.data.helpers.os.cpu_count", lambda: 1)
    decode: Any = decoded
    read: list[str] = []

    def failing(data: bytes, *args: object) -> object:
        if len(read) in (0, 4, 9) and read.count("crash") < 3 and read[-1:] != ["crash"]:
            read.append("crash")
            raise KeyboardInterrupt
        read.append(hashlib.sha256(data).hexdigest())
        return decode(data, *args)

    monkeypatch.setattr(shard, "decoded", failing)
    for _ in range(4):
        try:
            found = data.load(own)
            break
        except KeyboardInterrupt:
            assert not list(cache.glob("*/images.npy"))
    done = [entry for entry in read if entry != "crash"]
    assert read.count("crash") == 3
    assert len(done) < 12 + 3 * 3, "finished shards were kept"
    assert {x.tobytes() for x in found.train.images} == {image(i).tobytes() for i in range(12)}
    assert not list(cache.glob("*.part"))


def test_helpers_find_what_one_process_finds(own: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = data.load(own).fingerprint
    shutil.rmtree(cache)
    monkeypatch.setattr(shard, "LARGEST", 2 * 3 * 12 * 12)
    monkeypatch.setattr(survey, "SURVEYED", 5)
    monkeypatch.setattr("condgen.data.helpers.os.cpu_count", lambda: 3)
    assert data.load(own).fingerprint == alone


def spoilt(folder: Path, good: int, bad: int) -> Path:
    files = {f"{'ab'[i % 2]}/{i}.png": png(i) for i in range(good)}
    cut = {f"a/cut{i}.png": png(200)[:60] + bytes([i]) for i in range(bad)}  # sound as far as its header
    return write(folder, files | cut)


def test_up_to_a_hundredth_is_left_out_and_named(tmp_path: Path) -> None:
    found = data.load(spoilt(tmp_path / "own", 150, 1))
    assert sum(map(len, found.splits.values())) == 150
    assert list(found.left_out) == ["'a/cut0.png'"]
    assert "cannot be read" in found.left_out["'a/cut0.png'"]
    (note,) = found.notes
    assert note.startswith("left out of 'own': 1 file, such as 'a/cut0.png', which cannot be read")


@pytest.mark.parametrize(("bad", "on_bad", "goes"), [(2, None, False), (1, "stop", False), (40, "skip", True)])
def test_the_rule_for_more(tmp_path: Path, bad: int, on_bad: str | None, goes: bool) -> None:
    folder = spoilt(tmp_path / "own", 150, bad)
    if goes:
        assert len(data.load(folder, on_bad=on_bad).left_out) == bad
        return
    said = rf"{bad} of {150 + bad} images .* 'a/cut0.png' cannot be read.*--on-bad skip"
    with pytest.raises(CondgenError, match=said):
        data.load(folder, on_bad=on_bad)


def test_nothing_but_bad_images_is_an_error_whatever_the_rule(tmp_path: Path) -> None:
    with pytest.raises(CondgenError, match=r"2 of 2 images .* cannot be used"):
        data.load(spoilt(tmp_path / "own", 0, 2), on_bad="skip")


def test_labels_stay_beside_their_images_when_some_are_lost(tmp_path: Path) -> None:
    files = by_class(30) | {"cat/4x.png": png(90)[:-40], "dog/x.png": b"text"}
    found = data.load(write(tmp_path / "own", files), on_bad="skip")
    shades = {int(x[(y + 1) % 12, 0, 0]) for x, y in zip(found.train.images, found.train.labels, strict=True)}
    expected = {image(i).tobytes(): i % 3 for i in range(30)}
    assert shades
    assert [expected[x.tobytes()] for x in found.train.images] == found.train.labels.tolist()


def test_a_full_disk_is_one_line(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(CondgenError, match=r"cannot write .*No space left on device"):
        data.load(own)


def test_a_zip_is_cached_like_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path / "own.zip", dict(by_class()))
    first = data.load(path)
    nobody_decodes(monkeypatch)
    assert data.load(path).fingerprint == first.fingerprint


def test_sets_stay_what_they_are_when_labels_are_chosen(tmp_path: Path) -> None:
    lines = "".join(f"{i}.png,{i % 2},1\n" for i in range(6))
    files = {f"{i}.png": png(i) for i in range(6)} | {"x.csv": "file,Hat,Old\n" + lines, "odd.lnk/.keep": ""}
    found: Dataset = data.load(write(tmp_path / "own", files), labels="Hat", on_bad="skip")
    assert found.labels.names == ("not Hat", "Hat")
    assert list(found.left_out) == ["'odd.lnk'"], "what was left out is still told"


def test_the_cache_is_where_it_was_asked_to_be(own: Path, tmp_path: Path) -> None:
    data.load(own)
    assert disk.cache() == tmp_path / "cache"
    assert {path.name for path in tmp_path.iterdir()} == {"own", "cache"}


@pytest.fixture
def three_helpers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard, "LARGEST", 2 * 3 * 12 * 12)
    monkeypatch.setattr(survey, "SURVEYED", 3)
    monkeypatch.setattr("condgen.data.helpers.os.cpu_count", lambda: 3)


@pytest.mark.usefixtures("three_helpers")
@pytest.mark.parametrize("kind", ["zip", "parquet", "arrow"])
def test_helpers_share_no_open_file(kind: str, tmp_path: Path) -> None:
    """Each opens the zip or the table for itself, whatever was open when it was forked."""
    path = tmp_path / f"own.{kind}"
    if kind == "zip":
        zipped(path, {f"a/{i}.png": png(i) for i in range(60)})
    else:
        datasets = pytest.importorskip("datasets")
        cells = {"image": [{"bytes": png(i), "path": None} for i in range(60)], "label": [0] * 60}
        features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
        table = datasets.Dataset.from_dict(cells, features=features)
        table.to_parquet(path, batch_size=7) if kind == "parquet" else table.save_to_disk(path)
    found = data.load(path)
    assert sorted(x.tobytes() for x in found.train.images) == sorted(image(i).tobytes() for i in range(60))


@pytest.mark.usefixtures("three_helpers")
def test_a_helper_that_is_killed_is_one_line_and_costs_only_its_own_work(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode: Any = decoded
    parent = os.getpid()

    def killed(raw: bytes, *args: object) -> object:
        if raw == png(10) and os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return decode(raw, *args)

    monkeypatch.setattr(shard, "decoded", killed)
    with pytest.raises(CondgenError, match="a helper was ended while reading images"):
        data.load(own)
    monkeypatch.setattr(shard, "decoded", decode)
    assert len(data.load(own).train) == 12


def test_arrays_beside_images_do_not_hide_them(tmp_path: Path) -> None:
    np.savez(tmp_path / "features.npz", x=np.zeros(3))
    write(tmp_path, by_class() | {"cat/mean.npy": b"x", "train-images-of-mine.txt": b"x"})
    assert data.load(tmp_path).labels.names == ("cat", "dog", "newt")
