"""Images with transparency: uint8 (..., h, w, 4), with red, green, blue and alpha.

As in PNG files, colours are not multiplied by alpha. The colour of a fully transparent pixel is undefined and is set to
0, so that images that look equal are equal. Networks and metrics see premultiplied colours (stream.py), in which
invisible colours have no weight.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from condgen.data.dataset import Dataset
from condgen.data_options import Colour, DataOptions

Pixels = NDArray[np.uint8]
CHUNK = 2**22
"""Number of pixels that are composited at a time."""


def has_alpha(images: Pixels) -> bool:
    return int(images.shape[-1]) == 4


def is_opaque(images: Pixels) -> bool:
    """Whether no pixel of images (..., h, w, 4) is transparent."""
    return bool((images[..., 3] == 255).all())


def cleared(images: Pixels) -> Pixels:
    """Set the colour of fully transparent pixels to 0. images: (..., h, w, 4)."""
    return images * (images[..., 3:] > 0)


def premultiplied(images: Pixels) -> Pixels:
    """Multiply the colours of images (..., h, w, 4) by alpha; images with other channels are returned unchanged."""
    if not has_alpha(images):
        return images
    colour = (images[..., :3].astype(np.uint16) * images[..., 3:] + 127) // 255
    return np.concatenate([colour.astype(np.uint8), images[..., 3:]], -1)


def over(image: Image.Image, colour: Colour) -> Image.Image:
    """Composite an RGBA image over a colour."""
    seen = Image.new("RGBA", image.size, colour)
    seen.alpha_composite(image)
    return seen.convert("RGB")


def flattened(images: Pixels, colour: Colour) -> Pixels:
    """Composite images (n, h, w, 4) over a colour; images with other channels are returned unchanged."""
    if not has_alpha(images):
        return images
    count, height, width, _ = images.shape
    flat = np.empty((count, height, width, 3), np.uint8)
    each = max(1, CHUNK // (height * width))
    for start in range(0, count, each):
        some = images[start : start + each]
        column = Image.fromarray(np.ascontiguousarray(some).reshape(-1, width, 4))
        flat[start : start + each] = np.asarray(over(column, colour)).reshape(len(some), height, width, 3)
    return flat


def mean(images: Pixels) -> Pixels:
    """The mean of images (n, h, w, c), as (h, w, c). Colours are weighted by alpha, if there is any."""
    if not has_alpha(images):
        return np.asarray(images.mean(0, dtype=np.float64).round(), np.uint8)
    weights = images[..., 3:].sum(0, dtype=np.float64)
    colour = np.einsum("nhwc,nhw->hwc", images[..., :3], images[..., 3], dtype=np.float64) / np.maximum(weights, 1)
    found = np.concatenate([colour, weights / len(images)], -1).round().astype(np.uint8)
    return cleared(found)


def of_arrays(data: Dataset, options: DataOptions) -> Dataset:
    """Arrays of four channels are read as red, green, blue and alpha: kept with --alpha, composited without."""
    both = [split.images for split in data.splits.values()]
    if not any(map(has_alpha, both)):
        return data
    if not options.alpha or not all(map(has_alpha, both)):
        remark = (
            f"the four channels of {data.name!r} are read as red, green, blue and alpha, over {options.background} "
            "(--alpha keeps alpha, --background chooses another colour)."
        )
        flat = _with_images(data, [flattened(images, options.backdrop) for images in both])
        return replace(flat, remarks=(*data.remarks, remark))
    if all(map(is_opaque, both)):
        return _with_images(data, [images[..., :3] for images in both])
    return _with_images(data, [cleared(images) for images in both])


def remarks(data: Dataset, options: DataOptions) -> tuple[str, ...]:
    """A sentence if --alpha was requested and no image is transparent."""
    if not options.alpha or has_alpha(data.train.images):
        return ()
    kind = "grey" if data.spec.channels == 1 else "RGB"
    return (f"--alpha: no image of {data.name!r} is transparent; all are read as {kind}, without a fourth channel.",)


def _with_images(data: Dataset, images: Sequence[Pixels]) -> Dataset:
    first, *others = [replace(split, images=some) for some, split in zip(images, data.splits.values(), strict=True)]
    return replace(data, train=first, test=others[0] if others else None)
