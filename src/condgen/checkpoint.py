"""A training's state on disk: named tensors and plain numbers, written whole or not at all, checked when read.

    checkpoints/000000204800/state.safetensors    weights, optimizers, average, running means
                             state.json           numbers that are no tensors
                             manifest.json        size and SHA-256 of both

The folder is written under a temporary name and renamed, so a crash at any moment leaves the one before intact.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from condgen.disk import sha256, sync, write_json
from condgen.errors import CondgenError

STATE, NUMBERS, MANIFEST = "state.safetensors", "state.json", "manifest.json"
KEPT = 2


@dataclass(frozen=True)
class Checkpoint:
    """Everything a training needs to go on as if it had never stopped."""

    images: int
    tensors: dict[str, Tensor]
    numbers: dict[str, Any]


class Damaged(Exception):
    """A checkpoint whose bytes are not those that were written."""


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint under `folder` and drop all but the last two. Raises CondgenError if the disk refuses."""
    final = folder / f"{checkpoint.images:012d}"
    temporary = folder / f".{final.name}.part"
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        save_file({k: v.detach().cpu().contiguous() for k, v in checkpoint.tensors.items()}, temporary / STATE)
        sync(temporary / STATE)
        write_json(temporary / NUMBERS, {"images": checkpoint.images, **checkpoint.numbers})
        write_json(temporary / MANIFEST, {name: _fingerprint(temporary / name) for name in (STATE, NUMBERS)})
        if final.exists():  # the same moment, saved before: equal by the seed law, unless it was damaged since
            shutil.rmtree(final)
        os.replace(temporary, final)
        sync(folder)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise CondgenError(f"cannot save a checkpoint in {str(folder)!r}: {error}.") from None
    for old in saved(folder)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def newest(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """The newest sound checkpoint, None if there is none, and a sentence for each damaged one that was passed over."""
    sentences: list[str] = []
    for path in reversed(saved(folder)):
        try:
            return read(path), sentences
        except Damaged as error:
            sentences.append(f"checkpoint {path.name} is damaged ({error}); going on from the one before.")
    return None, sentences


def read(path: Path) -> Checkpoint:
    """One checkpoint, or Damaged if any byte differs from the manifest."""
    try:
        for name, expected in json.loads((path / MANIFEST).read_text()).items():
            if _fingerprint(path / name) != expected:
                raise Damaged(f"{name} differs from its manifest")
        numbers = json.loads((path / NUMBERS).read_text())
        return Checkpoint(numbers.pop("images"), load_file(path / STATE), numbers)
    except (OSError, ValueError, KeyError, AttributeError, SafetensorError) as error:
        raise Damaged(str(error)) from None


def saved(folder: Path) -> list[Path]:
    """Finished checkpoints, oldest first."""
    return sorted(path for path in folder.glob("[0-9]*") if path.is_dir())


def _fingerprint(path: Path) -> dict[str, int | str]:
    return {"bytes": path.stat().st_size, "sha256": sha256(path)}
