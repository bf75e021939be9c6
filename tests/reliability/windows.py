"""Windows as far as Linux can play it, and every verb on it.

python tests/reliability/windows.py WORDS...      runs `condgen WORDS` as on Windows
python tests/reliability/windows.py --all-verbs   runs every verb in the working folder

Folders cannot be opened; fsync wants a file that is open for writing; a file that is open or mapped is neither renamed
nor removed, and a folder is not renamed onto another; names are restricted; there is no flock, O_NONBLOCK, SIGCONT,
fork or signal handler of an event loop; handles of os.open are in text mode without O_BINARY; the default encoding is
that of a Chinese Windows, with its own line ends.
"""

import asyncio
import builtins
import contextlib
import errno
import fcntl
import io
import os
import re
import shutil
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import filelock  # noqa: F401
import matplotlib.pyplot  # noqa: F401
import pytest
import torch.distributed  # noqa: F401
import uvicorn  # noqa: F401  all of these expect the system that they run on
from PIL import Image

BINARY = 0x10000000
FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f]|[ .]$')
kill = os.kill
text_handles: set[int] = set()


def refuse(path: object) -> OSError:
    return PermissionError(errno.EACCES, "Access is denied", os.fspath(path))  # type: ignore[call-overload]


def valid(path: object) -> None:
    """Refuse a name that Windows cannot have."""
    for part in Path(os.path.abspath(os.fspath(path))).parts[1:]:  # type: ignore[call-overload]
        if FORBIDDEN.search(part):
            raise OSError(errno.EINVAL, "The filename, directory name, or volume label syntax is incorrect", part)


def free(path: object) -> None:
    """Refuse if the file, or a file in the folder, is open or mapped in this process."""
    place = os.path.realpath(os.fspath(path))  # type: ignore[call-overload]
    handles = [os.path.join("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
    used = [os.readlink(handle) for handle in handles if os.path.lexists(handle)]
    used += [line.split(maxsplit=5)[5] for line in plain_open("/proc/self/maps").read().splitlines() if "/" in line]
    if any(name == place or name.startswith(f"{place}/") for name in used):
        raise refuse(path)


plain_open = builtins.open


def install() -> None:
    """Make `os`, `open` and `signal` of this process those of Windows. condgen must not have been imported."""
    plain = {name: getattr(os, name) for name in ("open", "close", "fsync", "replace", "rename", "unlink", "mkdir")}

    def opened(path: Any, flags: int, *args: Any, **options: Any) -> int:
        if os.path.isdir(path):
            raise refuse(path)
        valid(path) if flags & os.O_CREAT else None
        handle: int = plain["open"](path, flags & ~BINARY, *args, **options)
        (text_handles.discard if flags & BINARY else text_handles.add)(handle)
        return handle

    def closed(handle: int) -> None:
        text_handles.discard(handle)
        plain["close"](handle)

    def fsync(handle: int) -> None:
        if fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        plain["fsync"](handle)

    def replaced(source: Any, target: Any) -> None:
        valid(target)
        free(source)
        free(target)
        if os.path.isdir(target):
            raise refuse(target)
        plain["replace"](source, target)

    def renamed(source: Any, target: Any) -> None:
        if os.path.exists(target):
            raise FileExistsError(errno.EEXIST, "Cannot create a file when that file already exists", str(target))
        replaced(source, target)

    def unlinked(path: Any) -> None:
        free(path)
        plain["unlink"](path)

    def made(path: Any, mode: int = 0o777) -> None:
        valid(path)
        plain["mkdir"](path, mode)

    vars(sys.modules["filelock._unix"])["os"] = SimpleNamespace(**vars(os))  # there is another one for Windows
    vars(os).update(
        open=opened, close=closed, fsync=fsync, replace=replaced, rename=renamed, unlink=unlinked, remove=unlinked,
        mkdir=made, kill=killed, O_BINARY=BINARY,
    )  # fmt: skip
    vars(io)["open"] = vars(builtins)["open"] = open_file
    for module, names in ((os, ("O_NONBLOCK", "fork", "getuid", "sched_getaffinity")), (signal, ("SIGCONT",))):
        for name in names:
            delattr(module, name)
    vars(shutil)["_use_fd_functions"] = False
    os.environ["USERNAME"] = "student"  # as on every Windows
    sys.modules["fcntl"] = None  # type: ignore[assignment]
    asyncio.SelectorEventLoop.add_signal_handler = _no_handler  # type: ignore[method-assign, assignment]


def killed(process: int, number: int) -> None:
    assert number, "os.kill(pid, 0) sends Ctrl-C on Windows"
    kill(process, number)


def _no_handler(*_: object) -> None:
    raise NotImplementedError


def open_file(
    file: Any, mode: str = "r", buffering: int = -1, encoding: str | None = None, errors: str | None = None,
    newline: str | None = None, *rest: Any,
) -> Any:  # fmt: skip
    """`open`, with the encoding of a Chinese Windows; condgen itself has to name the one it wants."""
    callers = [sys._getframe(depth).f_code.co_filename for depth in (1, 2, 3)]
    if isinstance(file, int):
        its_own = any("/huggingface_hub/" in name for name in callers)  # it writes the JSON of its cache so
        assert its_own or file not in text_handles, "a handle without O_BINARY changes line ends"
    elif set(mode) & set("wax+"):
        valid(file)
    if "b" not in mode:
        if encoding in (None, "locale"):
            assert not any("/condgen/" in name for name in callers), f"a text file without encoding: {file}"
            encoding = "gbk"
        newline = "\r\n" if newline is None and set(mode) & set("wax") else newline
    return plain_open(file, mode, buffering, encoding, errors, newline, *rest)


def condgen_there() -> Callable[[list[str]], None]:
    """The command line of condgen as it is on Windows."""
    install()
    from condgen import windows

    vars(windows).update(IS_WINDOWS=True, runs=lambda pid: Path(f"/proc/{pid}").exists())
    from condgen import cli, parts
    from condgen.data import helpers

    assert (vars(parts)["fcntl"], windows.BINARY, windows.NONBLOCK) == (None, BINARY, 0)
    vars(helpers)["sys"] = SimpleNamespace(platform="win32")
    return cli.main


def every_verb(run: Callable[[list[str]], None]) -> None:
    """Every verb of the command line in the working folder, which has photos/ and pets.npz; HF_ENDPOINT names a hub."""
    from condgen.cli.app import COMMANDS
    from condgen.cli.generating import FIGURES
    from condgen.sampling import plots
    from condgen.sampling.canvas import png
    from hostile.verbs import SVG, VERBS, cheaply

    sized = {"reconstructions": " --count 8", "manifold": " --side 3"}
    of = {"switched": "of-pets"}  # which has labels
    figures = [f"figure {name} {of.get(name, 'run')}{sized.get(name, '')}" for name in FIGURES]
    lines = [
        "train vae-2d --data photos --images 64 --batch 4 --out run --quiet",
        "train vae-2d --data photos --images 96 --batch 4 --out run --quiet",
        "train cvae --data pets.npz --images 64 --batch 4 --out of-pets --evaluate-every 32 --quiet",
        "train cvae --data photos --on-bad skip --images 8 --batch 4 --finetune of-pets --out tuned --quiet",
        *figures, "list", "cite cvae", "doctor", "doctor run", "inspect photos",
        *(verb.words.replace(" run", " of-pets").replace("--out ", f"--out {verb.name.replace(' ', '-')}-")
          for verb in VERBS),
        "push export-given me/pets", "sample me/pets --labels 0 --grid --out pulled.png",
    ]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        cheaply(patch)
        patch.setattr(plots, "curves", lambda *given: SVG if "svg" in given else png(Image.new("L", (1, 1))))
        for line in lines:
            sys.stdout.write(f"$ condgen {line}\n")
            run(line.split())
        serve(run)
    verbs = {line.split()[0] for line in lines} | {"serve"}
    assert verbs >= {*COMMANDS, "train", "figure"}, COMMANDS.keys() - verbs


def serve(run: Callable[[list[str]], None]) -> None:
    """A server for other machines, whose token is in a file; Ctrl-C ends it, and it exits with success."""
    said = io.StringIO()

    def visit() -> None:
        while not (found := re.search(r"at (http://\S+):(\d+)/\?token=(\S+)", said.getvalue())):
            time.sleep(0.02)
        request = urllib.request.Request(
            f"http://127.0.0.1:{found[2]}/sample", b'{"labels": "0", "format": "png"}',
            {"Content-Type": "application/json", "Authorization": f"Bearer {found[3]}"},
        )  # fmt: skip
        with urllib.request.urlopen(request) as reply:
            images.append(reply.read())
        kill(os.getpid(), signal.SIGINT)

    images = list[bytes]()
    visitor = threading.Thread(target=visit, daemon=True)
    with contextlib.redirect_stdout(said):
        visitor.start()
        run(["serve", "of-pets", "--host", "0.0.0.0", "--port", "0", "--token-file", "secrets/token"])
    assert images
    assert images[0].startswith(b"\x89PNG")


if __name__ == "__main__":
    command = condgen_there()
    every_verb(command) if sys.argv[1:] == ["--all-verbs"] else command(sys.argv[1:])
