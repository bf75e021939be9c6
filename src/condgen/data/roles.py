"""Understands a tree of images: which folders are splits, which are classes, and which lie beside them.

Rules, from the outside in:

1. Folders around everything (archive/data/) are passed.
2. Folders named after splits, in any usual spelling, are splits; so are those inside each class.
3. The folders then are classes. Folders inside a class that contains images directly belong to the class.
4. Everything else is a Question, with options that answer it: several folders with the same folders inside (splits,
   folds or versions?), classes named like containers or masks, folders that contain nothing but folders.

Images outside of every class folder are left out, each with the reason.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from condgen.data import words
from condgen.data.label_pattern import suggested
from condgen.data.questions import Asking
from condgen.data.tree import Node, merged

LOOSE = "is in no class folder"
COPY = "repeats the names of the folders around it"


class Row(NamedTuple):
    """An image, its split if known, and its class; None without labels."""

    image: str
    split: str | None
    label: str | None


@dataclass
class Reading:
    """How a tree was understood."""

    rows: list[Row] = field(default_factory=list)
    ignored: dict[str, str] = field(default_factory=dict)
    """Images that are left out, with the reason."""
    structure: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def under(self, root: str) -> "Reading":
        """The same with `root` before every path."""
        return Reading(
            [Row(f"{root}/{row.image}", row.split, row.label) for row in self.rows],
            {f"{root}/{name}": why for name, why in self.ignored.items()},
            [(f"{root}/{path}", meaning) for path, meaning in self.structure],
            self.remarks,
        )


def understood(tree: Node, where: str, root: str = "") -> Reading:
    """Find the split and class of each image. where: the source, for messages. root: a prefix for all paths.

    Raises Question if there are several ways to understand the tree.
    """
    asking = Asking(where, root)
    node = tree.core
    loose = [image for image in tree.everything if node.path and not image.startswith(f"{node.path}/")]
    if node.is_leaf or (len(node.folders) == 1 and node.kids[0].is_leaf and len(node.images) < node.total / 2):
        reading = _single(node, asking)
    elif len(node.images) > node.total / 2:
        raise asking.mostly_loose(node)
    elif splits := _splits(node, asking):
        reading = _in_splits(node, splits, asking)
    else:
        reading = _in_classes(node, asking)
    reading.ignored |= dict.fromkeys(loose, LOOSE)
    return reading.under(root) if root else reading


def _single(node: Node, asking: Asking) -> Reading:
    """The reading of one folder of images: one class, or no labels if the folder's name is no label."""
    leaf = node if node.is_leaf else node.kids[0]
    if pattern := suggested([image.rpartition("/")[2] for image in leaf.images]):
        raise asking.names_may_be_labels(leaf, pattern)
    ignored = {} if leaf is node else dict.fromkeys(node.images, LOOSE)
    if leaf.path and not words.is_container(leaf.name):
        rows = [Row(image, None, leaf.name) for image in leaf.images]
        return Reading(rows, ignored, [(f"{leaf.path}/", f"class {leaf.name}")])
    rows = [Row(image, None, None) for image in leaf.images]
    return Reading(rows, ignored, [(f"{leaf.path}/", f"{len(rows):,} images without labels")])


# --- splits


def _splits(node: Node, asking: Asking) -> dict[str, str]:
    """The split of each folder that is one, by name; empty if there are no splits at this level."""
    with_classes = [kid.name for kid in node.kids if has_classes(kid)]
    found = {name: split for name in with_classes or node.folders if (split := words.split_name(name))}
    pure = {name: split.split for name, split in found.items() if not split.rest}
    if len({split.split for split in found.values()}) > 1:
        repeated = len({split.split for split in found.values()}) < len(found)
        if len({split.rest for split in found.values()}) == 1 and not repeated:
            return {name: split.split for name, split in found.items()}
        if len(found) == len(with_classes or node.folders) and (len(pure) < 2 or repeated):
            raise asking.splits_and_labels_in_one_name(node)
    return pure if len(pure) == len(node.folders) > 1 or ("train" in pure.values() and with_classes) else {}


def has_classes(split: Node) -> bool:
    """Whether most images of a split are in folders."""
    inner = split.core
    return not inner.is_leaf and len(inner.images) <= inner.total / 2


def _in_splits(node: Node, splits: dict[str, str], asking: Asking) -> Reading:
    cores = {name: node.folders[name].core for name in splits}
    labelled = {name: inner for name, inner in cores.items() if not inner.is_leaf}
    if not labelled:
        raise asking.splits_without_classes(node)
    if "train" not in {splits[name] for name in labelled}:
        raise asking.no_training_split(node, splits)
    reading = Reading()
    for name, inner in cores.items():
        loose = {*node.folders[name].everything} - (
            {*inner.everything} - {*inner.images} if name in labelled else set()
        )
        reading.ignored |= dict.fromkeys(sorted(loose), LOOSE)
        about = f"{len(inner.folders):,} folders" if name in labelled else "left out: no class folders in it"
        reading.structure.append((f"{node.folders[name].path}/", f"the {splits[name]} split: {about}"))
    prefix = _prefix(node, labelled)
    _check_same_classes(labelled, splits, asking, prefix)
    _leave_out_others(node, splits, labelled, reading, asking)
    split_of = {image: splits[name] for name, inner in labelled.items() for image in inner.everything}
    inner = merged([inner.with_bare_folders() for inner in labelled.values()])
    inner.images = []
    classes = _in_classes(inner, asking, prefix)
    reading.rows = [Row(row.image, split_of[row.image], row.label) for row in classes.rows]
    reading.ignored |= classes.ignored
    reading.structure += classes.structure
    reading.ignored |= dict.fromkeys(node.images, LOOSE)
    return reading


def _check_same_classes(labelled: dict[str, Node], splits: dict[str, str], asking: Asking, prefix: str) -> None:
    """Raise Question if a split has no class in common with the training split."""
    training = {kid for name, inner in labelled.items() if splits[name] == "train" for kid in inner.folders}
    for name, inner in labelled.items():
        if not training & inner.folders.keys():
            raise asking.no_class_in_common(name, inner, prefix)


def _leave_out_others(
    node: Node, splits: dict[str, str], labelled: dict[str, Node], reading: Reading, asking: Asking
) -> None:
    """Leave out the folders beside the splits that are copies of them, or have no class folders."""
    around = {node.below(image) for name in splits for image in node.folders[name].everything}
    for other in node.kids:
        if other.name in splits:
            continue
        inside = [other.below(image) for image in other.everything]
        if all(image in around for image in inside):
            reason = COPY
        elif other.core.is_leaf and len(splits) > 1:
            reason = LOOSE
        else:
            raise asking.beside_splits(node, other, list(splits))
        reading.ignored |= dict.fromkeys(other.everything, reason)
        reading.structure.append((f"{other.path}/", f"left out: {len(inside):,} images, each {reason}"))


def _prefix(node: Node, labelled: dict[str, Node]) -> str:
    """The part of a pattern before {label}/, for images inside splits."""
    inside = {inner.path[len(node.folders[name].path) :].strip("/") for name, inner in labelled.items()}
    depths = {len(path.split("/")) if path else 0 for path in inside}
    chain = inside.pop() if len(inside) == 1 else "/".join(["*"] * depths.pop()) if len(depths) == 1 else "**"
    return "/".join(filter(None, (node.path, "{split}", chain))) + "/"


# --- classes


def _in_classes(node: Node, asking: Asking, prefix: str | None = None) -> Reading:
    """The reading of a folder of class folders. prefix: the pattern of the folders around the class folders."""
    before = f"{node.path}/" if prefix is None and node.path else prefix or ""
    node = node.with_bare_folders()
    groups = [kid for kid in node.kids if _is_group(kid)]
    if groups and prefix is None and all(_has_splits(kid) for kid in node.kids):
        if any(has_classes(split) for kid in node.kids for split in _core_with_splits(kid).kids):
            raise asking.several_with_splits(node)
        return _splits_in_classes(node, asking)
    _check_names(node, asking, before)
    if groups:
        raise asking.folders_of_folders(node, groups, before)
    reading = Reading(ignored=dict.fromkeys(node.images, LOOSE))
    for kid in node.kids:
        _check_inside(kid, asking, before)
        reading.rows += [Row(image, None, kid.name) for image in kid.everything]
        inside = f", {len(kid.folders):,} folders in it included" if kid.folders and kid.images else ""
        reading.structure.append((f"{kid.path}/", f"class {kid.name}: {kid.total:,} images{inside}"))
    return reading


def _is_group(kid: Node) -> bool:
    """Whether a folder contains several folders of images, and hardly any image directly."""
    inner = kid.innermost
    return len(inner.folders) > 1 and len(inner.images) <= inner.total / 10


def _has_splits(kid: Node) -> bool:
    inner = _core_with_splits(kid)
    return bool(inner.folders) and all(words.split_of(name) for name in inner.folders)


def _core_with_splits(kid: Node) -> Node:
    """The folder inside a class that has the splits."""
    return kid.inside(lambda node, inner: not words.split_of(inner.name))


def _splits_in_classes(node: Node, asking: Asking) -> Reading:
    reading = Reading(ignored=dict.fromkeys(node.images, LOOSE))
    for kid in node.kids:
        inner = _core_with_splits(kid)
        for name, split in inner.folders.items():
            reading.rows += [Row(image, words.split_of(name), kid.name) for image in split.everything]
        reading.ignored |= dict.fromkeys([*kid.images, *inner.images], "is in no split of its class")
        reading.structure.append((f"{kid.path}/", f"class {kid.name}, with splits {', '.join(inner.folders)}"))
    if not any(row.split == "train" for row in reading.rows):
        raise asking.no_training_split(node, dict.fromkeys(node.folders, ""))
    return reading


def _check_names(node: Node, asking: Asking, before: str) -> None:
    """Raise Question if folders that would be classes are named like containers, masks or versions."""
    odd = [kid for kid in node.kids if words.is_companion(kid.name) or words.is_container(kid.name)]
    versions = [kid for kid in node.kids if words.is_version(kid.name)]
    if doubtful := odd or (versions if len(versions) > 1 else []):
        raise asking.named_like_no_class(node, doubtful, before)


def _check_inside(kid: Node, asking: Asking, before: str) -> None:
    """Raise Question if a class has images and also a folder of masks or the like."""
    for folder in kid.kids:
        if kid.images and (words.is_companion(folder.name) or words.is_version(folder.name)):
            raise asking.companions_inside(kid, folder, before)
