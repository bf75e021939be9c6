"""Networks of stride-2 convolutions (Radford et al. 2015, arXiv 1511.06434): image sizes and channels."""

from torch import Tensor, nn

from condgen.errors import CondgenError
from condgen.spec import Spec

SMALLEST, LARGEST = 4, 7
"""Sides of the feature map of lowest resolution. An image side is one of them times a power of two."""
SIZES = sorted({base * 2**k for base in range(SMALLEST, LARGEST + 1) for k in range(1, 7)})


def pyramid(spec: Spec) -> tuple[int, tuple[int, int]]:
    """Number of halvings of both sides, and the remaining (height, width): 64x64 -> 4, (4, 4).

    Raises CondgenError for a size that is not supported, suggesting the nearest one.
    """
    _, height, width = spec.shape
    for halvings in range(1, 7):
        step = 2**halvings
        base = height // step, width // step
        if height % step == width % step == 0 and SMALLEST <= min(base) <= max(base) <= LARGEST:
            return halvings, base
    near = sorted({min(SIZES, key=lambda size: abs(size - side)) for side in (height, width)})
    raise CondgenError(
        f"convolutions of stride 2 cannot make images of {height}x{width}; sides should be 4 to 7 times one power of "
        f"two, such as {near[-1]}x{near[-1]} (28, 32, 64, 128 ...)."
    )


def channels(halvings: int, width: int) -> list[int]:
    """Channels from the lowest resolution to the highest, doubling with each halving: 4, 64 -> [512, 256, 128, 64]."""
    return [width * 2**level for level in reversed(range(halvings))]


class FromPixel(nn.ConvTranspose2d):
    """Transposed convolution of a 1x1 map (b, n, 1, 1), computed as a matrix product, which is faster."""

    def forward(self, pixel: Tensor) -> Tensor:  # type: ignore[override]
        weight = self.weight.permute(0, 2, 3, 1)  # channels last, in memory and in the result: no copy
        x: Tensor = (pixel.flatten(1) @ weight.flatten(1)).unflatten(1, weight.shape[1:]).permute(0, 3, 1, 2)
        return x  # (b, c, h, w)
