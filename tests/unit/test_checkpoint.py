"""What is saved comes back. That no crash and no rot gets in between: tests/reliability."""

from pathlib import Path

import pytest
import torch

from condgen import disk
from condgen.errors import CondgenError
from condgen.training import checkpoint
from condgen.training.checkpoint import Checkpoint


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
