"""The image files as they are before decoding: format, bit depth and range of values, of a sample."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from condgen.data.decode import header
from condgen.data.store import Bad
from condgen.data.stores import store_at

SAMPLED = 100
"""Maximum number of files that are opened, at equal distances."""


@dataclass(frozen=True)
class Original:
    """One image file before decoding."""

    row: int
    """Its index among the files that were sampled from."""
    format: str
    mode: str
    """The mode in Pillow's names, such as RGB, L (8-bit grey) or I;16 (16-bit grey)."""
    width: int
    height: int
    low: int
    """The smallest and the largest value of a pixel, over all channels."""
    high: int

    @property
    def bits(self) -> int:
        """Bits per channel: 1, 8, 16 or 32."""
        if self.mode == "F" or (self.mode == "I" and self.format != "PPM"):
            return 32
        return 16 if self.mode.startswith("I") else 1 if self.mode == "1" else 8

    @property
    def white(self) -> int:
        """The value that is decoded as white."""
        return 65535 if self.bits == 16 else 255


def sample(source: Path, files: Sequence[str], count: int = SAMPLED) -> list[Original]:
    """Describe some of the files of a folder or zip archive. Files that cannot be opened by name, such as the rows of a
    table, are skipped."""
    step = max(1, -(-len(files) // count))
    return list(_opened(source, files, range(0, len(files), step)))


def _opened(source: Path, files: Sequence[str], rows: Sequence[int]) -> Iterator[Original]:
    store = store_at(source)
    for row in rows:
        try:
            data = store.read(files[row])
            header(data)  # raises Bad for files that should not be decoded
            yield _described(row, data)
        except (Bad, OSError, ValueError, SyntaxError):
            continue


def _described(row: int, data: bytes) -> Original:
    with Image.open(io.BytesIO(data)) as image:
        bounds = image.getextrema()
        pairs = bounds if isinstance(bounds[0], tuple) else (bounds,)
        low, high = (int(choose(values)) for choose, values in zip((min, max), zip(*pairs, strict=True), strict=True))
        return Original(row, str(image.format), image.mode, image.width, image.height, low, high)
