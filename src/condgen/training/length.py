"""Training length: requested in images, epochs or minutes, converted to images."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from condgen.errors import CondgenError


@dataclass(frozen=True)
class Length:
    """The requested length; at most one of the three is set."""

    images: int | None = None
    epochs: float | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        given = {f"--{name}": value for name, value in vars(self).items() if value is not None}
        if len(given) > 1:
            raise CondgenError(f"{' and '.join(given)} both set the training length; give only one.")
        for name, value in given.items():
            if not 0 < value < math.inf:
                raise CondgenError(f"{name} should be greater than 0, found {value}.")

    def in_images(self, *, begun: int | None, default: int, per_epoch: int, fitting: Callable[[float], int]) -> int:
        """The length in images.

        begun: length of the run to resume, if there is one; a length in minutes is converted only at the first start.
        default: if no length was requested. per_epoch: images per epoch.
        fitting: estimates the number of training images in a number of seconds; called only if needed.
        """
        if self.images is not None:
            return self.images
        if self.epochs is not None:
            return math.ceil(self.epochs * per_epoch)
        if begun is not None:
            return begun
        if self.minutes is not None:
            return fitting(self.minutes * 60)
        return default
