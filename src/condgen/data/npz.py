"""Reads NumPy archives: Keras' mnist.npz, or the user's own named arrays."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from condgen import marker
from condgen.data.classes import few_enough, numbered
from condgen.data.dataset import Dataset, Split, as_images, as_labels
from condgen.data.store import Folder, Store, bytes_of, shown
from condgen.data_options import DataOptions
from condgen.errors import CondgenError
from condgen.labels import Labels

Arrays = dict[str, NDArray[np.generic]]

TRAIN = (("x_train", "y_train"), ("train_images", "train_labels"), ("images", "labels"), ("x", "y"))
TEST = (("x_test", "y_test"), ("test_images", "test_labels"))
"""Supported pairs of array names, in order of precedence."""


def fits(store: Store, options: DataOptions) -> bool:
    return len(_archives(store)) == 1


def read_store(store: Store, options: DataOptions) -> Dataset:
    """Read the only .npz file of a folder or a zip archive, or the .npz file that was named."""
    (member,) = _archives(store)
    own = {shown(name): "condgen sample" for name in _all(store) if name != member}
    if isinstance(store, Folder):
        return replace(load(store.path / member, options=options), own=own)
    arrays = read(io.BytesIO(bytes_of(store, member)), member)
    return replace(load(Path(member), arrays=arrays, options=options), own=own)


def load(
    path: Path, name: str | None = None, arrays: Arrays | None = None, options: DataOptions | None = None
) -> Dataset:
    """Load a data set from one .npz file. Class names come from the array `names`, else they are numbers.

    arrays: the arrays of the file, if they have been read already. options: see `as_images`.
    """
    arrays = read(path) if arrays is None else arrays
    train = _pair(arrays, TRAIN)
    if train is None:
        wanted = " or ".join(f"{x} and {y}" for x, y in TRAIN)
        raise CondgenError(f"{str(path)!r} has arrays {', '.join(arrays) or 'none'}; wanted {wanted}.")
    test = _pair(arrays, TEST)
    given = tuple(map(_word, arrays["names"])) if "names" in arrays else None
    both = [train, test] if test else [train]
    found = _labelled([labels for _, labels in both], given, str(path))
    splits = [
        Split(as_images(images, str(path), options), values)
        for (images, _), values in zip(both, found.values, strict=True)
    ]
    rest = splits[1] if test else None
    return Dataset(name or path.stem, found.labels, splits[0], rest, remarks=found.remarks)


def read(file: Path | io.BytesIO, path: Path | str = "") -> Arrays:
    """All arrays of one file, by name. Raises CondgenError if it is damaged.

    path: the name used in error messages, if `file` is not a path.
    """
    path = path or str(file)
    try:
        opened = file.open("rb") if isinstance(file, Path) else file  # NumPy would not close an invalid file
        with opened as stream, np.load(stream, allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise CondgenError(f"cannot read {str(path)!r} as .npz: {error}.") from None
    except (NotImplementedError, RuntimeError) as error:  # this Python was built without the zip method of the file
        raise CondgenError(f"this Python cannot unpack {str(path)!r}: {error}; use a Python with lzma.") from None


def _archives(store: Store) -> list[str]:
    """The .npz files of a store. If there are several, those that condgen wrote are left out."""
    found = _all(store)
    return found if len(found) < 2 else [name for name in found if not _is_own(store, name)]


def _all(store: Store) -> list[str]:
    return [name for name in store.names() if name.endswith(".npz")]


def _is_own(store: Store, name: str) -> bool:
    file = store.path / name if isinstance(store, Folder) else io.BytesIO(bytes_of(store, name))
    return marker.wrote_arrays(file)


def _pair(arrays: Arrays, names: tuple[tuple[str, str], ...]) -> tuple[NDArray[np.generic], NDArray[np.generic]] | None:
    return next(((arrays[x], arrays[y]) for x, y in names if x in arrays and y in arrays), None)


class _Labelled(NamedTuple):
    """Numeric labels per split, their label set, and remarks on doubtful labels."""

    values: list[NDArray[np.int64]]
    labels: Labels
    remarks: tuple[str, ...] = ()


def _labelled(arrays: list[NDArray[np.generic]], names: tuple[str, ...] | None, where: str) -> _Labelled:
    """Convert labels to numbers. arrays: the labels of each split, the training split first."""
    if arrays[0].dtype.kind in "US":  # labels written as words
        words = [np.array([_word(word) for word in array.ravel()]) for array in arrays]
        labels = Labels(few_enough(names or tuple(map(str, np.unique(words[0]))), where))
        return _Labelled([_looked_up(some, labels, where) for some in words], labels)
    numbers = [as_labels(array, where) for array in arrays]
    if numbers[0].ndim == 2:
        columns = numbers[0].shape[1]
        named = few_enough(names or tuple(f"attribute_{i}" for i in range(columns)), where)
        return _Labelled(numbers, Labels(named, "attributes"))
    if names:
        return _Labelled(numbers, Labels(few_enough(names, where)))
    found = numbered(numbers, where)
    return _Labelled(found.values, Labels(found.names), found.remarks)


def _looked_up(words: NDArray[np.generic], known: Labels, where: str) -> NDArray[np.int64]:
    index = {name: i for i, name in enumerate(known.names)}
    strange = sorted({str(word) for word in words} - set(index))
    if strange:
        raise CondgenError(f"{where}: label {strange[0]!r} is not among the names {', '.join(known.names[:20])}.")
    return np.array([index[str(word)] for word in words], np.int64)


def _word(word: Any) -> str:
    """A word of an array as text. Bytes are decoded as UTF-8."""
    return word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word)
