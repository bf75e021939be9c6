"""Facts about a data set in sentences: what was understood, and what to know before training."""

from collections.abc import Iterator, Sequence

from condgen.data.dataset import Dataset
from condgen.errors import shortened
from condgen.inspection import depth, understood
from condgen.inspection.copies import Duplicates
from condgen.inspection.counts import per_label
from condgen.inspection.depth import Depth
from condgen.inspection.facts import Facts
from condgen.labels import ANY

FEW, IMBALANCED = 10, 3
"""Classes of fewer training images are reported; ratio of the largest to the smallest class that is reported."""
NAMED = 6
"""Maximum number of labels or folders in a sentence."""
SINGULAR = {"classes": "class", "attributes": "attribute"}
CHANNELS = {1: "grey", 3: "RGB", 4: "RGBA"}


def before_training(data: Dataset) -> list[str]:
    """What was understood, in two lines, and what should be known before a training starts."""
    counts = per_label(data.train, data.labels)
    said = [summary(data), meanings(data), few(data.labels.names, counts), depth.before_training(data)]
    return [sentence for sentence in said if sentence]


def summary(data: Dataset) -> str:
    """Labels with their numbers of images, splits, and size, in one line."""
    height, width, channels = data.train.images.shape[1:]
    splits = " and ".join(f"{len(split):,} {understood.SPLITS[title]}" for title, split in data.splits.items())
    colours = CHANNELS.get(channels, f"{channels} channels")
    return f"{data.name}: {_labels(data)}, {splits} images, {width}x{height} {colours}."


def meanings(data: Dataset) -> str:
    """The meaning of the folders or columns, in one line; '' if none is known. Folders that are named after their class
    are not listed."""
    root = understood.tree(data)
    folders = list(root.walk()) if root and data.layout == "folders" else []
    folders.sort(key=lambda entry: (entry[0].count("/"), "training" not in entry[1].meaning))  # outer folders first
    known = [(path, folder) for path, folder in folders if folder.meaning]
    other = [
        (path, folder.meaning) for path, folder in known if not folder.meaning.startswith(f"the class {folder.name}")
    ]
    parts = [f"{shortened(path)} is {meaning}" for path, meaning in other]
    parts += ["each class has a folder of its name"] if len(other) < len(known) else []
    parts += [f"{shortened(what)}: {meaning}" for what, meaning in understood.beside(data, root)]
    more = [f"{len(parts) - NAMED:,} more, which condgen inspect shows"] if len(parts) > NAMED else []
    return f"{data.layout or 'understood'}: {'; '.join([*parts[:NAMED], *more])}." if parts else ""


def sentences(found: Facts) -> list[str]:
    """Warnings before training, one sentence each; empty if there are none."""
    return [*_of_labels(found), *_of_depth(found.depth), *_of_copies(found.duplicates)]


def few(names: Sequence[str], counts: Sequence[int]) -> str:
    """The labels with few training images; '' if there are none."""
    tiny = [(name, count) for name, count in zip(names, counts, strict=True) if 0 < count < FEW]
    if not tiny or len(tiny) == len(names):
        return f"all labels have fewer than {FEW} training images." if tiny and len(names) > 1 else ""
    return f"labels of fewer than {FEW} training images: {_listed([f'{shortened(name)} ({n})' for name, n in tiny])}."


def _of_labels(found: Facts) -> Iterator[str]:
    names, counts = found.labels.names, found.per_label["train"]
    if empty := [shortened(name) for name, count in zip(names, counts, strict=True) if not count]:
        yield f"no training images of: {_listed(empty)}."
    if (ratio := found.imbalance or 0) >= IMBALANCED:
        yield (
            f"imbalanced: the most frequent label has {ratio:.1f} times as many images as the rarest; "
            "--balanced-sampling shows rare labels more often."
        )
    if sentence := few(names, counts):
        yield sentence
    for title, count in found.unknown.items():
        if count:
            yield f"unknown attributes: {count:,} in the {title} set; they count as neither present nor absent."


def _of_depth(found: Depth) -> Iterator[str]:
    if found.remedy:
        yield found.remedy
    if blank := found.blank:
        yield f"blank images: {len(blank):,} training images have a single value, such as {shortened(blank[0])}."


def _of_copies(twice: Duplicates) -> Iterator[str]:
    near = twice.near
    yield from _of_two_labels(twice)
    for title, count in twice.within.items():
        if count:
            such = _such(twice, "exact", title, title)
            yield f"duplicates: {count:,} {title} images are copies of an earlier one{such}."
    if count := twice.test_in_train:
        such = _such(twice, "exact", "test", "train")
        yield f"leakage: {count:,} test images are also in the training set{such}, so test metrics will be too good."
    if count := near.test_in_train:
        such = _such(twice, "near", "test", "train")
        yield f"possible leakage: {count:,} test images are near duplicates of training images{such}."
    for title, count in near.within.items():
        if count:
            such = _such(twice, "near", title, title)
            yield f"near duplicates: {count:,} {title} images are nearly equal to an earlier one{such}."


def _such(twice: Duplicates, kind: str, split: str, of: str) -> str:
    """An example by file name: ", such as b.png (a.png)"; '' if none is listed."""
    for copy in twice.copies:
        if (copy.kind, copy.split, copy.of.split) == (kind, split, of):
            return f", such as {copy.image.name} ({copy.of.name})"
    return ""


def _of_two_labels(twice: Duplicates) -> Iterator[str]:
    """One image under two labels, each with an example by name."""
    for kind, verb in (("exact", "equal"), ("near", "are nearly equal to")):
        if count := twice.two_labels[kind]:
            copy = next(one for one in twice.copies if one.two_labels and one.kind == kind)
            yield (
                f"two labels: images that {verb} one of another label: {count:,}, such as {copy.image.name} "
                f"({shortened(copy.label)}) and {copy.of.name} ({shortened(copy.of.label)})."
            )


def _labels(data: Dataset) -> str:
    """The number of labels, with the images of each or the extremes."""
    if data.labels == ANY:
        return "no labels"
    counts = per_label(data.train, data.labels)
    if data.test:
        counts = [ours + theirs for ours, theirs in zip(counts, per_label(data.test, data.labels), strict=True)]
    kind = data.labels.kind if len(counts) > 1 else SINGULAR[data.labels.kind]
    if len(counts) > NAMED:
        return f"{len(counts):,} {kind} of {min(counts):,} to {max(counts):,} images"
    each = ", ".join(f"{shortened(name)} {n:,}" for name, n in zip(data.labels.names, counts, strict=True))
    return f"{len(counts):,} {kind} ({each})"


def _listed(names: Sequence[str]) -> str:
    rest = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + rest
