"""Decodes image files into one memory-mapped uint8 array. Later trainings read that array from the user's cache.

    images/<hash of contents, size, fit>/      images.npy and meta.json; complete or absent
    images/<the same>.part/                    finished shards (shard.py), with which the same command resumes

The user's files are only read. While they do not change, training does not open any image file again. Damage in the
cache is detected (condgen/cache.py), and the array is then created again.
"""

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from condgen import cache, disk
from condgen.data.held_out import chosen, ranks
from condgen.data.helpers import chunked, each
from condgen.data.shard import Decoding, Findings, Shard, remove, widened
from condgen.data.store import Images
from condgen.data.survey import VERSION, Facts, folder
from condgen.data_options import DataOptions
from condgen.errors import CondgenError

IMAGES, META = "images.npy", "meta.json"
Groups = NDArray[np.int64] | None
"""The class of each image, if a tenth of each is to be held out."""


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
    store: Images, names: Sequence[str], facts: Sequence[Facts], size: int | None, options: DataOptions,
    groups: Groups = None,
) -> Ingested:  # fmt: skip
    """Decode all images, or map the result of an earlier run."""
    key = [] if groups is None else [hashlib.sha256(groups.tobytes()).hexdigest()]
    recipe = json.dumps([VERSION, size, options.fit, *_chosen(options), *key, *(found.sha256 for found in facts)])
    final = folder() / hashlib.sha256(recipe.encode()).hexdigest()[:32]
    if found := _mapped(final):  # without a lock file, which a read-only cache has no room for
        return found
    with cache.writing(final.parent), FileLock(f"{final}.lock"):
        if (found := _mapped(final)) is None:
            sides = (size, size) if size else (facts[0].height, facts[0].width)
            _make(final, Decoding(store, size, sides, options), names, groups)
            found = _mapped(final)
    if found is None:
        raise CondgenError(f"{str(final)!r} is not what was just written there: does the disk fail?")
    return found


def _chosen(options: DataOptions) -> list[str]:
    """The options for transparency and depth that differ from their defaults, as part of the key."""
    return [f"{name}={options.chosen[name]}" for name in ("alpha", "background", "window") if name in options.chosen]


def _make(final: Path, decoding: Decoding, names: Sequence[str], groups: Groups) -> None:
    """Decode the images shard by shard into a temporary folder, then join the shards and rename the folder."""
    part = final.with_name(f"{final.name}.part")
    if not part.is_dir():
        remove(part)
        part.mkdir()
    jobs = list(enumerate(chunked(names, decoding.per_shard)))
    shards = list(each(partial(decoding.shard, part), jobs, "reading", decoding.per_shard))
    _join(part, shards, decoding, groups)
    for path in part.iterdir():
        if path.name not in (IMAGES, META):
            remove(path)
    remove(final)  # it exists only if it was damaged
    disk.replace(part, final)
    disk.sync(final.parent)


def _join(part: Path, shards: Sequence[Path], decoding: Decoding, groups: Groups) -> None:
    """Write images.npy, with as few channels as all shards need, and meta.json with what is known about the images.

    Images that are held out for testing come last, so that each split is one piece of the array.
    """
    counts, channels, bad, rank = list[int](), 1, dict[int, str](), list[NDArray[np.uint64]]()
    findings = Findings()
    for number, path in enumerate(shards):
        shard = Shard.load(path)
        counts.append(len(shard.images))
        channels = max(channels, shard.images.shape[3])
        bad |= {number * decoding.per_shard + place: why for place, why in shard.bad.items()}
        findings += shard.findings
        if groups is not None:
            rank.append(ranks(shard.images))
    held = np.zeros(sum(counts), np.bool_)
    if groups is not None:
        held = chosen(np.concatenate(rank), np.delete(groups, sorted(bad)))
    positions = np.argsort(np.argsort(held, kind="stable"))
    _copy(part / IMAGES, shards, positions, (sum(counts), *decoding.sides, channels))
    places = [place for place in range(sum(counts) + len(bad)) if place not in bad]
    about = {"bad": bad, "held": [place for place, is_held in zip(places, held, strict=True) if is_held]}
    cache.keep(part / META, about | {"findings": findings.to_json(), "checksum": cache.checksum(part / IMAGES)})


def _copy(path: Path, shards: Sequence[Path], positions: NDArray[np.intp], shape: tuple[int, ...]) -> None:
    """Copy the images of all shards into one array. positions: the row of each image in it."""
    images, at = np.lib.format.open_memmap(path, "w+", np.uint8, shape), 0
    for shard in shards:
        some = widened(Shard.load(shard).images, shape[3])
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
