"""How long to train: asked for in images, passes or minutes, always meant in images."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from condgen.errors import CondgenError


@dataclass(frozen=True)
class Length:
    """A length as asked for; at most one of the three."""

    images: int | None = None
    epochs: float | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        given = {f"--{name}": value for name, value in vars(self).items() if value is not None}
        if len(given) > 1:
            raise CondgenError(f"{' and '.join(given)} are different lengths; give one.")
        for name, value in given.items():
            if not 0 < value < math.inf:
                raise CondgenError(f"{name} should be more than 0, found {value}.")

    def in_images(self, *, begun: int | None, default: int, pictures: int, fitting: Callable[[float], int]) -> int:
        """The length in images.

        begun: of the run to go on with, if there is one; a length in minutes is converted only once.
        pictures: in one pass over the data.
        fitting: finds how many images this machine trains on in so many seconds; asked only if needed.
        """
        if self.images is not None:
            return self.images
        if self.epochs is not None:
            return math.ceil(self.epochs * pictures)
        if begun is not None:
            return begun
        if self.minutes is not None:
            return fitting(self.minutes * 60)
        return default
