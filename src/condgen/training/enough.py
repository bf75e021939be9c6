"""Whether a training of `swift` is long enough for images in colour, by the benchmark on own images.

The figures are those of docs/performance/own-images.md.
"""

from collections.abc import Iterator

from condgen.spec import Spec
from condgen.systems.swift import COLOUR_IMAGES as CLEAN

LARGE = 260_000
"""Images after which 64x64 images in colour follow their labels, with the fine detail of real ones."""
LARGEST = 40
"""Largest side of an image, in pixels, that this figure is for."""


def doubts(system: str, spec: Spec, images: int) -> Iterator[str]:
    """A sentence if a training of `images` is much shorter than such images need. system: name of the preset."""
    side = max(spec.shape[1:])
    if system != "swift" or spec.channels == 1:
        return
    if side > LARGEST:
        yield (
            f"{side}x{side} images in colour take about {(side / 32) ** 2:.1f} times as long as 32x32. Faces of 64x64 "
            f"had the fine detail of real ones after {LARGE:,} images; this training shows {images:,}. "
            "--size 32 is the quicker first try."
        )
    elif images < 0.8 * CLEAN:
        yield (
            f"32x32 images in colour had the fine detail of real ones after {CLEAN:,} images; this training shows "
            f"{images:,}. --images {CLEAN} trains for longer."
        )
