"""Range of values and bit depth: images that use a small part of their range are decoded to nearly black ones."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from condgen.data.dataset import Dataset, Split
from condgen.data.originals import Original, sample

NARROW = 64
"""If half of the images cover fewer than this many of the 256 values, they are too dark, too bright or too flat."""
AT_ONCE = 4096
"""Number of images whose values are compared at a time."""
CHECKED = 500
"""Number of images that are checked before a training, at equal distances."""


def facts(data: Dataset) -> dict[str, Any]:
    """The range of values of the decoded training images, and formats, depths and sizes of a sample of their files."""
    low, high = ranges(data.train.images)
    originals = sample(data.source, data.train.files) if data.source else []
    return {
        "median_low": int(np.median(low)),
        "median_high": int(np.median(high)),
        "blank": [_name(data.train, row) for row in np.flatnonzero(low == high).tolist()],
        "files": _files(originals) if originals else None,
        "remedy": remedy(low, high, originals),
    }


def ranges(images: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The smallest and the largest value of each image (n, h, w, c)."""
    parts = [
        images[at : at + AT_ONCE].reshape(len(images[at : at + AT_ONCE]), -1) for at in range(0, len(images), AT_ONCE)
    ]
    return np.concatenate([part.min(1) for part in parts]), np.concatenate([part.max(1) for part in parts])


def remedy(low: NDArray[np.uint8], high: NDArray[np.uint8], originals: Sequence[Original] = ()) -> str | None:
    """What to do about images that cover a small part of the range of values; None if they do not."""
    if float(np.median(high.astype(int) - low)) >= NARROW:
        return None
    first, last = int(np.median(low)), int(np.median(high))
    said = f"the images are nearly {'black' if last < 128 else 'white' if first >= 128 else 'grey'}: after decoding, "
    said += f"half of them cover less than a quarter of the range, typically {first} to {last} of 0 to 255."
    deep = [original for original in originals if original.bits == 16]
    white, top = (65535, max(one.high for one in deep)) if 2 * len(deep) > len(originals) else (255, int(high.max()))
    if 0 < top <= white // 2:
        depth = f" of their {white.bit_length()} bits" if deep else ""
        said += f" Their largest value is {top:,} of {white:,}{depth}: {_scaling(top, white, bool(originals))}"
    else:
        said += " If that is not intended, stretch their contrast in a copy of the files."
    return said


def before_training(data: Dataset) -> str | None:
    """`remedy` for a sample of the training images, as a check before a training."""
    images = data.train.images
    low, high = ranges(images[:: max(1, len(images) // CHECKED)])
    if remedy(low, high) is None:
        return None
    return remedy(low, high, sample(data.source, data.train.files) if data.source else [])


def _scaling(top: int, white: int, are_files: bool) -> str:
    """How to scale values up to `top` so that they reach white: by a power of two if the values have that many bits."""
    factor = white / (2 ** top.bit_length() - 1) if white == 65535 else white / top
    number = round(factor) if factor >= 2 else round(factor, 2)
    if not are_files:
        return f"multiply the array by {number} before saving it."
    return (
        f"multiply the values by {number} in a copy of the files, in ImageMagick with `mogrify -path COPY -evaluate "
        f"multiply {number} FILES`."
    )


def _files(originals: Sequence[Original]) -> dict[str, Any]:
    """Formats, modes, sides and values of a sample of the image files."""
    sides = sorted((original.width * original.height, original.width, original.height) for original in originals)
    kinds = Counter(f"{original.format}, {original.bits} bits, {original.mode}" for original in originals)
    return {
        "sampled": len(originals),
        "kinds": dict(kinds.most_common()),
        "smallest": list(sides[0][1:]),
        "largest": list(sides[-1][1:]),
        "range": [min(original.low for original in originals), max(original.high for original in originals)],
    }


def _name(split: Split, row: int) -> str:
    return split.files[row] if split.files else f"train {row}"
