"""Decodes some of the image files into one file of the cache, a shard: `pixels.py` joins them.

A shard that an earlier command finished is not decoded again.
"""

import json
import shutil
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from condgen import disk
from condgen.data.decode import decoded
from condgen.data.depth import Depth
from condgen.data.foreign_images import uses_window
from condgen.data.listing import Listing
from condgen.data.store import Bad, Images
from condgen.data.transparency import is_opaque
from condgen.data_options import WHITE, DataOptions

LARGEST = 32 * 2**20
"""Maximum size of the pixels in one shard, in bytes. It limits the work lost in a crash and the memory of a worker."""
DAMAGE = (
    OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, EOFError, RuntimeError, MemoryError,
    SyntaxError, zipfile.BadZipFile, zlib.error, struct.error,
)  # fmt: skip
"""Exceptions that reading a damaged shard may raise."""


class Findings(NamedTuple):
    """What a user should know about the decoded images."""

    transparent: int = 0
    """Number of images with pixels that are not opaque."""
    depth: Depth = Depth()

    def __add__(self, other: "Findings") -> "Findings":  # type: ignore[override]
        return Findings(self.transparent + other.transparent, self.depth + other.depth)

    def to_json(self) -> list[Any]:
        return [self.transparent, self.depth.to_json()]

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> "Findings":
        return cls(int(data[0]), Depth.from_json(data[1]))

    def remarks(self, listing: Listing, options: DataOptions) -> tuple[str, ...]:
        """One sentence each."""
        said = []
        if options.window and not self.depth.found and not any(map(uses_window, listing.images)):
            said.append(f"--window has no effect: no image of {listing.name!r} has more than 8 bits per value.")
        if self.transparent and not options.alpha and options.background == WHITE:
            some = f"{self.transparent:,} image{'s' if self.transparent > 1 else ''} of {listing.name!r}"
            said.append(
                f"the transparent parts of {some} are read as white (--alpha keeps transparency, --background chooses "
                "another colour)."
            )
        return tuple(said)


@dataclass(frozen=True)
class Decoding:
    """Where image files are, and how they become pixels."""

    store: Images
    size: int | None
    """The side that images are scaled to; None: they are not scaled."""
    sides: tuple[int, int]
    """Height and width of the result."""
    options: DataOptions

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of a decoded image: in colour, with alpha if that is kept."""
        return (*self.sides, 3 + self.options.alpha)

    @property
    def per_shard(self) -> int:
        """Number of images in a shard."""
        return max(1, min(1024, LARGEST // prod(self.shape)))

    def shard(self, part: Path, job: tuple[int, Sequence[str]]) -> Path:
        """Decode some images into a shard in the folder `part`, unless it is there already. Returns its path.

        job: the number of the shard and the names of its images.
        """
        number, names = job
        path = part / f"{number:06d}.npz"
        if not self._is_whole(path, len(names)):
            remove(path)
            self._decoded(names).save(path)
        return path

    def _decoded(self, names: Sequence[str]) -> "Shard":
        images, bad, findings = np.empty((len(names), *self.shape), np.uint8), dict[int, str](), Findings()
        for place, name in enumerate(names):
            try:
                found = decoded(self.store.read(name), self.size, self.options)
                images[place] = self._fitting(found.pixels)
                findings += Findings(int(found.transparent), Depth.of(found.values))
            except Bad as error:
                bad[place] = str(error)
        return Shard(_narrowed(np.delete(images, list(bad), 0)), bad, findings)

    def _fitting(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if image.shape[:2] != self.sides:
            raise Bad(f"is {image.shape[1]} x {image.shape[0]} pixels, which its header denies")
        return image

    def _is_whole(self, path: Path, count: int) -> bool:
        """Whether an earlier run finished this shard and it is undamaged by the checksums of the zip format."""
        try:
            shard = Shard.load(path)
            return (
                shard.images.dtype == np.uint8
                and shard.images.shape[1:3] == self.sides
                and len(shard.images) + len(shard.bad) == count
            )
        except DAMAGE:
            return False


class Shard(NamedTuple):
    """Some decoded images, with as few channels as they need: 1 if all are grey, 3 if all are opaque."""

    images: NDArray[np.uint8]
    bad: dict[int, str]
    """Index and reason of each image that failed; `images` has the others."""
    findings: Findings

    def save(self, path: Path) -> None:
        """Write the shard; the file is complete or absent."""
        bad, findings = (np.array(json.dumps(each)) for each in (self.bad, self.findings.to_json()))
        with disk.replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(file, images=self.images, bad=bad, findings=findings)

    @classmethod
    def load(cls, path: Path) -> "Shard":
        """Read a shard. Raises one of DAMAGE if it is damaged."""
        with np.load(path) as arrays:
            bad, findings = (json.loads(str(arrays[name])) for name in ("bad", "findings"))
            found = {int(place): why for place, why in bad.items()}
            return cls(arrays["images"], found, Findings.from_json(findings))


def _narrowed(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images with as few channels as they need: 1 if all are grey, 3 if all are opaque."""
    if images.shape[3] == 4:
        if not is_opaque(images):
            return images
        images = images[..., :3]
    return images[..., :1] if bool((images == images[..., :1]).all()) else images


def widened(images: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Images with more channels than they need: grey as colour, and opaque."""
    if channels == 4 and images.shape[3] < 4:
        opaque = np.full((*images.shape[:3], 1), 255, np.uint8)
        return np.concatenate([widened(images, 3), opaque], 3)
    return np.broadcast_to(images, (*images.shape[:3], channels))


def remove(path: Path) -> None:
    """Remove a file or a folder, which may be absent."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
