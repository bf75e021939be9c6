"""Data sets of several files under fixed names (MNIST, CIFAR, STL-10), of which one folder may hold several, as
torchvision's `root` does."""

from collections.abc import Callable

from condgen.data import cifar, idx, stl10
from condgen.data.choice import which
from condgen.data.store import Store

ROOTS: tuple[Callable[[Store], list[str]], ...] = (cifar.roots, stl10.roots, idx.roots)
"""Functions that return how the paths of the files of each data set begin."""


def check(store: Store) -> None:
    """Raise Question if the source holds several of these data sets."""
    found = [root for roots in ROOTS for root in roots(store)]
    if len(found) > 1:
        raise which(str(store.path), sorted(found))
