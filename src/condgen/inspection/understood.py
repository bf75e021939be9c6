"""How a data set was understood: its layout, and the meaning of its folders and columns."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from posixpath import dirname
from re import sub

from condgen.data import LAYOUTS
from condgen.data.dataset import Dataset
from condgen.data.outline import Folder, lines
from condgen.data.store import valid
from condgen.tables import in_one_line

SPLITS = {"train": "training", "test": "test"}
"""The names of the splits in sentences."""


@dataclass
class _Content:
    """Numbers of images of a folder, including its subfolders, by split and by class."""

    splits: Counter[str] = field(default_factory=Counter)
    classes: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True)
class FolderOfImages:
    """A folder with images."""

    folder: str
    images: int
    meaning: str


@dataclass(frozen=True)
class Understood:
    """Layout, meaning of columns and folders, and every folder of images with its meaning."""

    layout: str
    structure: Sequence[Sequence[str]]
    """Pairs of a column or folder and its meaning."""
    folders: Sequence[FolderOfImages]

    @classmethod
    def of(cls, data: Dataset) -> "Understood":
        root = tree(data)
        structure = [[valid(what), valid(meaning)] for what, meaning in data.structure]
        return cls(data.layout, structure, [_described(*entry) for entry in root.walk()] if root else [])


def _described(path: str, folder: Folder) -> FolderOfImages:
    return FolderOfImages(valid(path) or ".", folder.images, valid(folder.meaning))


def text(data: Dataset) -> str:
    """Layout, meaning of columns, and the tree of folders, as lines of text."""
    root = tree(data)
    said = [f"read as {data.layout}: {LAYOUTS[data.layout].summary}"] if data.layout else []
    said += [f"{what}: {meaning}" for what, meaning in beside(data, root)]
    return "\n".join(map(in_one_line, [*said, *(lines(root) if root else [])]))


def beside(data: Dataset, root: Folder | None) -> list[tuple[str, str]]:
    """What a reader says of columns, and of folders without images that are used."""
    folders = {path for path, _ in root.walk()} if root else set()
    return [(what, meaning) for what, meaning in data.structure if what not in folders]


def tree(data: Dataset) -> Folder | None:
    """The folders of the images with their meanings: a split, a class. None if the images have no file names."""
    if not data.train.files:
        return None
    root, contents = Folder(data.source.name if data.source else data.name), _contents(data)
    for path, content in contents.items():
        root.add_images(path, content.splits.total())
    whole, said = _summed(contents), dict(data.structure)
    for path, folder in root.walk():
        derived = ", ".join(_meaning(data, path, whole)) if path else ""
        both = [derived, said.get(path, "")] if data.layout == "folders" else [said.get(path, ""), derived]
        folder.meaning = next(filter(None, both), "")
    return root


def _contents(data: Dataset) -> dict[str, _Content]:
    """What is directly in each folder, by its path without a slash at the end."""
    found: defaultdict[str, _Content] = defaultdict(_Content)
    for title, split in data.splits.items():
        classes = split.labels.tolist() if data.labels.kind == "classes" else [None] * len(split)
        for file, number in zip(split.files, classes, strict=True):
            content = found[dirname(sub(r"(\.tar|\.parquet):", r"\1/", file))]
            content.splits[title] += 1
            content.classes[number] += 1
    return dict(sorted(found.items()))


def _summed(contents: dict[str, _Content]) -> dict[str, _Content]:
    """What is in each folder and its subfolders, by its path with a slash at the end."""
    whole: defaultdict[str, _Content] = defaultdict(_Content)
    for path, content in contents.items():
        for around in _around(path):
            whole[around].splits.update(content.splits)
            whole[around].classes.update(content.classes)
    return whole


def _around(path: str) -> Iterator[str]:
    """The top, and each folder on the way to a path: "", "train/", "train/cat/"."""
    yield ""
    found = ""
    for name in filter(None, path.split("/")):
        found += f"{name}/"
        yield found


def _meaning(data: Dataset, path: str, whole: dict[str, _Content]) -> Iterator[str]:
    """What all images in a folder have in common, and those in the folder around it do not."""
    here, around = whole[path], whole[path[:-1].rpartition("/")[0] + "/" if "/" in path[:-1] else ""]
    if len(here.splits) == 1 < len(around.splits):
        yield f"the {SPLITS[next(iter(here.splits))]} split"
    if data.labels.kind == "classes" and len(here.classes) == 1 < len(around.classes):
        name = data.labels.names[next(iter(here.classes))]
        yield f"the class {name}" if data.layout == "folders" else f"all of class {name}"
    if len(here.splits) > 1 and len(here.classes) == 1 < len(data.labels):
        yield ", ".join(f"{count:,} {SPLITS[title]}" for title, count in here.splits.items())
