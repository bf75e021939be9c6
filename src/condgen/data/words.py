"""What the names of folders, files, arrays and columns say: a split (train, seg_test, trainX, t10k), a mere container
(images), or companions (masks)."""

import re
from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = {
    "train": TRAIN, "training": TRAIN, "trn": TRAIN, "trainval": TRAIN,
    "test": TEST, "testing": TEST, "tst": TEST, "tests": TEST, "holdout": TEST, "t10k": TEST,
    "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION, "validate": VALIDATION, "dev": VALIDATION,
    "eval": VALIDATION, "evaluation": VALIDATION, "evaluate": VALIDATION, "development": VALIDATION,
    "训练": TRAIN, "訓練": TRAIN, "测试": TEST, "測試": TEST, "验证": VALIDATION, "驗證": VALIDATION,
}  # fmt: skip
"""Usual names of the splits."""
CONTAINERS = word_set(
    "image images img imgs pic pics picture pictures photo photos jpg jpgs jpeg jpegs png pngs jpegimages data dataset "
    "datasets file files archive all sample samples frame frames input inputs 图片 图像 数据"
)
"""Names of folders that hold images, and say nothing about them."""
COMPANIONS = word_set(
    "mask masks annotation annotations label labels gt groundtruth bbox bboxes box boxes segmentation segmentations "
    "seg segs depth thumbnail thumbnails thumb thumbs meta metadata target targets output outputs predictions"
)
"""Names of folders whose images accompany others."""
VERSIONS = word_set(
    "raw original originals orig resized resize cropped crop crops processed preprocessed augmented aug grey gray "
    "grayscale rgb color colour hd lowres highres small large clean cleaned noisy normalized"
)
"""Names of folders that hold one version of the same images."""
PIECES = word_set("part batch chunk shard fold zip vol volume")
"""Names of folders that, with a number, hold a part of the images."""
FILLERS = word_set("set sets folder dir split splits part cls classification class classes the my new final px")
"""Words beside the name of a split that do not change it, as in train_set, seg_train or my_train_images."""


class SplitName(NamedTuple):
    """The split that the name of a folder contains, and the other words in it."""

    split: str
    rest: tuple[str, ...]


def words(name: str) -> tuple[str, ...]:
    """The words of a name in lower case, without numbers: seg_train -> seg, train; XTest2 -> x, test."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return tuple(re.findall(r"\bt10k\b|[^\W\d_]+", spaced.lower()))


@lru_cache(maxsize=4096)
def split_name(name: str) -> SplitName | None:
    """The split that a name contains, and the rest of it; None if it contains none, or several that differ."""
    found, rest = list[str](), list[str]()
    for word in words(name):
        known = _split(word)
        (found if known else rest).append(known or word)
    if sorted(found) == [TRAIN, VALIDATION]:
        found = [TRAIN]  # train_val: the training split with the validation images in it
    if len(set(found)) != 1:
        return None
    extra = CONTAINERS | FILLERS | COMPANIONS | VERSIONS
    rest = [word for word in rest if word not in extra and word != "x"]
    return SplitName(found[0], tuple(rest))


def split_of(name: str) -> str | None:
    """The split of this name, such as "validation" for val_images; None if it is not the name of a split."""
    found = split_name(name)
    return found.split if found and not found.rest else None


def split_in(name: str) -> str | None:
    """The split that a name contains, such as "train" for pets_train.csv; None if it contains none, or several."""
    found = split_name(name)
    return found.split if found else None


def split_in_path(path: str) -> str | None:
    """The split that the parts of a path contain: the last one that contains any decides, as in train/test.csv."""
    return next((split_in(part) for part in reversed(path.split("/")) if any(map(_split, words(part)))), None)


def is_container(name: str, parent: str = "") -> bool:
    """Whether a folder of this name says nothing about its images: images, data, train, or its parent's name again."""
    if name.lower() == parent.lower() or split_of(name):
        return True
    found = set(words(name))
    return bool(found & CONTAINERS) and found <= CONTAINERS | FILLERS and not re.search("[0-9]|class", name)


def is_companion(name: str) -> bool:
    """Whether images in a folder of this name accompany others, such as masks."""
    return bool({"".join(words(name)), *words(name)} & COMPANIONS)


def is_version(name: str) -> bool:
    """Whether a folder of this name holds one version of images, such as resized or images_small."""
    found = set(words(name))
    return bool(found & VERSIONS) and found <= VERSIONS | CONTAINERS and not re.search("[0-9]", name)


def is_piece(name: str) -> bool:
    """Whether a folder of this name holds one of several parts of a data set, such as part_1, batch-2 or images_003."""
    found = set(words(name))
    return bool(found) and found <= PIECES | CONTAINERS and bool(re.search("[0-9]", name))


def common(names: Collection[str]) -> str:
    """Some names for a message: a, b, c and 7 more."""
    some = list(names)
    return ", ".join(some[:3]) + (f" and {len(some) - 3:,} more" if len(some) > 3 else "")


@lru_cache(maxsize=4096)
def _split(word: str) -> str | None:
    """The split that one word names, also in compounds such as trainset and imgtest."""
    if word in SPLITS:
        return SPLITS[word]
    extra = CONTAINERS | FILLERS
    for name, split in SPLITS.items():
        if (word.startswith(name) and word[len(name) :] in extra | {"集"}) or (
            word.endswith(name) and word[: -len(name)] in extra
        ):
            return split
    return None
