"""Maps numeric labels to classes. Time and memory depend on the number of distinct labels, not on their values."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from condgen.errors import CondgenError

MOST = 20_000
"""Classes or attributes: what the card of a generator has room for."""
DOUBTFUL = 100
"""Classes from which on it is asked whether they are any, if hardly two images share one."""


class Numbered(NamedTuple):
    """Class numbers from 0 on, array by array, the names of the classes, and what is doubtful about them."""

    values: list[NDArray[np.int64]]
    names: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def numbered(arrays: Sequence[NDArray[np.int64]], where: str) -> Numbered:
    """The classes of labels (n,) that came as numbers, each named as its number stood.

    Numbers that begin at 0, at least half of which occur, stay what they are: the others are classes without images.
    Else every number that occurs is a class. Raises CondgenError for numbers below 0, and more than MOST classes.
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
    """These names. Raises CondgenError if there are too many."""
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
