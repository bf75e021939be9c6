"""Lists the arrays in an HDF5 file, such as `imgs` and `labels` of BigGAN and StudioGAN. Needs the extra `formats`."""

import io
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from condgen.data.store import Folder, Store, bytes_of
from condgen.errors import CondgenError, needs


def arrays(store: Store, name: str) -> dict[str, Any]:
    """Functions that read each array of a file, by the array's path in the file."""
    opened = _opened(store, name)
    found: dict[str, Any] = {}

    def visit(path: str, item: Any) -> None:
        if hasattr(item, "dtype") and item.shape:
            found[path] = partial(_read, item, f"{path!r} of {name!r}")

    opened.visititems(visit)
    return found


def _read(item: Any, where: str) -> NDArray[np.generic]:
    try:
        array = np.asarray(item[()])
    except (OSError, ValueError, TypeError, MemoryError) as error:
        raise CondgenError(f"cannot read {where}: {error}.") from None
    return array.astype("S") if array.dtype.kind == "O" else array  # texts of variable length


def _opened(store: Store, name: str) -> Any:
    with needs("formats"):
        import h5py
    try:
        return h5py.File(store.path / name if isinstance(store, Folder) else io.BytesIO(bytes_of(store, name)), "r")
    except (OSError, ValueError, RuntimeError) as error:
        raise CondgenError(f"cannot read {name!r} of {str(store.path)!r} as HDF5: {error}.") from None
