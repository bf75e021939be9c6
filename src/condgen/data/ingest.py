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
from dataclasses import replace
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
from condgen.data.file_names import FileNames
from condgen.data.foreign_images import uses_window
from condgen.data.held_out import FEWEST, chosen, classes_of, ranks, said
from condgen.data.helpers import chunked, each
from condgen.data.listing import Listing
from condgen.data.store import Bad, Images, shown
from condgen.data.transparency import is_opaque
from condgen.data_options import AS_THEY_ARE, WHITE, DataOptions
from condgen.errors import CondgenError
from condgen.spec import HeldOut, OnBad

VERSION = 4
"""Version of the decoding and of the cached data. It is part of every key."""
SIZE = 64
"""Default side, in pixels, that images are scaled to if they are larger or differ in size."""
SHARD = 32 * 2**20
"""Maximum size of the pixels in one shard, in bytes. It limits the work lost in a crash and the memory of a worker."""
SURVEYED = 256
"""Number of images that a worker surveys per job."""
BAD_SHARE = 0.01
"""Fraction of the images that may be left out by default, without --on-bad."""
HELD_OUT = 10
"""The former rule (`DataOptions.held_out`): about one in HELD_OUT images is held out, whatever its class."""
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
    on_bad, held_out = options.on_bad, options.held_out
    listing, survey = without_own(listing, surveyed(listing))
    generated = not listing.generated and are_generated(survey)
    bad = {name: why for name, why in zip(listing.images, survey, strict=True) if isinstance(why, str)}
    judge_bad(listing, dict(listing.odd) | bad, on_bad)
    train, test = split(listing, survey, held_out)
    rows = [*train, *test]
    divides = held_out == "per_class" and not test and len(rows) >= FEWEST
    groups = classes_of(listing.values[rows]) if divides else None
    facts = [found for row in rows if isinstance(found := survey[row], Facts)]
    side = options.size or listing.size or usual_size(facts)
    names = [listing.images[row] for row in rows]
    images, lost, held, findings = ingested(listing.store, names, facts, side, options, groups)
    check_depth(listing.name, findings.depth, options)
    bad |= {listing.images[rows[place]]: why for place, why in lost.items()}
    left_out = dict(listing.odd) | bad
    judge_bad(listing, left_out, on_bad)
    order = sorted((place for place in range(len(rows)) if place not in lost), key=lambda place: place in held)
    kept = [rows[place] for place in order]
    values, files = listing.values[kept], [listing.images[row] for row in kept]
    cut = sum(place < len(train) and place not in held for place in order)
    if not cut:
        raise CondgenError(f"{str(listing.store.path)!r} holds no training images.")
    rest = Split(images[cut:], values[cut:], FileNames(files[cut:])) if cut < len(images) else None
    ignored = {**listing.ignored, **unused(listing)}
    about = {shown(name): why for name, why in {**ignored, **left_out}.items()}
    own = {shown(name): wrote for name, wrote in listing.own.items()}
    remarks = (*listing.remarks, *findings.remarks(listing, options))
    if generated:
        remarks = (*remarks, f"condgen generated all images of {listing.name!r}.")
    first = Split(images[:cut], values[:cut], FileNames(files[:cut]))
    structure = (*listing.structure, said(len(held))) if held else listing.structure
    read = Dataset(listing.name, listing.labels, first, rest, about, own, remarks, structure)
    return replace(read, layout=listing.layout, source=listing.store.path)


def unused(listing: Listing) -> dict[str, str]:
    """Validation images beside a test split, each with the reason why it is left out."""
    if "test" not in listing.parts:
        return {}
    names = [name for name, part in zip(listing.images, listing.parts, strict=True) if part == "validation"]
    return dict.fromkeys(names, "is in the validation split, which is not used beside a test split")


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


def split(
    listing: Listing, survey: Sequence[Facts | str], held_out: HeldOut = "per_class"
) -> tuple[list[int], list[int]]:
    """Rows of the valid training and test images, in the order of the source.

    If the source has no splits, all are training images until they have been decoded (data/held_out.py); by the former
    rule, about a tenth of the files is held out by a hash of their content. If the source has validation images but no
    test images, the validation images are the test split.
    """
    sound = [row for row, found in enumerate(survey) if isinstance(found, Facts)]
    given = {part for row in sound if (part := listing.parts[row])}
    if not given and (held_out != "overall" or len(sound) < FEWEST):
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
            sha256, note = hashlib.sha256(data).hexdigest(), marker.note(data)
            if note and note.kind == "sheet":
                found.append(Facts(sha256, 0, 0, note.wrote, sheet=True))
            else:
                found.append(Facts(sha256, *header(data), note.wrote if note else ""))
        except Bad as error:
            found.append(str(error))
    return found


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


class Ingested(NamedTuple):
    """Decoded images: first those for training, then those held out for testing; each part in the order of the names.

    images: memory-mapped, (n, h, w, 1 or 3), or (n, h, w, 4) with --alpha if any is transparent.
    lost: index and reason of each image that failed.
    held: indices of the images that are held out.
    """

    images: NDArray[np.uint8]
    lost: dict[int, str]
    held: frozenset[int]
    findings: Findings


def ingested(
    store: Images,
    names: Sequence[str],
    facts: Sequence[Facts],
    size: int | None,
    options: DataOptions,
    groups: NDArray[np.int64] | None = None,
) -> Ingested:
    """Decode all images, or map the result of an earlier run.

    groups: the class of each image, if a tenth of each is to be held out.
    """
    key = [] if groups is None else [hashlib.sha256(groups.tobytes()).hexdigest()]
    recipe = json.dumps([VERSION, size, options.fit, *_chosen(options), *key, *(found.sha256 for found in facts)])
    final = folder() / hashlib.sha256(recipe.encode()).hexdigest()[:32]
    if found := _mapped(final):  # without a lock file, which a read-only cache has no room for
        return found
    with cache.writing(final.parent), FileLock(f"{final}.lock"):
        if (found := _mapped(final)) is None:
            sides = (size, size) if size else (facts[0].height, facts[0].width)
            _make(final, store, names, sides, size, options, groups)
            found = _mapped(final)
    if found is None:
        raise CondgenError(f"{str(final)!r} is not what was just written there: does the disk fail?")
    return found


def _chosen(options: DataOptions) -> list[str]:
    """The options for transparency and depth that differ from their defaults, as part of the key."""
    return [f"{name}={options.chosen[name]}" for name in ("alpha", "background", "window") if name in options.chosen]


def _make(
    final: Path,
    store: Images,
    names: Sequence[str],
    sides: tuple[int, int],
    size: int | None,
    options: DataOptions,
    groups: NDArray[np.int64] | None,
) -> None:
    """Decode the images shard by shard into a temporary folder, then join the shards and rename the folder."""
    part = final.with_name(f"{final.name}.part")
    if not part.is_dir():
        _remove(part)
        part.mkdir()
    per_shard = max(1, min(1024, SHARD // ((3 + options.alpha) * sides[0] * sides[1])))
    work = partial(shard, store, part, sides, size, options)
    shards = list(each(work, list(enumerate(chunked(names, per_shard))), "reading", per_shard))
    _join(part, shards, sides, per_shard, groups)
    for path in part.iterdir():
        if path.name not in (IMAGES, META):
            _remove(path)
    _remove(final)  # it exists only if it was damaged
    disk.replace(part, final)
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
    images, bad, findings = np.empty((len(names), *sides, 3 + options.alpha), np.uint8), dict[int, str](), Findings()
    for place, name in enumerate(names):
        try:
            found = decoded(store.read(name), size, options)
            images[place] = _fitting(found.pixels, sides)
            findings += Findings(int(found.transparent), Depth.of(found.values))
        except Bad as error:
            bad[place] = str(error)
    images = _narrowed(np.delete(images, list(bad), 0))
    with disk.replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, images=images, bad=np.array(json.dumps(bad)), findings=np.array(json.dumps(findings.to_json())))
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
            Findings.from_json(json.loads(str(arrays["findings"])))
        return images.dtype == np.uint8 and images.shape[1:3] == sides and len(images) + len(bad) == count
    except DAMAGE:
        return False


def _fitting(image: NDArray[np.uint8], sides: tuple[int, int]) -> NDArray[np.uint8]:
    if image.shape[:2] != sides:
        raise Bad(f"is {image.shape[1]} x {image.shape[0]} pixels, which its header denies")
    return image


def _join(
    part: Path, shards: Sequence[Path], sides: tuple[int, int], per_shard: int, groups: NDArray[np.int64] | None
) -> None:
    """Write images.npy, with as few channels as all shards need, and meta.json with what is known about the images.

    Images that are held out for testing come last, so that each split is one piece of the array.
    """
    counts, channels, bad, found = list[int](), 1, dict[int, str](), list[NDArray[np.uint64]]()
    findings = Findings()
    for number, path in enumerate(shards):
        with np.load(path) as arrays:
            images = arrays["images"]
            lost = json.loads(str(arrays["bad"]))
            findings += Findings.from_json(json.loads(str(arrays["findings"])))
        counts.append(len(images))
        channels = max(channels, images.shape[3])
        bad |= {number * per_shard + int(place): why for place, why in lost.items()}
        if groups is not None:
            found.append(ranks(images))
    held = np.zeros(sum(counts), np.bool_)
    if groups is not None:
        held = chosen(np.concatenate(found), np.delete(groups, sorted(bad)))
    _copy(part / IMAGES, shards, np.argsort(np.argsort(held, kind="stable")), (sum(counts), *sides, channels))
    places = [place for place in range(sum(counts) + len(bad)) if place not in bad]
    about = {"bad": bad, "held": [place for place, is_held in zip(places, held, strict=True) if is_held]}
    cache.keep(part / META, about | {"findings": findings.to_json(), "checksum": cache.checksum(part / IMAGES)})


def _copy(path: Path, shards: Sequence[Path], positions: NDArray[np.intp], shape: tuple[int, ...]) -> None:
    """Copy the images of all shards into one array. positions: the row of each image in it."""
    images, at = np.lib.format.open_memmap(path, "w+", np.uint8, shape), 0
    for shard in shards:
        with np.load(shard) as arrays:
            some = _widened(arrays["images"], shape[3])
        images[positions[at : at + len(some)]] = some
        at += len(some)
    images.flush()
    disk.sync(path)


def _mapped(final: Path) -> Ingested | None:
    """The decoded images; None if missing or damaged. Writing to the array does not change the file."""
    meta = cache.kept(final / META)
    try:
        if not isinstance(meta, dict) or cache.checksum(final / IMAGES) != meta["checksum"]:
            return None
        images = np.load(final / IMAGES, mmap_mode="c")
        lost = {int(place): why for place, why in meta["bad"].items()}
        return Ingested(images.view(np.ndarray), lost, frozenset(meta["held"]), Findings.from_json(meta["findings"]))
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
