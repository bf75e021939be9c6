"""Checkpoints: the state of a training as named tensors and plain numbers. Writing is atomic; reading verifies hashes.

    checkpoints/000000204800/state.safetensors    weights, optimizer states, averaged weights, running means
                             state.json           numbers that are not tensors
                             manifest.json        size and SHA-256 of both files

The folder is written under a temporary name and then renamed, so a crash at any moment leaves the previous one intact.
Torch is imported where tensors are read or written; checking a checkpoint needs none.
"""

import json
import shutil
from dataclasses import dataclass
from hashlib import sha256
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from condgen import disk
from condgen.disk import as_json, make, sync, write_bytes
from condgen.disk_errors import DiskError, Gone, free

if TYPE_CHECKING:
    from torch import Tensor

STATE, NUMBERS, MANIFEST = "state.safetensors", "state.json", "manifest.json"
KEPT = 2


@dataclass(frozen=True)
class Checkpoint:
    """The complete state of a training, from which it resumes bit-exactly."""

    images: int
    tensors: "dict[str, Tensor]"
    numbers: dict[str, Any]

    def part(self, name: str) -> "dict[str, Tensor]":
        """The tensors of one part, such as `system` or `average`, by their names in it."""
        start = f"{name}:"
        return {key.removeprefix(start): value for key, value in self.tensors.items() if key.startswith(start)}


class Damaged(Exception):
    """The bytes of a checkpoint differ from those that were written."""


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint to `folder` and delete all but the last two. Later checkpoints, left from before a roll-back,
    are deleted too.

    Raises DiskError if writing fails.
    """
    final = folder / f"{checkpoint.images:012d}"
    temporary = folder / f".{final.name}.part"
    files = contents(checkpoint)
    try:
        make(folder)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        for name, data in files.items():
            write_bytes(temporary / name, data)
        _put_in_place(temporary, final)
    except Gone:
        raise
    except (OSError, DiskError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        size = sum(map(len, files.values()))
        raise DiskError(
            f"cannot save a checkpoint in {str(folder)!r} ({size:,} bytes, {free(folder):,} are free): {error}"
        ) from None
    there = saved(folder)
    now = there.index(final) + 1
    for other in [*there[now:], *there[: max(0, now - KEPT)]]:
        shutil.rmtree(other, ignore_errors=True)


def contents(checkpoint: Checkpoint) -> dict[str, bytes]:
    """The files of a checkpoint, by name, in the order of writing: the manifest is last."""
    from safetensors.torch import save as to_bytes

    tensors = {name: value.detach().cpu().contiguous() for name, value in checkpoint.tensors.items()}
    files = {STATE: to_bytes(tensors), NUMBERS: as_json({"images": checkpoint.images, **checkpoint.numbers})}
    return files | {MANIFEST: _manifest(files)}


def _manifest(files: dict[str, bytes]) -> bytes:
    return as_json({name: {"bytes": len(data), "sha256": sha256(data).hexdigest()} for name, data in files.items()})


def _put_in_place(temporary: Path, final: Path) -> None:
    """Rename a complete checkpoint. An existing one of the same name is kept if it is equal, and replaced if not."""
    if final.exists():
        if is_sound(final) and (final / MANIFEST).read_bytes() == (temporary / MANIFEST).read_bytes():
            shutil.rmtree(temporary)
            return
        shutil.rmtree(final)
    disk.replace(temporary, final)
    sync(final.parent)


def newest(folder: Path, until: float = inf) -> tuple[Checkpoint | None, list[str]]:
    """The newest intact checkpoint, or None, and a message for each damaged one that was skipped.

    until: ignore checkpoints after this number of images.
    """
    sentences: list[str] = []
    for path in reversed([path for path in saved(folder) if int(path.name) <= until]):
        try:
            return read(path), sentences
        except Damaged as error:
            sentences.append(f"checkpoint {path.name} is damaged ({error}); using the previous one.")
    return None, sentences


def read(path: Path) -> Checkpoint:
    """Read a checkpoint. Raises Damaged if any byte differs from what was written."""
    from safetensors import SafetensorError
    from safetensors.torch import load as from_bytes

    files = checked(path)
    try:
        numbers = json.loads(files[NUMBERS])
        return Checkpoint(numbers.pop("images"), from_bytes(files[STATE]), numbers)
    except (ValueError, KeyError, AttributeError, SafetensorError) as error:
        raise Damaged(str(error)) from None


def checked(path: Path) -> dict[str, bytes]:
    """The files of a checkpoint, by name. Raises Damaged if they differ from its manifest."""
    try:
        files = {name: (path / name).read_bytes() for name in (STATE, NUMBERS)}
        if (path / MANIFEST).read_bytes() != _manifest(files):
            raise Damaged("it differs from its manifest")
    except FileNotFoundError as error:
        raise Damaged(f"{Path(error.filename).name} is missing") from None
    except OSError as error:
        raise Damaged(error.strerror or str(error)) from None
    return files


def faults(path: Path) -> dict[str, Literal["damaged", "missing"]]:
    """The damaged or missing files of a checkpoint, by name; empty if it is intact."""
    names = (STATE, NUMBERS, MANIFEST)
    found: dict[str, Literal["damaged", "missing"]] = {name: "missing" for name in names if not (path / name).is_file()}
    try:
        checked(path)
    except Damaged:
        if not found:
            listed = (path / MANIFEST).read_bytes()
            bad = [name for name in names[:2] if disk.sha256(path / name).encode() not in listed]
            found = dict.fromkeys(bad or [MANIFEST], "damaged")
    return found


def is_sound(path: Path) -> bool:
    """Whether a checkpoint is intact."""
    try:
        checked(path)
    except Damaged:
        return False
    return True


def saved(folder: Path) -> list[Path]:
    """Folders of complete checkpoints, oldest first."""
    return sorted(path for path in folder.glob("[0-9]*") if path.is_dir() and path.name.isdigit())
