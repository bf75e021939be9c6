"""Reads files of arrays: NumPy's .npz and .npy, MATLAB's .mat and HDF5; one of them, or a folder or archive of them.

x_train, y_train, x_test, y_test     or    images.npy and labels.npy    or    cat.npy, dog.npy    or    cat/1.npy
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from posixpath import basename, dirname, splitext

import numpy as np

from condgen import marker
from condgen.data import hdf5, matlab, npz
from condgen.data.array_roles import Load, described, given_names, raws, roles
from condgen.data.dataset import Dataset
from condgen.data.raw_arrays import Array, Raw, dataset
from condgen.data.store import Folder, Store, bytes_of, shown
from condgen.data.words import split_in_path
from condgen.data_options import AS_THEY_ARE, DataOptions
from condgen.errors import CondgenError, Question

NPY = ".npy"
WANTED = "wanted x_train and y_train, images and labels, or X and y"
SHOWN = 20
"""Maximum number of files that `structure` lists one by one."""


def fits(store: Store, options: DataOptions) -> bool:
    return bool(_files(store))


def read_store(store: Store, options: DataOptions) -> Dataset:
    """Read the files of arrays in a folder or an archive, or the one that was named."""
    files, named = _files(store), getattr(store, "only", None)
    arrays = _gathered(store, files)
    if named and named.lower().endswith(NPY):
        arrays |= _beside(store, named)
    single = files[0] if len(files) == 1 else None
    where = str(store.path / single) if single and isinstance(store, Folder) else single or str(store.path)
    name = Path(single).stem if single else store.path.stem
    own = {shown(name): "condgen sample" for name in _all(store) if name not in files and _is_own(store, name)}
    return replace(_from(name, arrays, where, options), own=own)


def load_npz(path: Path, name: str, names: Sequence[str] | None = None) -> Dataset:
    """Load a data set from one .npz file. names: the names of the labels; by default, those in the array `names`, else
    numbers."""
    arrays = npz.read(path)
    if names is not None:
        arrays["names"] = np.array(names)
    return _from(name, {key: partial(_same, array) for key, array in arrays.items()}, str(path), AS_THEY_ARE)


def is_pair(text: str) -> bool:
    """Whether the text is 'IMAGES,LABELS' and both are .npy files."""
    parts = [Path(part.strip()).expanduser() for part in text.split(",")]
    return len(parts) == 2 and all(part.suffix.lower() == NPY and part.is_file() for part in parts)


def load_pair(text: str, options: DataOptions = AS_THEY_ARE) -> Dataset:
    """Read images and labels from two .npy files."""
    images, labels = (Path(part.strip()).expanduser() for part in text.split(","))
    pair = [npz.read_npy(Folder(path.parent), path.name) for path in (images, labels)]
    return dataset(images.stem, {"train": Raw(pair[0], pair[1], text)}, options, text)


def _from(name: str, arrays: Mapping[str, Load], where: str, options: DataOptions) -> Dataset:
    found = roles(arrays, where, options)
    if not found.images and not found.labels and (parts := _per_class(arrays)):
        return dataset(name, parts[0], options, where, parts[1], structure=parts[2])
    if not found.images:
        raise CondgenError(f"{where!r} has arrays {described(arrays) or 'none'}; {WANTED}.")
    if not found.labels and options.kind != "none":
        raise Question(
            f"{where!r} has images ({described(arrays)}) and no labels; name both files with --data IMAGES,LABELS, "
            "or train without labels.",
            ["--kind none"],
        )
    structure = [(rest, "not used") for rest in found.rest if rest != marker.KEY]
    if marker.KEY in found.rest and found.labels and arrays[found.labels["train"]]().ndim == 2:
        options = options.with_overrides({"kind": "attributes"})  # condgen writes classes as numbers
    parts_of = raws(arrays, found, options, where)
    return dataset(name, parts_of, options, where, given_names(arrays, found), structure=structure)


def _gathered(store: Store, files: list[str]) -> dict[str, Load]:
    """All arrays by name. If there are several files, the name begins with that of the file."""
    found: dict[str, Load] = {}
    for file in files:
        inside = READERS[splitext(file)[1].lower()](store, file)
        stem = splitext(file)[0]
        for key, load in inside.items():
            found[key if len(files) == 1 else stem if len(inside) == 1 else f"{stem}/{key}"] = load
    return found


def _per_class(arrays: Mapping[str, Load]) -> tuple[dict[str, Raw], tuple[str, ...], list[tuple[str, str]]] | None:
    """Arrays without a role that hold the images of one class each, as Quick, Draw! does; or one image each, in a
    folder per class. None if the arrays are neither."""
    shapes = {name: load().shape for name, load in arrays.items()}
    if len(arrays) > 1 and "" not in map(dirname, arrays) and _are_images(set(shapes.values())):
        classes = {name: basename(dirname(name)) for name in arrays}
        stacked = {name: load()[None] for name, load in arrays.items()}
    elif len(arrays) > 1 and len({shape[1:] for shape in shapes.values()}) == 1 and len(shapes[min(shapes)]) > 1:
        classes = {name: basename(name) for name in arrays}
        stacked = {name: load() for name, load in arrays.items()}
    else:
        return None
    names = tuple(sorted(set(classes.values())))
    splits = {name: split_in_path(dirname(name)) or "train" for name in arrays}
    parts = {}
    for split in dict.fromkeys(splits.values()):
        some = [name for name in arrays if splits[name] == split]
        labels = np.concatenate([np.full(len(stacked[name]), names.index(classes[name])) for name in some])
        parts[split] = Raw(np.concatenate([stacked[name] for name in some]), labels, f"{len(some):,} files")
    return parts, names, [(name, f"the class {classes[name]}") for name in list(arrays)[:SHOWN]]


def _are_images(shapes: set[tuple[int, ...]]) -> bool:
    """Whether arrays of these shapes are one image each."""
    return len(shapes) == 1 and all(len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4)) for shape in shapes)


def _beside(store: Store, name: str) -> dict[str, Load]:
    """The labels of the one .npy file that was named, if a file beside it has the corresponding name."""
    folder = Folder(store.path)
    mine = roles({splitext(name)[0]: _none}, name, AS_THEY_ARE)
    split = next(iter(mine.images), None)
    found = {}
    for other in [each for each in folder.names() if each.lower().endswith(NPY) and "/" not in each]:
        stem = splitext(other)[0]
        if split and split in roles({stem: _none}, name, AS_THEY_ARE).labels:
            found[stem] = partial(npz.read_npy, folder, other)
    return dict(found) if len(found) == 1 else {}


def _npz(store: Store, name: str) -> dict[str, Load]:
    if isinstance(store, Folder):
        arrays = npz.read(store.path / name)
    else:
        arrays = npz.read(io.BytesIO(bytes_of(store, name)), name)
    return {key: partial(_same, array) for key, array in arrays.items()}


def _npy(store: Store, name: str) -> dict[str, Load]:
    return {splitext(name)[0]: partial(npz.read_npy, store, name)}


READERS: dict[str, Callable[[Store, str], dict[str, Load]]] = {
    ".npz": _npz, NPY: _npy, ".mat": matlab.arrays, ".h5": hdf5.arrays, ".hdf5": hdf5.arrays, ".hdf": hdf5.arrays,
}  # fmt: skip
"""Readers of the arrays in one file, by the ending of its name."""


def _files(store: Store) -> list[str]:
    """The files of arrays. If there are several, those that condgen wrote are left out."""
    found = _all(store)
    return found if len(found) < 2 else [name for name in found if not _is_own(store, name)]


def _all(store: Store) -> list[str]:
    return [name for name in store.names() if splitext(name)[1].lower() in READERS]


def _is_own(store: Store, name: str) -> bool:
    if not name.lower().endswith(".npz"):
        return False
    return marker.wrote_arrays(store.path / name if isinstance(store, Folder) else io.BytesIO(bytes_of(store, name)))


def _none() -> Array:
    return np.zeros(0)


def _same(array: Array) -> Array:
    return array
