"""An exported folder: weights, card, picture, page and manifest, and whatever the format adds; whole or not at all.

model.safetensors  the network's numbers: in every export, since condgen itself loads these alone
model.onnx ...     what was asked for
card.json          what has to be known to draw (sharing/card.py)
samples.png        the class grid
README.md          the same for people, as the Hugging Face hub shows it
manifest.json      name, size and SHA-256 of each file
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save

from condgen import disk, marker
from condgen.drawing import pictures, sheets
from condgen.drawing.sampler import Sampler
from condgen.errors import CondgenError
from condgen.sharing import card, manifest, model_card
from condgen.sharing.hub import WEIGHTS

Adds = Callable[[Sampler, Path], Mapping[str, Any]]
"""Writes a format's own files into a folder, and says what belongs into the card."""
RUNS_OWN = ("condgen", "format", "seal", "weights", "sha256")
"""Of a card, what is said anew."""


def write(sampler: Sampler, out: Path, told: Mapping[str, Any], adds: Adds) -> None:
    """Make the folder `out`. told: of the card, beside what the sampler's own says.

    Raises CondgenError if `out` holds anything, DiskError if the disk refuses, or what the format raises; then nothing
    is left.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CondgenError(f"{str(out)!r} exists already; give another --out, or remove it.")
    with disk.replacing_folder(out) as folder:
        marker.write(folder, marker.Mark("condgen export"))
        weights = save({name: value.cpu().contiguous() for name, value in sampler.net.state_dict().items()})
        disk.write_bytes(folder / WEIGHTS, weights)
        about = {key: value for key, value in sampler.card.items() if key not in RUNS_OWN} | dict(told)
        about |= {"range": card.RANGE, "weights": WEIGHTS, "sha256": hashlib.sha256(weights).hexdigest()}
        about = card.sealed(about | dict(adds(sampler, folder)))
        disk.write_json(folder / card.NAME, about)
        pictures.save_png(folder / "samples.png", sheets.classes(sampler), marker.sheet("condgen export"))
        files = [path.name for path in folder.iterdir() if path.name != marker.FILE]
        disk.write_bytes(folder / manifest.PROSE, model_card.text(about, files).encode())
        manifest.write(folder)
