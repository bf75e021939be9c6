"""Maps numeric labels to classes. Time and memory depend on the number of distinct labels, not on their values."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from condgen.errors import CondgenError

MOST = 20_000
"""Maximum number of classes or attributes, which a generator's card has to list."""
DOUBTFUL = 100
"""From this number of classes on, a remark is made if hardly any class has two images."""


class Numbered(NamedTuple):
    """Class numbers from 0, one array per input array; the names of the classes; and remarks on doubtful labels."""

    values: list[NDArray[np.int64]]
    names: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def numbered(arrays: Sequence[NDArray[np.int64]], where: str) -> Numbered:
    """Convert numeric labels (n,) to classes, each named after its number.

    If the numbers start at 0 and at least half of them occur, they are kept, and the missing numbers are classes
    without images. Otherwise each number that occurs becomes a class. Raises CondgenError for negative numbers, and for
    more than MOST classes.
    """
    whole = np.concatenate([array.ravel() for array in arrays])
    found = np.unique(whole)
    if not len(found):
        return Numbered(list(arrays), ("0",))
    low, top = int(found[0]), int(found[-1])
    if low < 0:
        at = int(np.flatnonzero(whole == low)[0])
        raise CondgenError(f"{where}: image {at} has label {low}, wanted 0 to {max(top, 0)} (classes).")
    if low == 0 and top < 2 * len(found):
        names = tuple(map(str, range(top + 1)))
        return Numbered(list(arrays), few_enough(names, where), _doubts(len(found), len(whole), where))
    names = few_enough(tuple(map(str, found.tolist())), where)
    remark = (
        f"{where}: the labels are {len(found):,} different numbers from {low} to {top}; each is a class of that name."
    )
    return Numbered(
        [np.searchsorted(found, array).astype(np.int64) for array in arrays],
        names,
        (remark, *_doubts(len(found), len(whole), where)),
    )


def few_enough(names: tuple[str, ...], where: str) -> tuple[str, ...]:
    """Return `names`. Raises CondgenError if there are more than MOST."""
    if len(names) > MOST:
        raise CondgenError(
            f"{where}: {len(names):,} different labels, such as {names[-1]!r}; condgen takes {MOST:,} at most. Are "
            "they classes, or measurements and names of files? Give each image one of a few labels."
        )
    return names


def _doubts(classes: int, images: int, where: str) -> tuple[str, ...]:
    if classes <= DOUBTFUL or 2 * classes <= images:
        return ()
    return (f"{where}: {classes:,} classes in {images:,} images; are the labels measurements?",)
