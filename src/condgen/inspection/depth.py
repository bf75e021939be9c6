"""Range of values and bit depth: images that use a small part of their range are decoded to nearly black ones."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from condgen.data.dataset import Dataset, Split
from condgen.data.originals import Original, sample
from condgen.data.store import valid

NARROW = 64
"""If half of the images cover fewer than this many of the 256 values, they are too dark, too bright or too flat."""
AT_ONCE = 4096
"""Number of images whose values are compared at a time."""
CHECKED = 500
"""Number of images that are checked before a training, at equal distances."""


@dataclass(frozen=True)
class Ranges:
    """The smallest and the largest value of each image, uint8 (n,), apart from transparency."""

    low: NDArray[np.uint8]
    high: NDArray[np.uint8]

    @classmethod
    def of(cls, images: NDArray[np.uint8]) -> "Ranges":
        """images: (n, h, w, c)."""
        parts = [images[at : at + AT_ONCE, ..., :3] for at in range(0, len(images), AT_ONCE)]
        low, high = ([bound(part, axis=(1, 2, 3)) for part in parts] for bound in (np.min, np.max))
        return cls(np.concatenate(low), np.concatenate(high))

    @property
    def narrow(self) -> NDArray[np.bool_]:
        """Whether each image covers a small part of the range."""
        return self.high - self.low < NARROW

    @property
    def are_narrow(self) -> bool:
        """Whether half of the images do."""
        return bool(2 * self.narrow.sum() >= len(self.narrow))

    @property
    def tone(self) -> str:
        return "black" if np.median(self.high) < 128 else "white" if np.median(self.low) >= 128 else "grey"

    @property
    def top(self) -> int:
        return int(self.high.max())


@dataclass(frozen=True)
class FileKinds:
    """Formats, modes, sides and values of a sample of the image files."""

    sampled: int
    kinds: Mapping[str, int]
    smallest: Sequence[int]
    """Width and height."""
    largest: Sequence[int]
    range: Sequence[int]
    """The smallest and the largest value."""

    @classmethod
    def of(cls, originals: Sequence[Original]) -> "FileKinds":
        sides = sorted((original.width * original.height, original.width, original.height) for original in originals)
        kinds = Counter(f"{original.format}, {original.bits} bits, {original.mode}" for original in originals)
        values = [min(original.low for original in originals), max(original.high for original in originals)]
        return cls(len(originals), dict(kinds.most_common()), list(sides[0][1:]), list(sides[-1][1:]), values)


@dataclass(frozen=True)
class Depth:
    """The range of values of the decoded training images, and a sample of their files."""

    median_low: int
    median_high: int
    blank: Sequence[str]
    """Images of a single value."""
    files: FileKinds | None
    remedy: str | None

    @classmethod
    def of(cls, data: Dataset) -> "Depth":
        values = Ranges.of(data.train.images)
        originals = sample(data.source, data.train.files) if data.source else []
        return cls(
            int(np.median(values.low)),
            int(np.median(values.high)),
            [_name(data.train, row) for row in np.flatnonzero(values.low == values.high).tolist()],
            FileKinds.of(originals) if originals else None,
            remedy(data, values, originals),
        )


def remedy(data: Dataset, values: Ranges, originals: Sequence[Original] = ()) -> str | None:
    """What to do about images that cover a small part of the range of values; None if they do not."""
    deep = [original for original in originals if original.bits == 16]
    dark = [original for original in deep if values.narrow[original.row]]
    if values.are_narrow:
        said = (
            f"the images are nearly {values.tone}: half of them cover less than a quarter of the range after decoding."
        )
        if 2 * len(deep) > len(originals):
            return f"{said} {_of_16_bits(deep)}"
        return f"{said} {_of_8_bits(data, values.top)}"
    if 2 * len(dark) > len(deep):
        said = f"{len(dark):,} of {len(originals):,} sampled files have 16 bits and are nearly black after decoding."
        return f"{said} {_of_16_bits(dark)}"
    return None


def before_training(data: Dataset) -> str | None:
    """`remedy` for a sample of the training images, as a check before a training. Files are opened only if the sample
    is doubtful."""
    images = data.train.images
    if not Ranges.of(images[:: max(1, len(images) // CHECKED)]).are_narrow:
        return None
    return remedy(data, Ranges.of(images), sample(data.source, data.train.files) if data.source else [])


def _of_16_bits(deep: Sequence[Original]) -> str:
    top = max(original.high for original in deep)
    white: int = 2 ** top.bit_length() - 1
    return (
        f"Their largest value is {top:,}, where white is {deep[0].white:,}; --window=0,{white} makes {white:,} white."
    )


def _of_8_bits(data: Dataset, top: int) -> str:
    if not 0 < top < 128:
        return "If that is not intended, stretch their contrast in a copy of the files."
    said, number = f"Their largest value is {top}, where white is 255", round(255 / top)
    if data.source is None or not data.source.is_dir() or not (data.source / data.train.files[0]).is_file():
        return f"{said}; multiply the values by {number} before saving the images."
    here, copy = shlex.quote(str(data.source)), shlex.quote(f"{data.source.resolve().name}-scaled")
    return (
        f"{said}; a copy with values multiplied by {number} is made by: cp -r {here} {copy} && find {copy} -type f "
        f"-exec mogrify -evaluate multiply {number} {{}} + (with ImageMagick)."
    )


def _name(split: Split, row: int) -> str:
    return valid(split.files[row]) if split.files else f"train {row}"
