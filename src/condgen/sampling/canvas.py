"""Writes PNG files and titled image grids. Figures with axes are in plots.py."""

import json
import zlib
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from condgen.data.transparency import over
from condgen.disk import write_bytes
from condgen.errors import CondgenError
from condgen.marker import KEY
from condgen.sampling import fonts
from condgen.sampling.titles import write as write_title

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
"""Formats of image files that can be written, by ending."""
QUALITY = 95
"""Quality of JPEG and WebP, of 100."""
DESCRIPTION = 0x010E
"""The EXIF tag ImageDescription."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"
CELL = 56
"""Target size, in pixels. Smaller images are enlarged by an integer factor to about this size."""
GAP, TITLE, SIDE = 2, 18, 64
LONGEST_SIDE, MOST_PIXELS = 65_535, 2**27
"""Largest side and largest number of pixels of a grid. Few programs open larger images."""
COLUMNS = 10
"""Number of columns in a grid by an unconditional generator."""
PAPER = (255, 255, 255)
SQUARE, LIGHT, DARK = 8, (255, 255, 255), (208, 208, 208)
"""Side, in pixels, and colours of the squares of the chequerboard behind transparent images in grids."""


def to_pil(image: NDArray[np.uint8]) -> Image.Image:
    """Convert one image, uint8 (h, w, 1, 3 or 4), without changing its pixels."""
    return Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)


def grid(images: NDArray[np.uint8], titles: Sequence[str], sides: Sequence[str] = ()) -> Image.Image:
    """Arrange images, uint8 (rows, columns, h, w, 1, 3 or 4), in a grid with a title above each column.

    sides: row titles, if given. Small images are enlarged by an integer factor; no image is interpolated.
    """
    rows, columns = images.shape[:2]
    cells = [enlarged(to_pil(image)) for row in images for image in row]
    width, height = cells[0].width + GAP, cells[0].height + GAP
    left, top = SIDE if sides else 0, TITLE
    sheet = Image.new("RGB", (left + columns * width + GAP, top + rows * height + GAP), PAPER)
    for number, cell in enumerate(cells):
        row, column = divmod(number, columns)
        sheet.paste(cell, (left + GAP + column * width, top + row * height))
    for column, title in enumerate(fonts.readable(titles)):
        write_title(sheet, title, left + GAP + column * width + width // 2, TITLE // 2, width)
    for row, side in enumerate(fonts.readable(sides)):
        write_title(sheet, side, SIDE // 2, top + row * height + height // 2, SIDE)
    return sheet


def check_sheet(shape: tuple[int, int, int], rows: int, columns: int, fewer: str) -> None:
    """Raise CondgenError if a titled grid of images (channels, height, width) would be too large to open.

    fewer: the options to lower, for the message.
    """
    _, height, width = shape
    scale = _scale(width, height)
    across, down = columns * (width * scale + GAP), rows * (height * scale + TITLE)
    if max(across, down) > LONGEST_SIDE or across * down > MOST_PIXELS:
        raise CondgenError(
            f"a sheet of {rows:,} rows and {columns:,} columns would have {across:,} x {down:,} pixels, more than most "
            f"programs open; give fewer {fewer}."
        )


def unlabelled(generated: NDArray[np.uint8]) -> Image.Image:
    """Arrange images, uint8 (n, h, w, 1, 3 or 4), in a grid without titles. n is a multiple of COLUMNS."""
    return grid(generated.reshape(-1, COLUMNS, *generated.shape[1:]), [])


def columns(generated: NDArray[np.uint8], titles: Sequence[str], counts: Sequence[int]) -> Image.Image:
    """Arrange images, uint8 (n, h, w, 1, 3 or 4), ordered by label, in a grid with one titled column per label.

    counts: number of images per label. The end of a shorter column is white.
    """
    by_label = np.full((len(titles), max(counts), *generated.shape[1:]), 255, np.uint8)
    ends = np.cumsum(counts)
    for column, (end, count) in enumerate(zip(ends, counts, strict=True)):
        by_label[column, :count] = generated[end - count : end]
    return grid(by_label.swapaxes(0, 1), titles)


def mosaic(images: NDArray[np.uint8], columns: int) -> Image.Image:
    """Arrange images, uint8 (n, h, w, 1, 3 or 4), in rows with a narrow gap. Unused cells are transparent."""
    cells = [enlarged(to_pil(image)) for image in images]
    width, height = cells[0].width + 1, cells[0].height + 1
    columns = min(columns, len(cells))
    sheet = Image.new("RGBA", (columns * width - 1, -(-len(cells) // columns) * height - 1), (0, 0, 0, 0))
    for number, cell in enumerate(cells):
        sheet.paste(cell, (number % columns * width, number // columns * height))
    return sheet


def captioned(cells: Sequence[Image.Image], titles: Sequence[str], columns: int) -> Image.Image:
    """Arrange images of equal size row by row, each with its own title above it."""
    width, height = cells[0].width + GAP, cells[0].height + TITLE
    sheet = Image.new("RGB", (columns * width + GAP, -(-len(cells) // columns) * height + GAP), PAPER)
    for number, (cell, title) in enumerate(zip(cells, fonts.readable(titles), strict=True)):
        left, top = GAP + number % columns * width, number // columns * height
        sheet.paste(cell, (left, top + TITLE))
        write_title(sheet, title, left + width // 2, top + TITLE // 2, width)
    return sheet


def stacked(sheets: Sequence[Image.Image], titles: Sequence[str]) -> Image.Image:
    """Stack grids of any size vertically, each with a title above it."""
    width = max(sheet.width for sheet in sheets)
    whole = Image.new("RGB", (width, sum(sheet.height + TITLE for sheet in sheets)), PAPER)
    top = 0
    for sheet, title in zip(sheets, fonts.readable(titles), strict=True):
        write_title(whole, title, sheet.width // 2, top + TITLE // 2, sheet.width)
        whole.paste(sheet, (0, top + TITLE))
        top += sheet.height + TITLE
    return whole


def enlarged(image: Image.Image) -> Image.Image:
    """Convert an image to RGB, and enlarge it by an integer factor to about CELL pixels if it is smaller. Transparent
    parts show a chequerboard."""
    scale = _scale(*image.size)
    image = image if image.mode == "RGBA" else image.convert("RGB")
    large = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    return over_squares(large) if large.mode == "RGBA" else large


def over_squares(image: Image.Image) -> Image.Image:
    """Composite an RGBA image over a chequerboard."""
    row, column = np.indices((image.height, image.width)) // SQUARE
    board = np.array([LIGHT, DARK], np.uint8)[(row + column) % 2]
    seen = Image.fromarray(board).convert("RGBA")
    seen.alpha_composite(image)
    return seen.convert("RGB")


def _scale(width: int, height: int) -> int:
    return max(1, round(CELL / max(width, height)))


def png(image: Image.Image, about: Mapping[str, Any] | None = None) -> bytes:
    """Encode an image as PNG. `about` is stored in the file as JSON under the key 'condgen'."""
    note = PngInfo()
    if about:
        note.add_text(KEY, json.dumps(about))
    buffer = BytesIO()
    image.save(buffer, "PNG", pnginfo=note)
    return buffer.getvalue()


def converted(content: bytes, suffix: str, about: Mapping[str, Any]) -> bytes:
    """The bytes of a PNG or GIF in the format of an ending: unchanged, or as JPEG or WebP."""
    if FORMATS.get(suffix.lower(), "PNG") == "PNG":
        return content
    with Image.open(BytesIO(content)) as image:
        return encoded(suffix, image.convert("RGB"), about)


def film(frames: Sequence[Image.Image], about: Mapping[str, Any] | None = None) -> bytes:
    """Encode images of equal size as a looping GIF with three frames per second. The last frame is held for two
    seconds.

    about: metadata, stored as JSON in the GIF's comment.
    """
    buffer = BytesIO()
    first, *others = [frame.convert("RGB").quantize(64) for frame in frames]
    durations = [333] * len(others) + [2000]
    comment = f"{KEY}\0{json.dumps(about)}".encode() if about else b""
    first.save(buffer, "GIF", save_all=True, append_images=others, duration=durations, loop=0, comment=comment)
    return buffer.getvalue()


def read(path: Path) -> Image.Image:
    """Load a PNG file written by condgen. Raises CondgenError if any byte has changed. Pillow alone would load some
    damaged files without an error."""
    if not is_whole(path):
        raise CondgenError(
            f"{str(path)!r} is damaged or missing; the run's own train command writes it again if it can."
        )
    with Image.open(path) as image:
        return image.copy()


def is_whole(path: Path) -> bool:
    """Whether a PNG file is undamaged, according to the checksum of each of its chunks."""
    try:
        data = path.read_bytes()
    except OSError:
        return False
    at, name = len(SIGNATURE), b""
    while name != b"IEND" and at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        name = data[at + 4 : at + 8]
        if zlib.crc32(data[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            return False
        at = end + 4
    return data.startswith(SIGNATURE) and name == b"IEND" and at == len(data)


def save_png(path: Path, image: Image.Image, about: Mapping[str, Any] | None = None) -> None:
    """Write a PNG file atomically."""
    write_bytes(path, png(image, about))


def save(path: Path, image: Image.Image, about: Mapping[str, Any] | None = None) -> None:
    """Write an image file atomically, in the format that its ending names (`FORMATS`)."""
    write_bytes(path, encoded(path.suffix, image, about))


def encoded(suffix: str, image: Image.Image, about: Mapping[str, Any] | None = None) -> bytes:
    """Encode an image as PNG, JPEG or WebP by an ending, such as .jpg. JPEG and WebP store the metadata in EXIF.

    JPEG has no transparency: images with alpha are composited over PAPER.
    """
    kind = FORMATS[suffix.lower()]
    if kind == "PNG":
        return png(image, about)
    if kind == "JPEG" and image.mode == "RGBA":
        image = over(image, PAPER)
    exif, buffer = Image.Exif(), BytesIO()
    if about:
        exif[DESCRIPTION] = f"{KEY}: {json.dumps(about)}"
    image.save(buffer, kind, quality=QUALITY, exif=exif)
    return buffer.getvalue()
