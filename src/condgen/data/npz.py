"""Reads NumPy files: .npz archives such as Keras' mnist.npz, and .npy files, one or a folder of them.

x_train, y_train, x_test, y_test     or    images.npy and labels.npy    or    cat.npy, dog.npy    or    cat/1.npy
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from posixpath import dirname

import numpy as np
from numpy.typing import NDArray

from condgen import marker
from condgen.data.array_roles import Load, described, given_names, raws, roles
from condgen.data.dataset import Dataset
from condgen.data.raw_arrays import Raw, dataset
from condgen.data.split_names import split_of
from condgen.data.store import Bad, Folder, Store, bytes_of, shown
from condgen.data_options import AS_THEY_ARE, DataOptions
from condgen.errors import CondgenError, Question

Arrays = dict[str, NDArray[np.generic]]
NPZ, NPY = ".npz", ".npy"
WANTED = "wanted x_train and y_train, images and labels, or X and y"


def fits(store: Store, options: DataOptions) -> bool:
    return bool(_archives(store) or _named(store, NPY))


def read_store(store: Store, options: DataOptions) -> Dataset:
    """Read the .npz and .npy files of a folder or an archive, or the one that was named."""
    archives, single = _archives(store), _named(store, NPY)
    own = {shown(name): "condgen sample" for name in _named(store, NPZ) if name not in archives}
    if len(archives) == 1 and not single:
        only = archives[0]
        path = store.path / only if isinstance(store, Folder) else Path(only)
        arrays = read(path) if isinstance(store, Folder) else read(io.BytesIO(bytes_of(store, only)), only)
        return replace(load(path, arrays=arrays, options=options), own=own)
    found: dict[str, Load] = {name.removesuffix(NPY): partial(_array, store, name) for name in single}
    for name in archives:
        inside = read(io.BytesIO(bytes_of(store, name)), name)
        stem = name.removesuffix(NPZ)
        found |= {
            stem if len(inside) == 1 else f"{stem}/{key}": partial(_same, array) for key, array in inside.items()
        }
    if named := getattr(store, "only", None):
        found |= _beside(store, named)
    name = Path(named).stem if named else store.path.stem
    return replace(_from(name, found, named or store.path.name, options, store), own=own)


def load(
    path: Path, name: str | None = None, arrays: Arrays | None = None, options: DataOptions = AS_THEY_ARE
) -> Dataset:
    """Load a data set from one .npz file. Class names come from the array `names`, else they are numbers.

    arrays: the arrays of the file, if they have been read already.
    """
    arrays = read(path) if arrays is None else arrays
    found: dict[str, Load] = {key: partial(_same, array) for key, array in arrays.items()}
    return _from(name or path.stem, found, str(path), options)


def _from(
    name: str, arrays: Mapping[str, Load], where: str, options: DataOptions, store: Store | None = None
) -> Dataset:
    found = roles(arrays, where, options)
    if not found.images and not found.labels and store:
        if parts := _per_class(arrays, options):
            return dataset(name, parts[0], options, where, parts[1], structure=parts[2])
    if not found.images:
        raise CondgenError(f"{where!r} has arrays {described(arrays) or 'none'}; {WANTED}.")
    if not found.labels and options.kind != "none":
        raise Question(
            f"{where!r} has images ({described(arrays)}) and no labels; name both files with --data IMAGES,LABELS, "
            "or train without labels.",
            ["--kind none"],
        )
    structure = [(rest, "not used") for rest in found.rest]
    return dataset(
        name, raws(arrays, found, options, where), options, where, given_names(arrays, found), structure=structure
    )


def _per_class(
    arrays: Mapping[str, Load], options: DataOptions
) -> tuple[dict[str, Raw], tuple[str, ...], list[tuple[str, str]]] | None:
    """Arrays without a role that hold the images of one class each, as Quick, Draw! does; or one image each, in a
    folder per class. None if the arrays are neither."""
    shapes = {name: load().shape for name, load in arrays.items()}
    folders = {dirname(name) for name in arrays}
    if len(folders) > 1 and "" not in folders and len(set(shapes.values())) == 1:
        classes = {name: dirname(name).split("/")[-1] for name in arrays}
        stacked = {name: load()[None] for name, load in arrays.items()}
    elif len(arrays) > 1 and len({shape[1:] for shape in shapes.values()}) == 1 and len(shapes[min(shapes)]) > 1:
        classes = {name: name.split("/")[-1] for name in arrays}
        stacked = {name: load() for name, load in arrays.items()}
    else:
        return None
    names = tuple(sorted(set(classes.values())))
    parts = {}
    for split in dict.fromkeys(split_of(dirname(name)) or "train" for name in arrays):
        some = [name for name in arrays if (split_of(dirname(name)) or "train") == split]
        labels = np.concatenate([np.full(len(stacked[name]), names.index(classes[name])) for name in some])
        parts[split] = Raw(np.concatenate([stacked[name] for name in some]), labels, f"{len(some):,} files of {split}")
    return parts, names, [(name, f"the class {classes[name]}") for name in list(arrays)[:20]]


def _beside(store: Store, name: str) -> dict[str, Load]:
    """Arrays beside the one .npy file that was named, which may be its labels."""
    folder = Folder(store.path)
    other = [each for each in _named(folder, NPY) if each != name and "/" not in each]
    mine = roles({name.removesuffix(NPY): _none}, name, AS_THEY_ARE)
    theirs = {each.removesuffix(NPY): partial(_array, folder, each) for each in other}
    split = next(iter(mine.images), None)
    if split is None:
        return {}
    pairs = {each: load for each, load in theirs.items() if split in roles({each: _none}, name, AS_THEY_ARE).labels}
    return pairs if len(pairs) == 1 else {}


def _none() -> NDArray[np.generic]:
    return np.zeros(0)


def _same(array: NDArray[np.generic]) -> NDArray[np.generic]:
    return array


def is_pair(text: str) -> bool:
    """Whether the text is 'IMAGES,LABELS' and both are .npy files."""
    parts = [Path(part.strip()).expanduser() for part in text.split(",")]
    return len(parts) == 2 and all(part.suffix == NPY and part.is_file() for part in parts)


def load_pair(text: str, options: DataOptions = AS_THEY_ARE) -> Dataset:
    """Read images and labels from two .npy files."""
    images, labels = (Path(part.strip()).expanduser() for part in text.split(","))
    pair = Raw(_array(Folder(images.parent), images.name), _array(Folder(labels.parent), labels.name), text)
    return dataset(images.stem, {"train": pair}, options, text)


def read(file: Path | io.BytesIO, path: Path | str = "") -> Arrays:
    """All arrays of one .npz file, by name. Raises CondgenError if it is damaged.

    path: the name used in error messages, if `file` is not a path.
    """
    path = path or str(file)
    try:
        opened = file.open("rb") if isinstance(file, Path) else file  # NumPy would not close an invalid file
        with opened as stream, np.load(stream, allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise CondgenError(f"cannot read {str(path)!r} as .npz: {error}.{_remedy(error)}") from None
    except (NotImplementedError, RuntimeError) as error:  # this Python was built without the zip method of the file
        raise CondgenError(f"this Python cannot unpack {str(path)!r}: {error}; use a Python with lzma.") from None


def _array(store: Store, name: str) -> NDArray[np.generic]:
    """The array in a .npy file; that of a folder is mapped, not read."""
    try:
        if isinstance(store, Folder):
            store.read(name, 1)  # refuses links to the outside and what is no regular file
            found: NDArray[np.generic] = np.load(store.path / name, mmap_mode="r", allow_pickle=False)
        else:
            found = np.load(io.BytesIO(bytes_of(store, name)), allow_pickle=False)
        return found
    except (Bad, OSError, ValueError, EOFError) as error:
        raise CondgenError(f"cannot read {name!r} of {str(store.path)!r} as .npy: {error}.{_remedy(error)}") from None


def _remedy(error: Exception) -> str:
    """How to store arrays of Python objects, which would have to be unpickled."""
    return " Store words as text instead: labels.astype(str)." if "allow_pickle" in str(error) else ""


def _archives(store: Store) -> list[str]:
    """The .npz files of a store. If there are several, those that condgen wrote are left out."""
    found = _named(store, NPZ)
    return found if len(found) < 2 else [name for name in found if not _is_own(store, name)]


def _named(store: Store, ending: str) -> list[str]:
    return [name for name in store.names() if name.lower().endswith(ending)]


def _is_own(store: Store, name: str) -> bool:
    file = store.path / name if isinstance(store, Folder) else io.BytesIO(bytes_of(store, name))
    return marker.wrote_arrays(file)
