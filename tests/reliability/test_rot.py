"""Any changed bit and any missing byte of a checkpoint is noticed; the one before is taken, and a sentence says so."""

import random
import shutil
from pathlib import Path

import pytest

from condgen.training import checkpoint
from reliability.crashes import IMAGES, Course, finish, outcome

pytestmark = pytest.mark.usefixtures("cheap")


@pytest.fixture
def run(pets: Path, memory: Path) -> Path:
    Course("cvae", pets).train(memory / "run")
    return memory / "run"


def damaged(path: Path) -> None:
    """Nothing but the checkpoint before `path` can be gone on from."""
    found, sentences = checkpoint.newest(path.parent)
    assert found
    assert found.images < IMAGES
    assert len(sentences) == 1
    assert sentences[0].startswith(f"checkpoint {path.name} is damaged (")
    assert sentences[0].endswith("; using the previous one.")


def test_1000_flipped_bits(run: Path) -> None:
    newest, chance = checkpoint.saved(run / "checkpoints")[-1], random.Random(0)
    files = sorted(newest.iterdir())
    assert len(files) == 3
    for number in range(1000):
        path = files[number % 3]
        whole = path.read_bytes()
        at = chance.randrange(len(whole))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1 :])
        damaged(newest)
        path.write_bytes(whole)
    assert checkpoint.newest(run / "checkpoints")[1] == []


def test_500_truncations(run: Path) -> None:
    newest, chance = checkpoint.saved(run / "checkpoints")[-1], random.Random(0)
    for path in newest.iterdir():
        whole = path.read_bytes()
        for length in [0, len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(166))]:
            path.write_bytes(whole[:length])
            damaged(newest)
        path.unlink()
        damaged(newest)
        path.write_bytes(whole)


@pytest.mark.parametrize("name", [checkpoint.STATE, checkpoint.NUMBERS, checkpoint.MANIFEST])
def test_a_training_goes_on_from_the_one_before(name: str, run: Path, pets: Path) -> None:
    whole, newest = outcome(run), checkpoint.saved(run / "checkpoints")[-1]
    (newest / name).write_bytes(b"")
    assert finish(Course("cvae", pets), run) == whole


def test_with_none_before_it_begins_again(run: Path, pets: Path) -> None:
    whole = outcome(run)
    for path in checkpoint.saved(run / "checkpoints"):
        (path / checkpoint.STATE).unlink()
    assert finish(Course("cvae", pets), run) == whole


def test_a_moment_saved_twice_is_never_missing(run: Path) -> None:
    """A resumed training that is stopped at once saves the moment it began at: what is there and sound stays."""
    newest = checkpoint.saved(run / "checkpoints")[-1]
    shutil.rmtree(checkpoint.saved(run / "checkpoints")[0])
    node = newest.stat().st_ino
    checkpoint.save(run / "checkpoints", checkpoint.read(newest))
    assert newest.stat().st_ino == node
    (newest / checkpoint.STATE).write_bytes(b"")
    moment = checkpoint.Checkpoint(IMAGES, {}, {"metered": 0})
    checkpoint.save(run / "checkpoints", moment)
    assert checkpoint.newest(run / "checkpoints") == (moment, [])
