"""Lists the arrays in a MATLAB file (.mat), such as `X` and `y` of SVHN. Needs the extra `formats`.

In SVHN's files, the last axis counts the images, and the digit 0 has the label 10.
"""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from condgen.data.choice import opened
from condgen.data.store import Store
from condgen.errors import CondgenError, needs

SVHN = "_32x32.mat"
"""Ending of the names of SVHN's files of single digits (Netzer et al. 2011)."""
HDF5 = b"MATLAB 7.3"


def arrays(store: Store, name: str) -> dict[str, Any]:
    """Functions that return each array of a file, by name; those in a structure are named STRUCTURE/FIELD."""
    with opened(store, name) as file:
        head = file.read(len(HDF5))
    if head == HDF5:
        raise CondgenError(
            f"{name!r} of {str(store.path)!r} is a MATLAB 7.3 file; save it with save(..., '-v7'), or as .npz."
        )
    with needs("formats"):
        from scipy.io import loadmat
    try:
        with opened(store, name) as file:
            found = _flat("", loadmat(file, simplify_cells=True))
    except Exception as error:  # damaged files raise almost any exception in scipy
        raise CondgenError(f"cannot read {name!r} of {str(store.path)!r} as MATLAB's: {error}.") from None
    if name.endswith(SVHN) and {"X", "y"} <= set(found):
        found["y"] = np.where(found["y"] == 10, 0, found["y"])
        found["X"] = np.moveaxis(found["X"], -1, 0)
    return {key: partial(_same, array) for key, array in found.items()}


def _flat(prefix: str, value: Any) -> dict[str, NDArray[Any]]:
    if isinstance(value, dict):
        inner = [_flat(f"{prefix}/{key}".lstrip("/"), item) for key, item in value.items() if not key.startswith("__")]
        return {key: array for found in inner for key, array in found.items()}
    is_array = isinstance(value, np.ndarray) and value.dtype.kind in "biufSU" and value.ndim
    return {prefix: value} if is_array else {}


def _same(array: NDArray[Any]) -> NDArray[Any]:
    return array
