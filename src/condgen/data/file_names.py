"""The file names of many images in little memory."""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import overload

import numpy as np
from numpy.typing import NDArray


class FileNames(Sequence[str]):
    """An immutable sequence of names. It takes the bytes of the names and eight more each, a fifth of a list of
    strings. The names are decoded when they are read."""

    def __init__(self, names: Iterable[str]) -> None:
        encoded = [name.encode("utf-8", "surrogatepass") for name in names]
        self._ends: NDArray[np.int64] = np.fromiter(accumulate(map(len, encoded)), np.int64, len(encoded))
        self._text = b"".join(encoded)

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...
    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        number = range(len(self))[place]  # raises IndexError, and counts negative numbers from the end
        start = int(self._ends[number - 1]) if number else 0
        return self._text[start : int(self._ends[number])].decode("utf-8", "surrogatepass")
