"""Parts of killed processes go, parts of live ones stay, and what is written together appears together."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import pytest

from condgen import disk, parts
from condgen.errors import CondgenError
from reliability.crashes import end_of, in_a_fork


@contextmanager
def in_the_middle(block: AbstractContextManager[object], ready: Path) -> Iterator[int]:
    """The pid of a fork that is inside `block`, until it is killed."""

    def work() -> None:
        with block:
            ready.touch()
            time.sleep(60)

    pid = in_a_fork(work)
    try:
        while not ready.exists():
            time.sleep(0.01)
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        assert end_of(pid) == -signal.SIGKILL


@pytest.mark.parametrize("held", [parts.held_file, parts.held_folder])
def test_a_live_part_stays_and_a_dead_one_goes(held, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with in_the_middle(held(tmp_path / "a"), tmp_path / "ready") as pid:
        part = tmp_path / f".a.{pid}.part"
        for clean in (parts.sweep, disk.tidy):
            clean(tmp_path)
            assert part.exists()
    parts.sweep(tmp_path)
    assert not part.exists()


def test_the_next_write_sweeps(tmp_path: Path) -> None:
    """Also a part whose process ID now belongs to another process, as after a reboot."""
    (tmp_path / f".a.{os.getppid()}.part").write_bytes(b"half")
    (tmp_path / ".b.1.part").mkdir()
    disk.write_bytes(tmp_path / "c", b"c")
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


@pytest.mark.parametrize("name", [".movie.part", "a.12.part", ".a.0.part", ".a.12.part.bak", ".12.part"])
def test_files_of_others_are_left_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"mine")
    disk.write_bytes(tmp_path / "c", b"c")
    assert (tmp_path / name).read_bytes() == b"mine"


def test_where_there_are_no_locks_the_process_id_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "fcntl", None)
    ended = in_a_fork(lambda: None)
    end_of(ended)
    for pid in (ended, os.getppid()):
        (tmp_path / f".a.{pid}.part").touch()
    disk.write_bytes(tmp_path / "c", b"c")
    assert {path.name for path in tmp_path.iterdir()} == {"c", f".a.{os.getppid()}.part"}


def test_files_take_their_places_together(tmp_path: Path) -> None:
    disk.write_bytes(tmp_path / "out/old", b"old")
    disk.write_bytes(tmp_path / "out/mine", b"mine")
    with suppress(ZeroDivisionError), disk.replacing_files(tmp_path / "out", old=["old"]) as part:
        disk.write_bytes(part / "new", b"new")
        raise ZeroDivisionError
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"old", "mine"}
    with disk.replacing_files(tmp_path / "out", old=["old", "new"]) as part:
        disk.write_bytes(part / "new", b"new")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"new", "mine"}


def fill(path: Path, content: bytes, stop_after: int | None = None) -> list[str]:
    """Write two files into a folder that is continued, and return those that were there."""
    with disk.continued_folder(path, "about", content) as place:
        there = sorted(file.name for file in place.glob("[!.]*"))
        for name in ("a", "b")[:stop_after]:
            disk.write_bytes(place / name, content)
        if stop_after is not None:
            raise KeyboardInterrupt
    return there


def test_a_folder_is_gone_on_with_and_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        fill(path, b"1", stop_after=1)
    assert not path.exists()
    assert fill(path, b"1") == ["a", "about"]
    assert fill(path, b"1") == ["a", "about", "b"]
    assert {file.name for file in tmp_path.rglob("*")} == {"out", "about", "a", "b"}


def test_a_folder_of_another_request_begins_anew(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path / "out", b"1", stop_after=1)
    assert fill(tmp_path / "out", b"2") == ["about"]
    assert (tmp_path / "out/a").read_bytes() == b"2"


def test_whoever_is_second_is_told_who_is_first(tmp_path: Path) -> None:
    path, said = tmp_path / "out", r"another process \(pid {}\) is writing '.*out'; wait for it"
    first = disk.continued_folder(path, "about", b"1")
    with in_the_middle(first, tmp_path / "ready") as pid, pytest.raises(CondgenError, match=said.format(pid)):
        fill(path, b"1")
    assert fill(path, b"1") == ["about"]


def test_a_new_file_is_written_once(tmp_path: Path) -> None:
    assert disk.write_new(tmp_path / "a", b"1")
    assert not disk.write_new(tmp_path / "a", b"2")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"1")]
