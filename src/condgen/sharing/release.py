"""Writes an exported folder atomically: weights, card, image, README and manifest, and the files of the format.

model.safetensors  the weights: in every export, because condgen loads only these
model.onnx ...     the requested format
card.json          everything needed to generate images (sharing/card.py)
samples.png        the class grid
README.md          the model card for readers, as the Hugging Face Hub shows it
manifest.json      name, size and SHA-256 of each file
"""

import hashlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save

from condgen import disk, marker
from condgen.errors import CondgenError
from condgen.sampling import canvas, grids
from condgen.sampling.sampler import Sampler
from condgen.sharing import card, manifest, model_card
from condgen.sharing.hub import WEIGHTS
from condgen.sharing.strict import Refused
from condgen.version import __version__

Adds = Callable[[Sampler, Path], Mapping[str, Any]]
"""Writes a format's own files into a folder, and says what belongs into the card."""
RUNS_OWN = ("condgen", "format", "seal", "weights", "sha256")
"""Of a card, what is said anew."""
FOUND = ("format", "seal", "parity")
"""Of a card, what follows from the rest."""
OPTIONS = {"exported": "--format", "licence": "--licence", "precision": "--precision", "sha256": "weights"}
"""What is said of an entry of a card that differs."""


def write(sampler: Sampler, out: Path, told: Mapping[str, Any], adds: Adds) -> None:
    """Make the folder `out`. told: of the card, beside what the sampler's own says.

    If the same export is there already, it stays; files of it that are damaged or missing are written again.

    Raises CondgenError if `out` holds anything else, DiskError if the disk refuses, or what the format raises; then
    nothing is left.
    """
    weights = save({name: value.cpu().contiguous() for name, value in sampler.net.state_dict().items()})
    about = {key: value for key, value in sampler.card.items() if key not in RUNS_OWN} | dict(told)
    about |= {"range": card.RANGE, "weights": WEIGHTS, "sha256": hashlib.sha256(weights).hexdigest()}
    if _is_there(out, about) and _is_whole(out):
        return
    with disk.staging(out) as folder:
        marker.write(folder, marker.Mark("condgen export"))
        disk.write_bytes(folder / WEIGHTS, weights)
        whole = card.sealed(about | dict(adds(sampler, folder)))
        disk.write_json(folder / card.NAME, whole)
        canvas.save_png(folder / "samples.png", grids.class_grid(sampler), marker.sheet("condgen export"))
        files = [path.name for path in folder.iterdir() if path.name != marker.FILE]
        disk.write_bytes(folder / manifest.PROSE, model_card.text(whole, files).encode())
        manifest.write(folder)
        try:
            disk.rename(folder, out)
        except disk.DiskError:
            if not _is_there(out, about):
                raise
            _mend(out, folder)


def _is_there(out: Path, about: Mapping[str, Any]) -> bool:
    """Whether `out` holds this very export. Raises CondgenError if it holds anything else."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    try:
        there = card.read(out / card.NAME) if (out / manifest.NAME).is_file() else {}
    except Refused:
        there = {}
    if not there:
        raise CondgenError(f"{str(out)!r} exists already; give another --out, or remove it.")
    wanted = {"condgen": __version__, **about}
    names = [name for name in (*wanted, *there) if name not in FOUND and wanted.get(name) != there.get(name)]
    if names:
        other = ", ".join(OPTIONS.get(name, name) for name in dict.fromkeys(names))
        raise CondgenError(f"{str(out)!r} holds an export with another {other}; give another --out, or remove it.")
    return True


def _is_whole(out: Path) -> bool:
    try:
        manifest.check(out, largest=sys.maxsize)
    except Refused:
        return False
    return True


def _mend(out: Path, folder: Path) -> None:
    """Put the files of a second, equal export in the places of the first one's, unless all of those are sound. The page
    for people stays, since people may have edited it.

    Raises Refused if other files lie there, which are not ours to remove.
    """
    if _is_whole(out):
        return
    for path in sorted(folder.iterdir(), key=lambda path: path.name == manifest.NAME):
        if path.name != manifest.PROSE or not (out / path.name).exists():
            os.replace(path, out / path.name)
    disk.sync(out)
    manifest.check(out, largest=sys.maxsize)
