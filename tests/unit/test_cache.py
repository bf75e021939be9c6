"""What lies in the cache is never believed unseen: damaged in any way, it is made again, and nobody need know."""

import errno
import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from condgen import cache, data
from condgen.data import pixels, shard
from condgen.errors import CondgenError
from condgen.judging import judge
from condgen.judging.classifier import Recipe
from conftest import toy_data
from data_files import by_class, png, write
from reliability.filesystem import Call, watching

FLIPS = int(os.environ.get("CONDGEN_FLIPS", "25"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONDGEN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def own(tmp_path: Path, place: Path) -> Path:
    return write(tmp_path / "own", by_class(24) | {"cat/bad.png": png(90)[:-40]})


def fingerprint(own: Path) -> str:
    found = data.load(own, on_bad="skip")
    assert len(found.left_out) == 1
    return found.fingerprint


def files(place: Path) -> list[Path]:
    return [path for path in sorted(place.rglob("*")) if path.is_file() and path.suffix != ".lock"]


def flip(path: Path, dice: random.Random) -> str:
    content = bytearray(path.read_bytes())
    at, bit = dice.randrange(len(content)), 1 << dice.randrange(8)
    content[at] ^= bit
    path.write_bytes(content)
    return f"{path.name}: byte {at}, bit {bit}"


def flips_over(own: Path, place: Path, count: int) -> None:
    seed = random.randrange(10**9)
    dice, truth = random.Random(seed), fingerprint(own)
    for _ in range(count):
        what = flip(dice.choice(files(place)), dice)
        assert fingerprint(own) == truth, f"{what} (seed {seed})"


def test_no_flipped_bit_is_loaded(own: Path, place: Path) -> None:
    flips_over(own, place, FLIPS)


@pytest.mark.slow
def test_no_flipped_bit_is_loaded_of_very_many(own: Path, place: Path) -> None:
    flips_over(own, place, 40 * FLIPS)


def into_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "x").write_bytes(b"x")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "emptied": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "removed": lambda path: path.unlink(),
    "a folder": into_folder,
    "of another kind": lambda path: path.write_text("[1, 2]"),
    "of the version before": lambda path: path.write_text('{"bad": {}}'),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_damage_is_made_good(own: Path, place: Path, how: str) -> None:
    truth = fingerprint(own)
    for name in [path.relative_to(place) for path in files(place)]:
        DAMAGE[how](place / name)
        assert fingerprint(own) == truth, name


def test_strange_files_are_no_harm(own: Path, place: Path) -> None:
    truth = fingerprint(own)
    (array,) = place.glob("images/*/images.npy")
    write(place, {"images/notes.txt": "x", "images/surveys/x.json": "x", f"images/{array.parent.name}/more": b"x"})
    assert fingerprint(own) == truth
    shutil.rmtree(array.parent)
    array.parent.write_bytes(b"a file where a folder was")
    array.parent.with_name(f"{array.parent.name}.part").write_bytes(b"and another")
    assert fingerprint(own) == truth


def test_shards_of_a_crash_are_checked_before_they_are_joined(
    own: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The crash comes when all shards are there; then each is damaged."""
    truth, dice = fingerprint(own), random.Random(0)
    monkeypatch.setattr(shard, "LARGEST", 6 * 3 * 12 * 12)
    for damage in [lambda path: flip(path, dice)] * 12 + list(DAMAGE.values()):
        shutil.rmtree(place / "images")
        with monkeypatch.context() as patch:
            patch.setattr(pixels, "_join", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                data.load(own, on_bad="skip")
        shards = sorted(place.glob("images/*.part/*.npz"))
        assert len(shards) == 4
        damage(dice.choice(shards))
        assert fingerprint(own) == truth
        assert not list(place.glob("images/*.part"))


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    """As a file system that is mounted so; permissions would not stop root."""

    def refuse(call: Call, go: Callable[[], object]) -> object:
        if Path(call.path).is_relative_to(place):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), call.path)
        return go()

    with watching(refuse):
        yield


def test_a_cache_that_cannot_be_written_is_enough_if_it_holds_everything(own: Path, place: Path) -> None:
    truth = fingerprint(own)
    with read_only(place):
        assert fingerprint(own) == truth
    shutil.rmtree(place / "images/surveys")  # as after a copy, whose files have other dates
    with read_only(place):
        assert fingerprint(own) == truth


@pytest.mark.parametrize("what", ["nothing there", "damaged", "no folder"])
def test_a_cache_that_cannot_be_written_is_one_line_if_it_lacks_something(own: Path, place: Path, what: str) -> None:
    if what == "damaged":
        fingerprint(own)
        flip(next(place.glob("images/*/images.npy")), random.Random(0))
    if what == "no folder":
        place.write_bytes(b"")
    said = (
        r"^cannot write .*: (Read-only file system|Not a directory)\. Set CONDGEN_CACHE to a folder that can be .*\.$"
    )
    with read_only(place), pytest.raises(CondgenError, match=said):
        data.load(own, on_bad="skip")


def test_a_judge_that_cannot_be_kept_is_used_all_the_same(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recipe, "for_data", lambda dataset: Recipe(width=4, epochs=0, at_least=3))
    said: list[str] = []
    with read_only(place):
        judge.of(toy_data("colour"), said.append)
    assert "is used, but not stored for the next time: cannot write" in said[1]
    assert "Set CONDGEN_CACHE" in said[1]


def test_no_flipped_bit_of_a_judge_is_believed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recipe, "for_data", lambda dataset: Recipe(width=4, epochs=0, at_least=3))
    dataset, dice = toy_data("colour"), random.Random(0)
    truth = judge.of(dataset).to_json()
    kept = {path: path.read_bytes() for path in place.rglob("judge.*")}
    for _ in range(FLIPS):
        path = dice.choice(sorted(kept))
        what = flip(path, dice)
        assert judge.find(dataset) is None, what
        path.write_bytes(kept[path])
    assert judge.of(dataset).to_json() == truth


def test_kept_values_come_back_or_not_at_all(place: Path) -> None:
    value, dice = {"1": [1.5, None, "ü"], "10": {"a": True}}, random.Random(0)
    for _ in range(FLIPS):
        cache.keep(place / "x.json", {1: [1.5, None, "ü"], 10: {"a": True}})
        assert cache.kept(place / "x.json") == value
        flip(place / "x.json", dice)
        assert cache.kept(place / "x.json") in (None, value)


@pytest.mark.parametrize("length", [0, 1, 4095, 4096, 4097, 100_000])
def test_a_checksum_tells_every_byte_and_the_length(length: int, tmp_path: Path) -> None:
    path, dice = tmp_path / "x", random.Random(length)
    content = np.random.default_rng(0).integers(0, 256, length, np.uint8).tobytes()
    path.write_bytes(content)
    if not length:
        with pytest.raises(ValueError, match="empty"):
            cache.checksum(path)
        return
    whole = cache.checksum(path)
    for _ in range(20):
        flip(path, dice)
        assert cache.checksum(path) != whole
        path.write_bytes(content)
    for other in (content + b"\0", content[:-1] + b"", bytes(length)):
        path.write_bytes(other or b"x")
        assert cache.checksum(path) != whole
