"""Every call by which Python code changes a file system, seen before it happens.

condgen writes through Python alone (`disk.py`), so wrapping `os` and `open` sees all of it; a test holds the list of
calls against the files that are there afterwards.
"""

import builtins
import functools
import io
import os
import signal
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
NAMES = ("mkdir", "rmdir", "unlink", "remove", "rename", "replace", "truncate", "link", "symlink")


@dataclass(frozen=True)
class Call:
    """what: open, write, truncate, fsync, or a name in `os`; data: of a write; target: of a rename."""

    what: str
    path: str
    data: bytes = b""
    target: str = ""


Place = str | os.PathLike[str]

Watcher = Callable[[Call, Callable[[], object]], object]
"""Gets each call and what would do it, and answers in its place."""


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Let `watcher` see, and make, every change to a file system while the block runs."""
    before = {name: getattr(os, name) for name in (*NAMES, "open", "fsync", "write")}
    plain = builtins.open

    def named(name: str) -> Callable[..., object]:
        @functools.wraps(before[name])
        def call(path: Place, *args: Any, **options: Any) -> object:
            target = os.fspath(args[0]) if name in ("rename", "replace", "link") else ""
            return watcher(
                Call(name, _place(path, options), target=target), lambda: before[name](path, *args, **options)
            )

        return call

    def opening(path: Place, flags: int, *args: Any, **options: Any) -> Any:
        if not flags & WRITING:
            return before["open"](path, flags, *args, **options)
        return watcher(Call("open", os.fspath(path)), lambda: before["open"](path, flags, *args, **options))

    def on_handle(name: str) -> Callable[..., Any]:
        def call(handle: int, *data: bytes) -> object:
            if name == "write" and not _is_file(handle):
                return before[name](handle, *data)
            return watcher(Call(name, _path_of(handle), b"".join(data)), lambda: before[name](handle, *data))

        return call

    def open_file(path: Any, mode: str = "r", buffering: int = -1, *args: Any, **options: Any) -> Any:
        if isinstance(path, int) or not set(mode) & set("wax+"):
            return plain(path, mode, buffering, *args, **options)
        raw: Any = Raw(os.fspath(path), mode, watcher)
        if buffering == 0:
            return raw
        binary = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return binary if "b" in mode else io.TextIOWrapper(binary, *args, **options)

    try:
        for name in NAMES:
            setattr(os, name, named(name))
        vars(os).update(open=opening, fsync=on_handle("fsync"), write=on_handle("write"))
        vars(io)["open"] = vars(builtins)["open"] = vars(tarfile)["bltn_open"] = open_file
        yield
    finally:
        for name, function in before.items():
            setattr(os, name, function)
        vars(io)["open"] = vars(builtins)["open"] = vars(tarfile)["bltn_open"] = plain


class Raw(io.FileIO):
    """An open file whose writes are watched; "w" is told as an open, which empties the file."""

    def __init__(self, path: str, mode: str, watcher: Watcher) -> None:
        self.place, self.watcher = path, watcher
        start = super().__init__
        watcher(
            Call("open" if "w" in mode else "append", path), lambda: start(path, mode.replace("b", "").replace("t", ""))
        )

    def write(self, data: Any) -> Any:
        whole = bytes(data)
        return self.watcher(Call("write", self.place, whole), lambda: super(Raw, self).write(whole))

    def truncate(self, size: int | None = None) -> Any:
        return self.watcher(Call("truncate", self.place), lambda: super(Raw, self).truncate(size))


def dying_at(number: int, half: bool) -> Watcher:
    """SIGKILL this process in place of its call `number`, counted from 0; with `half`, after half of that write."""
    counted = iter(range(number + 1))

    def watcher(call: Call, do: Callable[[], object]) -> object:
        if next(counted, None) == number:
            if half and call.what == "write":
                with io.FileIO(os.open(call.path, os.O_WRONLY | os.O_APPEND), "a") as file:
                    io.FileIO.write(file, call.data[: len(call.data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return do()

    return watcher


def recording(calls: list[Call]) -> Watcher:
    """Note every call, whether it succeeds or not."""

    def watcher(call: Call, do: Callable[[], object]) -> object:
        calls.append(call)
        return do()

    return watcher


def _place(path: Place, options: dict[str, Any]) -> str:
    folder = options.get("dir_fd")
    return str(Path(_path_of(folder)) / os.fspath(path)) if isinstance(folder, int) else os.fspath(path)


def _path_of(handle: int) -> str:
    return os.readlink(f"/proc/self/fd/{handle}")


def _is_file(handle: int) -> bool:
    return _path_of(handle).startswith("/") and not _path_of(handle).startswith("/dev")


@contextmanager
def in_memory() -> Iterator[Path]:
    """A folder that lies in memory where Linux has a place for that: SIGKILL does not care, and fsync is free."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as place:
        yield Path(place)
