"""A checkpoint is whole or not there; any changed byte is noticed and the one before is taken."""

import os
import random
from pathlib import Path

import pytest
import torch

from condgen import checkpoint, disk
from condgen.checkpoint import Checkpoint
from condgen.errors import CondgenError


def moment(images: int) -> Checkpoint:
    return Checkpoint(images, {"a:w": torch.full((3, 2), float(images)), "b:n": torch.tensor(7)}, {"metered": 2})


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, moment(128))
    found, sentences = checkpoint.newest(tmp_path)
    assert found
    assert (found.images, found.numbers, sentences) == (128, {"metered": 2}, [])
    assert found.tensors.keys() == {"a:w", "b:n"}
    assert torch.equal(found.tensors["a:w"], torch.full((3, 2), 128.0))
    assert found.tensors["b:n"].dtype == torch.int64


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    for images in (100, 9000, 20_000, 1_000_000):
        checkpoint.save(tmp_path, moment(images))
    assert [int(path.name) for path in checkpoint.saved(tmp_path)] == [20_000, 1_000_000]


def test_none_is_there_at_first(tmp_path: Path) -> None:
    assert checkpoint.newest(tmp_path / "nowhere") == (None, [])


@pytest.mark.parametrize("name", [checkpoint.STATE, checkpoint.NUMBERS, checkpoint.MANIFEST])
def test_any_flipped_bit_is_noticed_and_the_one_before_taken(tmp_path: Path, name: str) -> None:
    checkpoint.save(tmp_path, moment(1))
    checkpoint.save(tmp_path, moment(2))
    path = tmp_path / f"{2:012d}" / name
    whole, chance = path.read_bytes(), random.Random(0)
    for _ in range(60):
        broken = bytearray(whole)
        broken[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(broken)
        found, sentences = checkpoint.newest(tmp_path)
        # a flip inside the manifest may leave its meaning alone (white space); anything else must be noticed
        if found and found.images == 2:
            assert name == checkpoint.MANIFEST
            assert bytes(broken).split() == whole.split() or disk.json.loads(broken) == disk.json.loads(whole)
        else:
            assert found
            assert found.images == 1
            assert "000000000002 is damaged" in sentences[0]


@pytest.mark.parametrize("name", [checkpoint.STATE, checkpoint.NUMBERS, checkpoint.MANIFEST])
def test_cut_empty_and_missing_files_are_noticed(tmp_path: Path, name: str) -> None:
    checkpoint.save(tmp_path, moment(1))
    checkpoint.save(tmp_path, moment(2))
    path = tmp_path / f"{2:012d}" / name
    whole = path.read_bytes()
    for length in [*range(0, len(whole) - 2, max(1, len(whole) // 50)), None]:
        path.write_bytes(whole[:length]) if length is not None else path.unlink()
        found, _ = checkpoint.newest(tmp_path)
        assert found
        assert found.images == 1


def test_a_crash_anywhere_in_a_save_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fsync and rename of a save, in turn, never returns."""
    for fatal in range(100):
        folder = tmp_path / str(fatal)
        checkpoint.save(folder, moment(1))
        calls = 0

        def dying(call: object, fatal: int = fatal) -> object:
            def counted(*args: object) -> object:
                nonlocal calls
                calls += 1
                if calls > fatal:
                    raise SystemExit("power cut")
                return call(*args)  # type: ignore[operator]

            return counted

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", dying(os.fsync))
            patch.setattr(os, "replace", dying(os.replace))
            try:
                checkpoint.save(folder, moment(2))
                break
            except SystemExit:
                pass
        found, sentences = checkpoint.newest(folder)
        assert found
        assert found.images in (1, 2)
        assert not sentences
        checkpoint.save(folder, moment(2))  # and going on needs no tidying by hand
    assert calls >= 8


def test_every_file_is_on_the_disk_before_its_name_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(checkpoint, "sync", lambda path: done.append(f"sync {path.name}"))
    monkeypatch.setattr(disk, "sync", lambda path: done.append(f"sync {path.name.split('.')[1]}"))
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append(f"name {Path(b).name}"), replace(a, b)))
    checkpoint.save(tmp_path / "checkpoints", moment(2))
    assert done.index("sync state.safetensors") < done.index("name 000000000002") < done.index("sync checkpoints")
    assert done.index("sync state") < done.index("name state.json") < done.index("name 000000000002")
    assert done.index("name manifest.json") < done.index("name 000000000002")


def test_a_disk_that_refuses_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("a file where a folder should be")
    with pytest.raises(CondgenError, match="cannot save a checkpoint in"):
        checkpoint.save(tmp_path / "checkpoints", moment(1))


def test_replacing_keeps_the_old_file_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    disk.write_json(path, {"a": 1})
    with pytest.raises(UnicodeEncodeError), disk.replacing(path) as temporary:
        temporary.write_text("half of it, then " + "\ud800")
    assert path.read_text() == '{\n  "a": 1\n}\n'
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]
    with pytest.raises(CondgenError, match=r"cannot write .*y': "):
        disk.write_bytes(path / "y", b"")
