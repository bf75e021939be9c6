"""Finds out by their names which arrays are images, which are labels, and of which split.

x_train, y_train     X, y     train_images, train_labels     data, target     images/train.npy     arr_0, arr_1
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from posixpath import basename

import numpy as np

from condgen.data.choice import kept
from condgen.data.raw_arrays import Array, Raw, word
from condgen.data.words import split_in_path, words
from condgen.data_options import DataOptions
from condgen.errors import CondgenError, Question, shortened

IMAGES = ("x", "images", "image", "imgs", "img", "data", "pixels")
LABELS = ("y", "labels", "label", "targets", "target", "lbls", "lbl", "fine", "categories", "category")
NAMES = ("names", "class_names", "label_names", "target_names", "classes", "list_classes", "categories")
"""Words for images and for labels, and names of arrays with the names of the labels."""

Load = Callable[[], Array]


@dataclass
class Roles:
    """The names of arrays by role."""

    images: dict[str, str] = field(default_factory=dict)
    """Per split, the array of images."""
    labels: dict[str, str] = field(default_factory=dict)
    names: str | None = None
    rest: list[str] = field(default_factory=list)

    @property
    def splits(self) -> list[str]:
        """Splits with images, the training split first. The unnamed split is the training split."""
        order = ["train", "validation", "test"]
        return sorted(self.images, key=order.index)


def roles(arrays: Mapping[str, Load], where: str, options: DataOptions) -> Roles:
    """The role of each array. Raises Question if two arrays have one role."""
    found = Roles()
    for name in kept(arrays, options):
        role, split = _role(name), split_in_path(name) or "train"
        known = {"images": found.images, "labels": found.labels}.get(role or "")
        if basename(name).lower() in NAMES and _is_text(arrays[name]):
            found.names = name
        elif known is None:
            found.rest.append(name)
        elif split in known:
            both = [known[split], name]
            raise Question(
                f"{where} has two arrays of {role} for {split}: {both[0]!r} and {both[1]!r}; which is to be left out?",
                [f"--exclude {each}" for each in both],
            )
        else:
            known[split] = name
    return _unnamed(arrays, found)


def raws(arrays: Mapping[str, Load], found: Roles, options: DataOptions, where: str) -> dict[str, Raw]:
    """The images and labels of each split."""
    parts = {}
    for split in found.splits:
        image, label = found.images[split], found.labels.get(split)
        if label is None and options.kind != "none" and found.labels:
            raise CondgenError(f"{where} has {image!r} and no labels for it; it has {', '.join(arrays)}.")
        title = ", ".join(filter(None, [image, label]))
        parts[split] = Raw(arrays[image](), arrays[label]() if label else None, title)
    return parts


def given_names(arrays: Mapping[str, Load], found: Roles) -> tuple[str, ...] | None:
    """The names of the labels, if an array has them."""
    return tuple(map(word, arrays[found.names]().ravel())) if found.names else None


def _role(name: str) -> str | None:
    """images, labels or neither. The last part of a path decides, then the folders: images/train.npy."""
    for part in reversed(name.split("/")):
        found = words(part)
        is_label = any(each in LABELS for each in found)
        if is_label or any(each in IMAGES for each in found):
            return "labels" if is_label and "images" not in found else "images"
    return None


def _unnamed(arrays: Mapping[str, Load], found: Roles) -> Roles:
    """np.savez(images, labels) names the arrays arr_0 and arr_1; their shapes show which is which."""
    if found.images or sorted(found.rest) != ["arr_0", "arr_1"]:
        return found
    shapes = {name: arrays[name]().shape for name in ("arr_0", "arr_1")}
    many = [name for name, shape in shapes.items() if len(shape) >= 3]
    few = [name for name, shape in shapes.items() if len(shape) <= 2]
    if len(many) == len(few) == 1 and shapes[many[0]][0] == shapes[few[0]][0]:
        found.images, found.labels, found.rest = {"train": many[0]}, {"train": few[0]}, []
    return found


def _is_text(load: Load) -> bool:
    return load().dtype.kind in "US"


def described(arrays: Mapping[str, Load]) -> str:
    """The names and shapes of some arrays, for messages."""
    shown = []
    for name, load in list(arrays.items())[:8]:
        array = load()
        shown.append(f"{shortened(name)} {array.dtype}{list(np.shape(array))}")
    return ", ".join(shown) + (", ..." if len(arrays) > 8 else "")
