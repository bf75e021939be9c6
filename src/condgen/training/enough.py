"""Whether a training of `swift` is long enough for images in colour, by the benchmark on own images.

The figures are those of docs/performance/own-images.md.
"""

from collections.abc import Iterator

from condgen.spec import Spec
from condgen.systems.swift import COLOUR_IMAGES as CLEAN

LARGEST = 40
"""Largest side of an image, in pixels, that this figure is for."""


def doubts(system: str, spec: Spec, images: int) -> Iterator[str]:
    """A sentence if a training of `images` is much shorter than such images need. system: name of the preset."""
    side = max(spec.shape[1:])
    if system != "swift" or spec.channels == 1:
        return
    if side > LARGEST:
        yield (
            f"{side}x{side} images in colour have {(side / 32) ** 2:.1f} times the pixels of 32x32, and each takes "
            f"about as many times as long; 32x32 needs {CLEAN:,} images. --size 32 is the quicker first try."
        )
    elif images < 0.8 * CLEAN:
        yield (
            f"32x32 images in colour had the fine detail of real ones after {CLEAN:,} images; this training shows "
            f"{images:,}. --images {CLEAN} trains for longer."
        )
