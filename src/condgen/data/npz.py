"""NumPy archives: Keras' mnist.npz, or named arrays of the user's own."""

import io
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from condgen.data.dataset import Dataset, Split, as_labels, as_pictures
from condgen.data.store import Folder, Store, bytes_of
from condgen.errors import CondgenError
from condgen.labels import Labels

Arrays = dict[str, NDArray[np.generic]]

TRAIN = (("x_train", "y_train"), ("train_images", "train_labels"), ("images", "labels"), ("x", "y"))
TEST = (("x_test", "y_test"), ("test_images", "test_labels"))
"""Pairs of array names that are understood, in this order."""


def fits(store: Store) -> bool:
    return len(_archives(store)) == 1


def read_store(store: Store) -> Dataset:
    """The one .npz of a folder or a zip, or the one that was asked for."""
    (member,) = _archives(store)
    if isinstance(store, Folder):
        return load(store.path / member)
    return load(Path(member), arrays=read(io.BytesIO(bytes_of(store, member)), member))


def load(
    path: Path, name: str | None = None, names: tuple[str, ...] | None = None, arrays: Arrays | None = None
) -> Dataset:
    """A data set from one .npz file. Class names come from `names`, else from an array `names`, else are numbers.

    arrays: of the file, if they were read already.
    """
    arrays = read(path) if arrays is None else arrays
    train = _pair(arrays, TRAIN)
    if train is None:
        wanted = " or ".join(f"{x} and {y}" for x, y in TRAIN)
        raise CondgenError(f"{str(path)!r} has arrays {', '.join(arrays) or 'none'}; wanted {wanted}.")
    test = _pair(arrays, TEST)
    given = tuple(str(n) for n in arrays["names"]) if "names" in arrays else names
    train_labels, labels = _label_set(train[1], test[1] if test else None, given, str(path))
    return Dataset(
        name or path.stem,
        labels,
        Split(as_pictures(train[0], str(path)), train_labels),
        Split(as_pictures(test[0], str(path)), _numbers(test[1], labels, str(path))) if test else None,
    )


def read(file: Path | io.BytesIO, path: Path | str = "") -> Arrays:
    """All arrays of one file, by name. Raises CondgenError if it is damaged.

    path: what to call it, if it is not a file of its own.
    """
    path = path or str(file)
    try:
        opened = file.open("rb") if isinstance(file, Path) else file  # NumPy leaves a bad file open
        with opened as stream, np.load(stream, allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise CondgenError(f"cannot read {str(path)!r} as .npz: {error}.") from None
    except (NotImplementedError, RuntimeError) as error:  # this Python was built without the zip method in use
        raise CondgenError(f"this Python cannot unpack {str(path)!r}: {error}; use a Python with lzma.") from None


def _archives(store: Store) -> list[str]:
    return [name for name in store.names() if name.endswith(".npz")]


def _pair(arrays: Arrays, names: tuple[tuple[str, str], ...]) -> tuple[NDArray[np.generic], NDArray[np.generic]] | None:
    return next(((arrays[x], arrays[y]) for x, y in names if x in arrays and y in arrays), None)


def _label_set(
    train: NDArray[np.generic], test: NDArray[np.generic] | None, names: tuple[str, ...] | None, where: str
) -> tuple[NDArray[np.int64], Labels]:
    """The training labels as numbers, and the label set they come from."""
    if train.dtype.kind in "US":  # labels written as words
        labels = Labels(names or tuple(str(word) for word in np.unique(train)))
        return _numbers(train, labels, where), labels
    numbers = as_labels(train, where)
    if numbers.ndim == 2:
        return numbers, Labels(names or tuple(f"attribute_{i}" for i in range(numbers.shape[1])), "attributes")
    top = max(int(a.max(initial=0)) for a in (numbers, as_labels(test, where) if test is not None else numbers))
    return numbers, Labels(names or tuple(str(i) for i in range(top + 1)))


def _numbers(labels: NDArray[np.generic], known: Labels, where: str) -> NDArray[np.int64]:
    if labels.dtype.kind not in "US":
        return as_labels(labels, where)
    index = {name: i for i, name in enumerate(known.names)}
    strange = sorted({str(word) for word in labels.ravel()} - set(index))
    if strange:
        raise CondgenError(f"{where}: label {strange[0]!r} is not among the names {', '.join(known.names)}.")
    return np.array([index[str(word)] for word in labels.ravel()], np.int64)
