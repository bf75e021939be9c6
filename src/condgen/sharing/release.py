"""Writes an exported folder atomically: weights, card, image, README and manifest, and the files of the format.

model.safetensors  the weights: in every export, because condgen loads only these
model.onnx ...     the requested format
card.json          everything needed to generate images (sharing/card.py)
samples.png        the class grid
README.md          the model card for readers, as the Hugging Face Hub shows it
manifest.json      name, size and SHA-256 of each file
"""

import hashlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save

from condgen import disk, marker
from condgen.card import Card
from condgen.disk_errors import DiskError
from condgen.errors import CondgenError
from condgen.sampling import canvas, grids
from condgen.sampling.sampler import Sampler
from condgen.sharing import manifest, model_card
from condgen.sharing.card import NAME, RANGE, read
from condgen.sharing.hub import WEIGHTS
from condgen.sharing.strict import Refused

Adds = Callable[[Sampler, Path], Mapping[str, Any]]
"""Function that writes the files of a format into a folder, and returns fields to add to the card."""
RUNS_OWN = ("condgen", "format", "seal", "weights", "sha256")
"""Fields of a run's card that an export replaces by its own."""
FOUND = ("format", "seal", "parity")
"""Fields of a card that follow from the others, and are not compared."""
OPTIONS = {"exported": "--format", "licence": "--licence", "precision": "--precision", "sha256": "weights"}
"""Name of a differing field of the card in messages; other fields have their own name."""


def write(sampler: Sampler, out: Path, fields: Mapping[str, Any], adds: Adds) -> None:
    """Write the exported folder `out`. fields: those of the card in addition to those of the sampler's card.

    If `out` contains the same export already, only its damaged or missing files are written again.

    Raises CondgenError if `out` contains anything else, DiskError if writing fails, and the errors of the format. No
    files are left in these cases.
    """
    weights = save({name: value.cpu().contiguous() for name, value in sampler.net.state_dict().items()})
    facts = {key: value for key, value in sampler.card.to_json().items() if key not in RUNS_OWN} | dict(fields)
    facts |= {"range": RANGE, "weights": WEIGHTS, "sha256": hashlib.sha256(weights).hexdigest()}
    if _is_there(out, Card.of(facts)) and _is_whole(out):
        return
    with disk.staging(out) as folder:
        marker.write(folder, marker.Mark("condgen export"))
        disk.write_bytes(folder / WEIGHTS, weights)
        card = Card.of(facts | dict(adds(sampler, folder)))
        card.save(folder / NAME)
        canvas.save_png(folder / "samples.png", grids.class_grid(sampler), marker.sheet("condgen export"))
        files = [path.name for path in folder.iterdir() if path.name != marker.FILE]
        disk.write_bytes(folder / manifest.PROSE, model_card.text(card, files).encode())
        manifest.write(folder)
        try:
            disk.rename(folder, out)
        except DiskError:
            if not _is_there(out, card):
                raise
            _mend(out, folder)


def _is_there(out: Path, card: Card) -> bool:
    """Whether `out` contains the same export. Raises CondgenError if it contains anything else."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    try:
        there = read(out / NAME).to_json() if (out / manifest.NAME).is_file() else {}
    except Refused:
        there = {}
    if not there:
        raise CondgenError(f"{str(out)!r} exists already; give another --out, or remove it.")
    wanted = card.to_json()
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
    """Replace the files of an export by those of an equal one in `folder`, unless all of them are intact.

    README.md is kept, since users may have edited it. Raises Refused if `out` contains other files, which are not
    removed.
    """
    if _is_whole(out):
        return
    for path in sorted(folder.iterdir(), key=lambda path: path.name == manifest.NAME):
        if path.name != manifest.PROSE or not (out / path.name).exists():
            disk.replace(path, out / path.name)
    disk.sync(out)
    manifest.check(out, largest=sys.maxsize)
