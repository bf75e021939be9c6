"""CelebA's layout: a folder (or zip archive) of JPEG faces, a list of attributes, and a list of splits.

    list_attr_celeba.txt       number of images / names of attributes / 000001.jpg -1 1 ...
    list_eval_partition.txt    000001.jpg 0          (0 train, 1 validation, 2 test)
    img_align_celeba/*.jpg     or img_align_celeba.zip

The lists may be in subfolders (Anno, Eval, Img), as in the original distribution, or beside the zip archive.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from condgen.data.archive import Archive
from condgen.data.dataset import Structure
from condgen.data.listing import Listing
from condgen.data.store import Folder, Store, text_of
from condgen.data_options import DataOptions
from condgen.errors import CondgenError
from condgen.labels import Labels

ATTRIBUTES, PARTITION, IMAGES = "list_attr_celeba.txt", "list_eval_partition.txt", "img_align_celeba"
SIZE = 64
"""Side, in pixels, that the source documents train on CelebA with."""
PARTS = {"0": "train", "1": "validation", "2": "test"}


def fits(store: Store, options: DataOptions) -> bool:
    return _found(_lists(store), ATTRIBUTES) is not None


def read(store: Store, options: DataOptions) -> Listing:
    """Read all attributes as 0 and 1. Without a list of splits, the images have no split."""
    lists = _lists(store)
    names, values = _attributes(_text(lists, ATTRIBUTES), ATTRIBUTES)
    parts = _partition(_text(lists, PARTITION)) if _found(lists, PARTITION) else {}
    faces = _faces(store)
    inside = {name.split("/")[-1]: name for name in faces.names()}
    return Listing(
        store.path.stem,
        faces,
        [inside.get(file, file) for file in values],
        Labels(names, "attributes"),
        np.array(list(values.values()), np.int64),
        [parts.get(file, "train" if parts else None) for file in values],
        faces.odd,
        SIZE,
        structure=_structure(names, bool(parts)),
    )


def _structure(names: Sequence[str], with_splits: bool) -> Structure:
    said = ((ATTRIBUTES, f"the image files, and {len(names)} attributes of each"),)
    return (*said, (PARTITION, "the split of each image")) if with_splits else said


def _lists(store: Store) -> Store:
    """The store that contains the lists: if a zip archive contains only faces, the folder that it is in."""
    beside = isinstance(store, Archive) and _found(store, ATTRIBUTES) is None
    return Folder(store.path.parent) if beside and (store.path.parent / ATTRIBUTES).is_file() else store


def _faces(store: Store) -> Store:
    """The store that contains the faces: this folder or zip archive, or the zip archive in CelebA's distribution."""
    zipped = _found(store, f"{IMAGES}.zip")
    return Archive(Path(store.path, zipped)) if zipped and isinstance(store, Folder) else store


def _attributes(text: str, where: str) -> tuple[tuple[str, ...], dict[str, list[int]]]:
    """Names of the attributes, and the values, 0 or 1, per file."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 3:
        raise CondgenError(f"{where} has {len(lines)} lines, wanted a list of images.")
    names = tuple(lines[1].split())
    values: dict[str, list[int]] = {}
    for number, line in enumerate(lines[2:], start=3):
        file, *signs = line.split()
        if len(signs) != len(names) or not set(signs) <= {"-1", "1", "0"} or file in values:
            found = "a second line of the same image" if file in values else repr(line[:60])
            raise CondgenError(f"{where}, line {number}: wanted {len(names)} times -1 or 1, found {found}.")
        values[file] = [int(sign == "1") for sign in signs]
    return names, values


def _partition(text: str) -> dict[str, str]:
    """The split of each file."""
    try:
        return {file: PARTS[part] for file, part in (line.split() for line in text.splitlines() if line.strip())}
    except (ValueError, KeyError):
        raise CondgenError(f"{PARTITION}: wanted lines such as '000001.jpg 0'.") from None


def _text(store: Store, name: str) -> str:
    return text_of(store, _found(store, name) or name, name)


def _found(store: Store, name: str) -> str | None:
    """The path of the file `name`, at the top or one folder down; None if it does not exist."""
    return next((path for path in store.names() if path.split("/")[-1] == name and path.count("/") <= 1), None)
