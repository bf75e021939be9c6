"""Decodes image files into one memory-mapped uint8 array. Later trainings read that array from the user's cache.

    images/surveys/<hash of names, sizes, times>.json   per image: SHA-256 and sides, or why it cannot be used
    images/<hash of contents, size, fit>/               images.npy and meta.json; complete or absent
    images/<the same>.part/                             finished shards, with which the same command resumes

The user's files are only read. While they do not change, training does not open any image file again. Damage in the
cache is detected (condgen/cache.py), and the array is then created again.
"""

import hashlib
import json
import os
import shutil
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from condgen import cache, disk, marker
from condgen.data.dataset import Dataset, Split
from condgen.data.decode import decoded, header
from condgen.data.depth import Depth, check_depth
from condgen.data.helpers import chunked, each
from condgen.data.listing import Listing
from condgen.data.store import Bad, Images, shown
from condgen.data.transparency import is_opaque
from condgen.data_options import AS_THEY_ARE, WHITE, DataOptions
from condgen.errors import CondgenError
from condgen.spec import OnBad

VERSION = 3
"""Version of the decoding and of the cached data. It is part of every key."""
SIZE = 64
"""Default side, in pixels, that images are scaled to if they are larger or differ in size."""
SHARD = 32 * 2**20
"""Maximum size of the pixels in one shard, in bytes. It limits the work lost in a crash and the memory of a worker."""
SURVEYED = 256
"""Number of images that a worker surveys per job."""
BAD_SHARE = 0.01
"""Fraction of the images that may be left out by default, without --on-bad."""
DARK = 32
"""If no pixel of a data set is as bright as this, of 255, a remark says so."""
HELD_OUT, FEWEST = 10, 100
"""If the source has no splits and at least FEWEST images, about one in HELD_OUT images is held out for testing."""
IMAGES, META = "images.npy", "meta.json"
DAMAGE = (
    OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, EOFError, RuntimeError, MemoryError,
    SyntaxError, zipfile.BadZipFile, zlib.error, struct.error,
)  # fmt: skip
"""Exceptions that reading a damaged shard may raise."""


class Facts(NamedTuple):
    """Facts about one valid image."""

    sha256: str
    height: int
    width: int
    wrote: str = ""
    """The condgen command that wrote the image; empty for other images."""
    sheet: bool = False
    """Whether condgen wrote it as a grid or figure. Height and width are then 0."""


def dataset(listing: Listing, options: DataOptions = AS_THEY_ARE) -> Dataset:
    """Decode the images of a listing. Raises CondgenError if no training image can be used."""
    on_bad = options.on_bad
    listing, survey = without_own(listing, surveyed(listing))
    generated = not listing.generated and are_generated(survey)
    bad = {name: why for name, why in zip(listing.images, survey, strict=True) if isinstance(why, str)}
    judge_bad(listing, dict(listing.odd) | bad, on_bad)
    train, test = split(listing, survey)
    rows = [*train, *test]
    facts = [found for row in rows if isinstance(found := survey[row], Facts)]
    side = options.size or listing.size or usual_size(facts)
    images, lost, seen = ingested(listing.store, [listing.images[row] for row in rows], facts, side, options)
    check_depth(listing.name, seen.depth, options)
    bad |= {listing.images[rows[place]]: why for place, why in lost.items()}
    left_out = dict(listing.odd) | bad
    judge_bad(listing, left_out, on_bad)
    values = listing.values[[row for place, row in enumerate(rows) if place not in lost]]
    cut = sum(place not in lost for place in range(len(train)))
    if not cut:
        raise CondgenError(f"{str(listing.store.path)!r} holds no training images.")
    rest = Split(images[cut:], values[cut:]) if cut < len(images) else None
    about = {shown(name): why for name, why in left_out.items()}
    own = {shown(name): wrote for name, wrote in listing.own.items()}
    remarks = (*listing.remarks, *seen.remarks(listing.name, options))
    if generated:
        remarks = (*remarks, f"condgen generated all images of {listing.name!r}.")
    first = Split(images[:cut], values[:cut])
    return Dataset(listing.name, listing.labels, first, rest, about, own, remarks, listing.structure)


def are_generated(survey: Sequence[Facts | str]) -> bool:
    """Whether condgen generated every image."""
    return all(isinstance(found, Facts) and found.wrote for found in survey)


def without_own(listing: Listing, survey: Sequence[Facts | str]) -> tuple[Listing, list[Facts | str]]:
    """Remove grids, figures and generated images that condgen wrote. Generated images stay if there are no others.

    A class without remaining images is removed. Raises CondgenError if no image remains.
    """
    are_data = listing.generated or are_generated(survey)
    own = {
        row: found.wrote
        for row, found in enumerate(survey)
        if isinstance(found, Facts) and (found.sheet or (found.wrote and not are_data))
    }
    if not own:
        return listing, list(survey)
    rows = [row for row in range(len(survey)) if row not in own]
    names = {listing.images[row]: wrote for row, wrote in own.items()}
    if not rows:
        raise CondgenError(
            f"{str(listing.store.path)!r} holds no images but what condgen wrote, such as {shown(next(iter(names)))} "
            f"({next(iter(names.values()))})."
        )
    return listing.only(rows, names), [survey[row] for row in rows]


def judge_bad(listing: Listing, bad: Mapping[str, str], on_bad: OnBad | None) -> None:
    """Raise CondgenError if more files are unusable than `on_bad` permits."""
    total = len(listing.images) + len(listing.odd)
    bearable = {"skip": total - 1, "stop": 0, None: BAD_SHARE * total}[on_bad]
    if len(bad) <= bearable:
        return
    some = ", ".join(f"{shown(name)} {why}" for name, why in list(bad.items())[:5])
    more = f" and {len(bad) - 5:,} more" if len(bad) > 5 else ""
    remedy = "" if len(bad) == total else " Mend them, or leave them out with --on-bad skip."
    raise CondgenError(
        f"{len(bad):,} of {total:,} images of {str(listing.store.path)!r} cannot be used: {some}{more}.{remedy}"
    )


def split(listing: Listing, survey: Sequence[Facts | str]) -> tuple[list[int], list[int]]:
    """Rows of the valid training and test images, in the order of the source.

    If the source has no splits, about a tenth of the images are held out. The choice depends only on a hash of each
    image's content, so equal images are in the same split, and adding an image does not move others. If the source has
    validation images but no test images, the validation images are the test split.
    """
    sound = [row for row, found in enumerate(survey) if isinstance(found, Facts)]
    given = {part for row in sound if (part := listing.parts[row])}
    if not given and len(sound) < FEWEST:
        return sound, []
    if not given:
        held = [row for row in sound if int(survey[row][0][:8], 16) % HELD_OUT == 0]
        return sorted(set(sound) - set(held)), held
    test = "test" if "test" in given else "validation"
    return (
        [row for row in sound if listing.parts[row] in ("train", None)],
        [row for row in sound if listing.parts[row] == test],
    )


def usual_size(facts: Sequence[Facts]) -> int | None:
    """Side that images are scaled to by default; None if all images have the same small size and are not scaled."""
    sides = {(found.height, found.width) for found in facts}
    return None if len(sides) == 1 and max(*sides.pop()) <= SIZE else SIZE


def surveyed(listing: Listing) -> list[Facts | str]:
    """Facts about each image, or the reason why it cannot be used. They are cached until one of the files changes."""
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
            sha256, note = hashlib.sha256(data).hexdigest(), marker.note(data[: marker.HEAD])
            if note and note.kind == "sheet":
                found.append(Facts(sha256, 0, 0, note.wrote, sheet=True))
            else:
                found.append(Facts(sha256, *header(data), note.wrote if note else ""))
        except Bad as error:
            found.append(str(error))
    return found


class Seen(NamedTuple):
    """What a user should know about the decoded images."""

    transparent: int = 0
    """Number of images with pixels that are not opaque."""
    depth: Depth = Depth()
    brightest: int = 0
    """The largest value of any pixel, 0 to 255."""

    def __add__(self, other: "Seen") -> "Seen":  # type: ignore[override]
        brightest = max(self.brightest, other.brightest)
        return Seen(self.transparent + other.transparent, self.depth + other.depth, brightest)

    def to_json(self) -> list[Any]:
        return [self.transparent, self.depth.to_json(), self.brightest]

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> "Seen":
        return cls(int(data[0]), Depth.from_json(data[1]), int(data[2]))

    def remarks(self, name: str, options: DataOptions) -> tuple[str, ...]:
        """One sentence each."""
        said = list(self.depth.remarks(name, options))
        if self.transparent and not options.alpha and options.background == WHITE:
            said.append(
                f"{self.transparent:,} images of {name!r} have transparent parts, which are read as white (--alpha "
                "keeps transparency, --background chooses another colour)."
            )
        if self.brightest < DARK:
            said.append(f"the images of {name!r} are nearly black: their values reach {self.brightest} of 255.")
        return tuple(said)


class Ingested(NamedTuple):
    """All images that could be decoded."""

    images: NDArray[np.uint8]
    """(n, h, w, 1 or 3), or (n, h, w, 4) with --alpha if any is transparent. Memory-mapped."""
    bad: dict[int, str]
    """The reason for each index that failed."""
    seen: Seen


def ingested(
    store: Images, names: Sequence[str], facts: Sequence[Facts], size: int | None, options: DataOptions
) -> Ingested:
    """Decode all images, or map the result of an earlier run."""
    recipe = json.dumps([VERSION, size, options.fit, *_chosen(options), *(found.sha256 for found in facts)])
    final = folder() / hashlib.sha256(recipe.encode()).hexdigest()[:32]
    if found := _mapped(final):  # without a lock file, which a read-only cache has no room for
        return found
    with cache.writing(final.parent), FileLock(f"{final}.lock"):
        if (found := _mapped(final)) is None:
            sides = (size, size) if size else (facts[0].height, facts[0].width)
            _make(final, store, names, sides, size, options)
            found = _mapped(final)
    if found is None:
        raise CondgenError(f"{str(final)!r} is not what was just written there: does the disk fail?")
    return found


def _chosen(options: DataOptions) -> list[str]:
    """The options for transparency and depth that differ from their defaults, as part of the key."""
    return [f"{name}={options.chosen[name]}" for name in ("alpha", "background", "window") if name in options.chosen]


def _make(
    final: Path, store: Images, names: Sequence[str], sides: tuple[int, int], size: int | None, options: DataOptions
) -> None:
    """Decode the images shard by shard into a temporary folder, then join the shards and rename the folder."""
    part = final.with_name(f"{final.name}.part")
    if not part.is_dir():
        _remove(part)
        part.mkdir()
    per_shard = max(1, min(1024, SHARD // ((3 + options.alpha) * sides[0] * sides[1])))
    work = partial(shard, store, part, sides, size, options)
    shards = list(each(work, list(enumerate(chunked(names, per_shard))), "reading", per_shard))
    _join(part, shards, sides, per_shard)
    for path in part.iterdir():
        if path.name not in (IMAGES, META):
            _remove(path)
    _remove(final)  # it exists only if it was damaged
    os.replace(part, final)
    disk.sync(final.parent)


def shard(
    store: Images, part: Path, sides: tuple[int, int], size: int | None, options: DataOptions,
    job: tuple[int, Sequence[str]],
) -> Path:  # fmt: skip
    """Decode some images into a shard file, unless an earlier run has already done so. Returns the file's path."""
    number, names = job
    path = part / f"{number:06d}.npz"
    if _is_whole(path, len(names), sides):
        return path
    _remove(path)
    images, bad, seen = np.empty((len(names), *sides, 3 + options.alpha), np.uint8), dict[int, str](), Seen()
    for place, name in enumerate(names):
        try:
            found = decoded(store.read(name), size, options)
            images[place] = _fitting(found.pixels, sides)
            seen += Seen(int(found.transparent), Depth.of(found.values), int(found.pixels[..., :3].max()))
        except Bad as error:
            bad[place] = str(error)
    images = _narrowed(np.delete(images, list(bad), 0))
    with disk.replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, images=images, bad=np.array(json.dumps(bad)), seen=np.array(json.dumps(seen.to_json())))
    return path


def _narrowed(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images with as few channels as they need: 1 if all are grey, 3 if all are opaque."""
    if images.shape[3] == 4:
        if not is_opaque(images):
            return images
        images = images[..., :3]
    return images[..., :1] if bool((images == images[..., :1]).all()) else images


def _widened(images: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Images with more channels than they need: grey as colour, and opaque."""
    if channels == 4 and images.shape[3] < 4:
        opaque = np.full((*images.shape[:3], 1), 255, np.uint8)
        return np.concatenate([_widened(images, 3), opaque], 3)
    return np.broadcast_to(images, (*images.shape[:3], channels))


def _is_whole(path: Path, count: int, sides: tuple[int, int]) -> bool:
    """Whether an earlier run finished this shard and it is undamaged according to the checksums of the zip format."""
    try:
        with np.load(path) as arrays:
            images, bad = arrays["images"], json.loads(str(arrays["bad"]))
            Seen.from_json(json.loads(str(arrays["seen"])))
        return images.dtype == np.uint8 and images.shape[1:3] == sides and len(images) + len(bad) == count
    except DAMAGE:
        return False


def _fitting(image: NDArray[np.uint8], sides: tuple[int, int]) -> NDArray[np.uint8]:
    if image.shape[:2] != sides:
        raise Bad(f"is {image.shape[1]} x {image.shape[0]} pixels, which its header denies")
    return image


def _join(part: Path, shards: Sequence[Path], sides: tuple[int, int], per_shard: int) -> None:
    """Write images.npy, with as few channels as all shards need, and meta.json with the failures."""
    counts, channels, bad, seen = list[int](), 1, dict[int, str](), Seen()
    for number, path in enumerate(shards):
        with np.load(path) as arrays:
            counts.append(len(arrays["images"]))
            channels = max(channels, arrays["images"].shape[3])
            lost = json.loads(str(arrays["bad"]))
            bad |= {number * per_shard + int(place): why for place, why in lost.items()}
            seen += Seen.from_json(json.loads(str(arrays["seen"])))
    shape = (sum(counts), *sides, channels)
    images = np.lib.format.open_memmap(part / IMAGES, "w+", np.uint8, shape)
    at = 0
    for path, count in zip(shards, counts, strict=True):
        with np.load(path) as arrays:
            images[at : at + count] = _widened(arrays["images"], channels)
        at += count
    images.flush()
    disk.sync(part / IMAGES)
    cache.keep(part / META, {"bad": bad, "seen": seen.to_json(), "checksum": cache.checksum(part / IMAGES)})


def _mapped(final: Path) -> Ingested | None:
    """The array and what is known about it; None if missing or damaged. Writing to the array does not change the
    file."""
    meta = cache.kept(final / META)
    try:
        if not isinstance(meta, dict) or cache.checksum(final / IMAGES) != meta["checksum"]:
            return None
        images = np.load(final / IMAGES, mmap_mode="c").view(np.ndarray)
        bad = {int(place): why for place, why in meta["bad"].items()}
        return Ingested(images, bad, Seen.from_json(meta["seen"]))
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def folder() -> Path:
    """The folder of all ingested images. It may be deleted at any time."""
    return disk.cache() / "images"
