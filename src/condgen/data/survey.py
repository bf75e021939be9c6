"""What is known about each image file before it is decoded: a hash, the sides, and whether condgen wrote it.

It is kept in the user's cache until one of the files changes (images/surveys/<hash of names, sizes, times>.json).
"""

import hashlib
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from condgen import cache, disk, marker
from condgen.data.decode import header
from condgen.data.helpers import chunked, each
from condgen.data.listing import Listing
from condgen.data.store import Bad, Images

VERSION = 4
"""Version of the decoding and of the cached data. It is part of every key."""
SIZE = 64
"""Default side, in pixels, that images are scaled to if they are larger or differ in size."""
SURVEYED = 256
"""Number of images that a worker surveys per job."""


class Facts(NamedTuple):
    """Facts about one valid image."""

    sha256: str
    height: int
    width: int
    wrote: str = ""
    """The condgen command that wrote the image; empty for other images."""
    sheet: bool = False
    """Whether condgen wrote it as a grid or figure. Height and width are then 0."""


Survey = Sequence[Facts | str]
"""Of each image, its facts or the reason why it cannot be used."""


def surveyed(listing: Listing) -> list[Facts | str]:
    """The survey of all images, or the kept one if no file has changed."""
    stamp = hashlib.sha256(f"{VERSION} {listing.store.stamp(listing.images)}".encode())
    for name in listing.images:
        stamp.update(os.fsencode(name) + b"\0")
    path = folder() / "surveys" / f"{stamp.hexdigest()}.json"
    found = cache.kept(path)
    if not isinstance(found, list) or len(found) != len(listing.images):
        chunks = chunked(listing.images, SURVEYED)
        found = [entry for some in each(partial(look, listing.store), chunks, "looking at") for entry in some]
        cache.keep_if_possible(path, found)
    return [entry if isinstance(entry, str) else Facts(*entry) for entry in found]


def look(store: Images, names: Sequence[str]) -> list[Facts | str]:
    """Survey a few images: read their headers and hash their contents."""
    found: list[Facts | str] = []
    for name in names:
        try:
            data = store.read(name)
            sha256, note = hashlib.sha256(data).hexdigest(), marker.note(data)
            if note and note.kind == "sheet":
                found.append(Facts(sha256, 0, 0, note.wrote, sheet=True))
            else:
                found.append(Facts(sha256, *header(data), note.wrote if note else ""))
        except Bad as error:
            found.append(str(error))
    return found


def are_generated(survey: Survey) -> bool:
    """Whether condgen generated every image."""
    return all(isinstance(found, Facts) and found.wrote for found in survey)


def usual_size(facts: Sequence[Facts]) -> int | None:
    """Side that images are scaled to by default; None if all images have the same small size and are not scaled."""
    sides = {(found.height, found.width) for found in facts}
    return None if len(sides) == 1 and max(*sides.pop()) <= SIZE else SIZE


def folder() -> Path:
    """The folder of all that is kept about images. It may be deleted at any time."""
    return disk.cache() / "images"
