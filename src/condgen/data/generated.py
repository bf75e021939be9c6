"""Reads images written by condgen: by `sample` (folders and shards), `augment`, the server and the page (zip archives).

Every image contains its label in the text of its PNG; in a shard, the label is in the .json file beside the image. The
folder's marker contains the label set, so that the data have all labels of the generator, whichever were requested.
Shards written by other tools (WebDataset: NAME.jpg with NAME.cls, NAME.json or NAME.txt) are read too; their names may
say the split.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress

import numpy as np

from condgen import cache, disk, marker
from condgen.data.classes import few_enough
from condgen.data.listing import Listing, listing
from condgen.data.store import Store
from condgen.data.tar_store import NAME
from condgen.data.tars import Tars, inside
from condgen.data.words import split_in_path
from condgen.data_options import DataOptions
from condgen.errors import CondgenError, Question, shortened
from condgen.labels import ANY, Label, Labels
from condgen.marker import Mark

VERSION = 2
"""Version of the cached labels."""
SILENT = "does not say its label"
NAMED = re.compile(r"[^/]+_seed\d+_\d{5,}\.png")
"""Matches the file names that condgen gives to generated images."""
BESIDE = (".json", ".txt", ".md", ".csv")
"""Endings of other files that may be beside generated images."""


def fits(store: Store, options: DataOptions) -> bool:
    names = [name for name in store.names() if not name.lower().endswith(BESIDE)]
    if store.mark or not names:
        return bool(_marks(store))
    if all(NAME.search(name) for name in names):
        return Tars(store).is_shard(names[0])
    return all(NAMED.fullmatch(name) for name in names) and store.note(names[0]) is not None


def read(store: Store, options: DataOptions) -> Listing:
    """List the images with their labels. Raises CondgenError if the labels cannot be determined."""
    folders = _marks(store)
    names = [name for folder in folders for name in (store.within(folder) if folder else store.names())]
    images = Tars(store)
    said, odd, own = _labels_in(images, names or store.names(), options.label_column)
    if options.kind == "none" and not folders:
        return _unlabelled(images, [*said, *(name for name, why in odd.items() if why == SILENT)], own)
    if not said:
        raise CondgenError(f"{str(store.path)!r} holds no images that say their label.")
    return _labelled(images, said, list(folders.values()), dict(store.odd) | odd, own)


def _labels_in(tars: Tars, names: Sequence[str], key: str | None) -> list[dict[str, str]]:
    """Three dictionaries by name: labels of images; reasons for files left out; commands that wrote other files.

    The result is cached until one of the files changes, since each file has to be opened for it.
    """
    stamp = "\0".join([str(VERSION), key or "", tars.store.stamp(names), *names]).encode("utf-8", "surrogateescape")
    path = disk.cache() / "images" / "labels" / f"{hashlib.sha256(stamp).hexdigest()}.json"
    found: list[dict[str, str]] | None = cache.kept(path)
    if found is None:
        found = _read(tars, names, key)
        cache.keep_if_possible(path, found)
    return found


def _read(tars: Tars, names: Sequence[str], key: str | None) -> list[dict[str, str]]:
    said, odd, own = dict[str, str](), dict[str, str](), dict[str, str]()
    for name in names:
        if NAME.search(name):
            for image in tars.images(name):
                _sort(image, tars.label(image, key), said, odd)
        elif name.lower().endswith(marker.ENDINGS):
            note = tars.store.note(name)
            if note and note.label is None:
                own[name] = note.wrote
            else:
                _sort(name, note.label if note else None, said, odd)
        elif not name.lower().endswith(BESIDE):
            odd[name] = "was not written by condgen, in a folder that is"
    return [said, odd, own]


def _marks(store: Store) -> dict[str, Mark]:
    """Markers of the data, by folder: that of the store itself or, if it has none, those of the data folders in it."""
    if store.mark:
        return {"": store.mark} if store.mark.is_data else {}
    found = {folder: store.mark_of(folder) for folder in store.own}
    return {folder: mark for folder, mark in found.items() if mark and mark.is_data}


def _sort(name: str, label: str | None, said: dict[str, str], odd: dict[str, str]) -> None:
    if label is None:
        odd[name] = SILENT
    else:
        said[name] = label


def _unlabelled(images: Tars, names: list[str], own: dict[str, str]) -> Listing:
    """A listing of images whose labels are ignored."""
    if not names:
        raise CondgenError(f"{str(images.path)!r} holds no images.")
    parts = [split_in_path(inside(name)[0]) for name in names]
    return Listing(images.path.stem, images, names, ANY, np.zeros(len(names), np.int64), parts, images.odd, own=own)


def _labelled(
    images: Tars, said: dict[str, str], marks: Sequence[Mark], odd: dict[str, str], own: dict[str, str]
) -> Listing:
    known = marker.joined([mark.labels for mark in marks if mark.labels])
    if known is None:
        _check_captions(said, str(images.path))
        if any("+" in word or word == "none" for word in said.values()) or marks:
            raise CondgenError(
                f"{str(images.path)!r}: images with attributes, and no {marker.FILE} that names the same ones for all; "
                "name a single folder that condgen wrote."
            )
        found = listing(images, ((name, None, word) for name, word in said.items()), images.path.stem)
        known, values = found.labels, found.values
    else:
        few_enough(known.names, str(images.path))
        numbers = _numbers(known, dict.fromkeys(said.values()))
        if strange := next((word for word in said.values() if word not in numbers), None):
            raise CondgenError(f"{str(images.path)!r}: label {strange!r} is not among {', '.join(known.names[:20])}.")
        values = np.array([numbers[word] for word in said.values()], np.int64)
    parts = [split_in_path(inside(name)[0]) if not marks else None for name in said]
    return Listing(images.path.stem, images, list(said), known, values, parts, odd, own=own, generated=True)


def _check_captions(said: dict[str, str], where: str) -> None:
    """Raise CondgenError if the texts are sentences about single images, and not names of classes."""
    different = set(said.values())
    if 2 * len(different) > len(said) > 1 and sum(len(text.split()) > 2 for text in different) * 2 > len(different):
        raise Question(
            f"{where!r}: the images have captions, such as {shortened(min(different))!r}, and condgen wants labels. "
            "Store each image's class in NAME.cls, or ignore the captions.",
            ["--kind none"],
        )


def _numbers(known: Labels, titles: Iterable[str]) -> dict[str, Label]:
    """Labels by title, as written by `Labels.title`. Titles that name no label are missing."""
    if known.kind == "classes":
        return {name: number for number, name in enumerate(known.names)}
    found: dict[str, Label] = {}
    for title in titles:
        if '"' in title:
            with suppress(CondgenError):
                found[title] = known.check(title)
        if title not in found and (on := [] if title == "none" else _parts(title, known.names)) is not None:
            found[title] = tuple(np.isin(np.arange(len(known)), on).astype(int).tolist())
    return found


def _parts(title: str, names: Sequence[str]) -> list[int] | None:
    """Indices of the names that a title joins with '+', in order; None if the title is invalid."""
    if not any("+" in name for name in names):
        index = {name: number for number, name in enumerate(names)}
        found = [index.get(word, -1) for word in title.split("+")]
        return None if -1 in found else found
    return _joined(title, names, 0, set())


def _joined(title: str, names: Sequence[str], start: int, failed: set[tuple[int, int]]) -> list[int] | None:
    """`_parts` for names that may contain '+' themselves.

    failed: pairs (length of the title, first index) that are known to have no solution.
    """
    if (len(title), start) in failed:
        return None
    for number in range(start, len(names)):
        if title == names[number]:
            return [number]
        if title.startswith(f"{names[number]}+"):
            rest = _joined(title[len(names[number]) + 1 :], names, number + 1, failed)
            if rest:
                return [number, *rest]
    failed.add((len(title), start))
    return None
