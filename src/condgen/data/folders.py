"""Reads images whose folders say what they are: a folder per class, perhaps inside folders of splits.

    cats-and-dogs/cat/1.jpg        or    cats-and-dogs/train/cat/1.jpg
                  cat/more/2.jpg                       test/cat/2.jpg
                  dog/3.png                            test/dog/3.jpg

The tree is understood as a whole (roles.py): which folders are splits, which are classes, and what lies beside them.
What can be understood in several ways is a Question. Without labels in the names, all images have the label "any".
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from condgen.data import roles
from condgen.data.encodings import readable
from condgen.data.file_kinds import ARRAY, images_in, may_hold_labels
from condgen.data.label_pattern import Pattern
from condgen.data.listing import Listing, listing
from condgen.data.roles import Reading, Row
from condgen.data.store import Store
from condgen.data.tree import Node
from condgen.data.words import common
from condgen.data_options import DataOptions
from condgen.errors import CondgenError, Question
from condgen.labels import ANY

OUTSIDE = "is outside of --image-root"


def fits(store: Store, options: DataOptions) -> bool:
    return any("/" in name for name in images_in(store)[0])


def fits_loose(store: Store, options: DataOptions) -> bool:
    """Whether there are images, clearly more than files of arrays, which may be data of their own."""
    images, others = images_in(store)
    return len(images) > 3 * list(others.values()).count(ARRAY)


def read(store: Store, options: DataOptions) -> Listing:
    """List the images. Raises Question if the folders can be understood in several ways."""
    images, others = images_in(store)
    root = (options.image_root or "").strip("/")
    inside = [name for name in images if not root or name.startswith(f"{root}/")]
    if not inside:
        raise CondgenError(f"{str(store.path)!r} has no images in --image-root {root!r}.")
    found = _reading(store, inside, root, options)
    if not any(row.label for row in found.rows) and options.kind != "none":
        _check_no_labels(store)
    ignored = dict(others) | dict.fromkeys(set(images) - set(inside), OUTSIDE) | found.ignored
    return _listing(store, found, ignored)


def _reading(store: Store, images: Sequence[str], root: str, options: DataOptions) -> Reading:
    if options.label_pattern:
        return by_pattern(Pattern(options.label_pattern), images, root)
    if options.kind == "none":
        return Reading([Row(name, None, None) for name in images])
    return roles.understood(Node.of(name[len(root) :].lstrip("/") for name in images), str(store.path), root)


def by_pattern(pattern: Pattern, images: Sequence[str], root: str) -> Reading:
    """Take the label of each image from its path. Images that do not match are left out."""
    reading = Reading(structure=[(pattern.text, "the place of the label in each path")])
    for name in images:
        if found := pattern.find(name[len(root) :].lstrip("/")):
            reading.rows.append(Row(name, found.split, found.label))
        else:
            reading.ignored[name] = "does not match --label-pattern"
    if not reading.rows:
        raise CondgenError(f"--label-pattern {pattern.text!r} matches no image; the first is {images[0]!r}.")
    return reading


def _listing(store: Store, found: Reading, ignored: dict[str, str]) -> Listing:
    rows, legible = found.rows, readable({row.label for row in found.rows if row.label})
    if any(row.label is not None for row in rows):
        made = listing(store, ((row.image, row.split, legible[row.label or ""]) for row in rows))
    else:
        names, splits = [row.image for row in rows], [row.split for row in rows]
        made = Listing(store.path.stem, store, names, ANY, np.zeros(len(names), np.int64), splits, store.odd)
        found.remarks.append(f"{made.name!r} has no labels: no folder is a class, and there is no table.")
    if changed := [name for word, name in legible.items() if word != name]:
        found.remarks.append(
            f"the names of {len(changed):,} folders are not UTF-8; they are read as {common(changed)}."
        )
    return replace(made, ignored=ignored, remarks=tuple(found.remarks), structure=tuple(found.structure))


def _check_no_labels(store: Store) -> None:
    """Raise Question if files beside images without labels may contain the labels."""
    beside = [name for name in store.names() if may_hold_labels(name)]
    if beside:
        raise Question(
            f"{str(store.path)!r}: no folder is a class, and {common(beside)} may contain the labels, but condgen does "
            "not read it. Write them to a table labels.csv with columns file and label, or ignore them.",
            ["--kind none"],
        )
