"""Reads NumPy files: .npz archives such as Keras' mnist.npz, and .npy files. array_files.py says what they mean."""

import io
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from condgen.data.store import Bad, Folder, Store, bytes_of
from condgen.errors import CondgenError

Arrays = dict[str, NDArray[np.generic]]


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
        raise CondgenError(f"cannot read {str(path)!r} as .npz: {_reason(error)}.{_remedy(error)}") from None
    except (NotImplementedError, RuntimeError) as error:  # this Python was built without the zip method of the file
        raise CondgenError(f"this Python cannot unpack {str(path)!r}: {error}; use a Python with lzma.") from None


def read_npy(store: Store, name: str) -> NDArray[np.generic]:
    """The array in a .npy file; that of a folder is mapped, not read."""
    try:
        if isinstance(store, Folder):
            store.read(name, 1)  # refuses links to the outside and what is no regular file
            found: NDArray[np.generic] = np.load(store.path / name, mmap_mode="r", allow_pickle=False)
        else:
            found = np.load(io.BytesIO(bytes_of(store, name)), allow_pickle=False)
        return found
    except (Bad, OSError, ValueError, EOFError) as error:
        raise CondgenError(
            f"cannot read {name!r} of {str(store.path)!r} as .npy: {_reason(error)}.{_remedy(error)}"
        ) from None


def _remedy(error: Exception) -> str:
    """How to store arrays of Python objects, which would have to be unpickled."""
    return " Store words as text instead: labels.astype(str)." if "Object arrays" in str(error) else ""


def _reason(error: Exception) -> str:
    return "it is no file of NumPy" if "contains pickled" in str(error) else str(error)
