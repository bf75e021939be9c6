"""Labelled images from Python: the same images and labels are the same data wherever they come from."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader, Subset, SubsetRandomSampler, WeightedRandomSampler

from condgen import data
from condgen.data.dataset import Dataset
from condgen.errors import CondgenError
from data_files import png, write

COUNT = 120
"""Enough images that some of them are held out for testing."""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _cached(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDGEN_CACHE", str(cache))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files: dict[str, bytes | str] = {f"{('cat', 'dog')[i % 2]}/{i:03d}.png": png(i) for i in range(COUNT)}
    return write(tmp_path_factory.mktemp("files") / "own", files)


class Pairs(torch.utils.data.Dataset[tuple[Any, Any]]):
    """A torch data set of the files of a folder, as PIL images or as float tensors (3, h, w)."""

    classes = ("cat", "dog")

    def __init__(self, root: Path, tensors: bool = False, noise: float = 0) -> None:
        self.files, self.tensors, self.noise = sorted(root.rglob("*.png")), tensors, noise

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, row: int) -> tuple[Any, Any]:
        image, label = Image.open(self.files[row]), self.classes.index(self.files[row].parent.name)
        if not self.tensors:
            return image, label
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1) / 255
        return (pixels + self.noise * torch.rand(())).clamp(0, 1), torch.tensor(label)


def items(root: Path) -> list[tuple[Any, Any]]:
    pairs = Pairs(root)
    return [pairs[row] for row in range(len(pairs))]


def arrays(root: Path) -> tuple[Any, Any]:
    files = sorted(root.rglob("*.png"))
    return np.stack([np.array(Image.open(file)) for file in files]), np.array([file.parent.name for file in files])


def hugging_face(root: Path) -> Any:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})
    images, labels = zip(*((image.copy(), label) for image, label in items(root)), strict=True)
    return datasets.Dataset.from_dict({"image": list(images), "label": list(labels)}, features=features)


def saved(root: Path) -> Path:
    images, labels = arrays(root)
    np.savez(root.parent / "own.npz", images=images, labels=labels)
    return root.parent / "own.npz"


EQUAL: dict[str, Callable[[Path], Any]] = {
    "the same folder by its Dataset": data.load,
    "npz": saved,
    "what NumPy loads from it": lambda root: np.load(saved(root)),
    "(images, words)": arrays,
    "(images, numbers) and names": lambda root: data.from_arrays(
        arrays(root)[0], (arrays(root)[1] == "dog").astype(np.uint8), names=["cat", "dog"]
    ),
    "floats from 0 to 1": lambda root: ((arrays(root)[0] / 255).astype(np.float16), arrays(root)[1].tolist()),
    "torch, channels first": lambda root: (torch.from_numpy(arrays(root)[0]).permute(0, 3, 1, 2), arrays(root)[1]),
    "a list of arrays": lambda root: (list(arrays(root)[0]), list(arrays(root)[1])),
    "PIL images": lambda root: ([image for image, _ in items(root)], arrays(root)[1]),
    "pairs": lambda root: [(image, Pairs.classes[label]) for image, label in items(root)],
    "dictionaries": lambda root: [{"image": image, "label": Pairs.classes[label]} for image, label in items(root)],
    "torch Dataset of PIL images": Pairs,
    "torch Dataset of tensors": lambda root: Pairs(root, tensors=True),
    "DataLoader, shuffled": lambda root: DataLoader(Pairs(root, tensors=True), batch_size=7, shuffle=True),
    "DataLoader of all rows by a sampler": lambda root: DataLoader(
        Pairs(root, tensors=True), sampler=SubsetRandomSampler(range(COUNT))
    ),
    "Subset": lambda root: Subset(Pairs(root), range(COUNT)),
    "ConcatDataset": lambda root: ConcatDataset(
        [Subset(Pairs(root), range(50)), Subset(Pairs(root), range(50, COUNT))]
    ),
    "Hugging Face Dataset": hugging_face,
    "{train}": lambda root: {"train": Pairs(root)},
}


@pytest.mark.parametrize("kind", EQUAL)
def test_the_same_images_and_labels_are_the_same_data(kind: str, root: Path) -> None:
    files, found = data.load(root), data.load(EQUAL[kind](root))
    assert found.labels == files.labels
    assert found.fingerprint == files.fingerprint
    assert found.test is not None
    assert files.test is not None
    assert found.test.images.tobytes() == files.test.images.tobytes(), "the same images are held out"


@pytest.mark.parametrize("kind", ["arrays", "Keras", "dictionary", "torch", "Hugging Face"])
def test_a_test_split_is_the_one_that_was_given(kind: str, root: Path) -> None:
    images, labels = arrays(root)
    one, other = Subset(Pairs(root), range(100)), Subset(Pairs(root), range(100, COUNT))
    first, last = (images[:100], labels[:100]), (images[100:], labels[100:])
    sources: dict[str, Callable[[], Any]] = {
        "arrays": lambda: data.from_arrays(*first, test=last),
        "Keras": lambda: (first, last),
        "dictionary": lambda: {"train": first, "test": last},
        "torch": lambda: {"train": one, "test": DataLoader(other)},
        "Hugging Face": lambda: pytest.importorskip("datasets").DatasetDict(
            train=hugging_face(root).select(range(100)), test=hugging_face(root).select(range(100, COUNT))
        ),
    }
    found = data.load(sources[kind]())
    assert found.test is not None
    assert (len(found.train), len(found.test)) == (100, 20)
    expected = Dataset("x", found.labels, data.Split(images[:100], (labels[:100] == "dog").astype(np.int64)))
    assert found.fingerprint == expected.fingerprint


X, Y = np.zeros((6, 9, 9), np.uint8), np.arange(6) % 2


class Broken:
    """Has a length, and no item of that number, as a table of pandas."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, row: int) -> None:
        raise KeyError(row)


ONE: Any = [(X[0], 0)]
LOADER, WEIGHTED = DataLoader(ONE), DataLoader(ONE, sampler=WeightedRandomSampler([1.0], 4))
REFUSED: dict[str, tuple[Any, str]] = {
    "no labels": (X, r"data is an array of shape \(6, 9, 9\) without labels; wanted a path"),
    "three": ((X, Y, Y), "data is a tuple of 3; wanted"),
    "unequal": ((X, Y[:3]), "6 images but 3 labels"),
    "none": (([], []), "holds no images"),
    "whole numbers": ((X.astype(int), Y), r"images are int64, wanted uint8 .*astype\('uint8'\)"),
    "floats to 255": ((X + 200.0, Y), "float64 from 200 to 200, wanted 0 to 1"),
    "floats from -1": ((X - 1.0, Y), r"float64 from -1 to -1, wanted 0 to 1; \(images \+ 1\) / 2"),
    "not a number": ((X + np.nan, Y), "float64 from nan to nan"),
    "either order": ((np.zeros((6, 3, 9, 3), np.uint8), Y), r"could be \(n, c, h, w\) or \(n, h, w, c\)"),
    "seven channels": ((np.zeros((6, 9, 9, 7), np.uint8), Y), r"shape \(6, 9, 9, 7\), wanted"),
    "sizes": (([X[0], X[0, :5]], [0, 1]), "different shapes: .*PIL images, which are scaled"),
    "ragged labels": ((X[:2], [[0], [0, 1]]), "labels have different lengths"),
    "fewer names": (data, "data is of type module; wanted"),
    "a number": (5, "data is of type int; wanted"),
    "keys": ({"a": 1}, "data has the keys a; wanted train"),
    "triples": ([(X[0], 0, 1)], r"item 0 is 3 values; wanted a pair \(image, label\)"),
    "keys of a table": ({"a": [0]}.keys(), "can only be iterated over"),
    "an item that fails": (Broken(), r"item 0 of the Broken cannot be read \(KeyError: 0\)"),
    "a name of memory": ("memory:pets", "names images that were in memory; give them from Python"),
    "an iterator": (iter([(X[0], 0)]), "can only be iterated over.* a list of its"),
    "two loaders": ((LOADER, LOADER), "a pair of data sets; give {'train'"),
    "weights": (WEIGHTED, "by its WeightedRandomSampler; give"),
    "a bad name on the hub": ("hf://owner", "no name on the hub; wanted hf://OWNER/NAME"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_anything_else_is_one_line_that_says_what_it_is(kind: str) -> None:
    source, says = REFUSED[kind]
    with pytest.raises(CondgenError, match=says) as error:
        data.load(source)
    assert "\n" not in str(error.value)


def test_what_was_done_to_the_images_is_said(root: Path) -> None:
    assert data.load(Pairs(root)).remarks == ()
    (scaled,) = data.load(Pairs(root, tensors=True)).remarks
    assert "float images from 0 to 1 are stored as whole numbers" in scaled
    assert any("is random: each image was read once" in said for said in data.load(Pairs(root, True, 0.5)).remarks)


def test_pil_images_of_any_mode_and_size_are_read_as_files_are(tmp_path: Path, root: Path) -> None:
    one = Image.open(sorted(root.rglob("*.png"))[0])
    images = [one.convert(mode).resize((30 + i, 20)) for i, mode in enumerate(["L", "RGBA", "CMYK", "P", "1", "I;16"])]
    found = data.load((images, list("abcdef")), size=16, window="0,65535")
    assert found.train.images.shape == (6, 16, 16, 3)
    assert found.left_out == {}


@pytest.mark.parametrize("source", ["folder", "arrays"])
def test_labels_can_be_ignored(source: str, root: Path) -> None:
    found = data.load(root if source == "folder" else arrays(root), kind="none")
    assert found.labels.names == ("any",)
    assert {int(label) for split in found.splits.values() for label in split.labels} == {0}


@pytest.mark.parametrize("typed", ["own", "./own/", "../{parent}/own", "{absolute}"])
def test_a_path_is_recorded_whatever_its_spelling(typed: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root.parent)
    text = typed.format(parent=root.parent.name, absolute=root)
    found = Dataset("own", *(getattr(data.load(root), name) for name in ("labels", "train")))
    assert data.where(text, found) == str(root)
    assert data.where(Path(text), found) == str(root)


def test_names_are_recorded_as_names() -> None:
    found = data.from_arrays(X, Y)
    assert [data.where(source, found) for source in ("mnist", "hf://me/pets", (X, Y))] == [
        "mnist", "hf://me/pets", "memory",
    ]  # fmt: skip
    assert data.where(found, data.from_arrays(X, Y, name="pets")) == "memory:pets"
    assert re.fullmatch("/.*/a.idx,/.*/b.idx", data.absolute("a.idx,b.idx")) or not Path("a.idx").exists()
