"""Draws one-line titles on images, each in the largest size that fits and in fonts that have its characters."""

from functools import cache
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from condgen.sampling import fonts
from condgen.sampling.fonts import Face

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
SIZES = (13, 12, 11, 10, 9)
"""Font sizes of titles, in pixels."""
STRIKES = (109, 136, 160, 128, 96, 72, 64, 48, 32, 16)
"""Sizes, in pixels, of the images in fonts that consist of images: those of Noto, Apple and others."""
MARGIN = 2
"""Pixels that are kept free at each end of a title."""
LONGEST = 200
"""Maximum length of a title, in characters. The rest is ignored."""
INK = (32, 32, 32)


class Part(NamedTuple):
    """A part of a title in one font."""

    text: str
    font: Font
    scale: float
    """Factor on the size of the text: 1, or less for a font that consists of images."""

    @property
    def length(self) -> float:
        return self.font.getlength(self.text) * self.scale


def write(sheet: Image.Image, title: str, x: int, y: int, width: int) -> None:
    """Draw a title centred on (x, y), in the largest size that fits in `width` pixels, or cut if none fits.

    title: as returned by `fonts.readable`.
    """
    width -= 2 * MARGIN
    parts = _fitting(title[:LONGEST], width)
    if len(parts) == 1 and parts[0].scale == 1:
        ImageDraw.Draw(sheet).text((x, y), parts[0].text, fill=INK, font=parts[0].font, anchor="mm")
        return
    left = x - sum(part.length for part in parts) / 2
    for part in parts:
        _write_part(sheet, part, left, y + SIZES[0] // 3)
        left += part.length


def _fitting(title: str, width: int) -> list[Part]:
    for size in SIZES:
        if _length(parts := _parts(title, size)) <= width:
            return parts
    title = title[:width]  # no letter is narrower than a pixel
    while title and _length(_parts(title + "…", SIZES[-1])) > width:
        title = title[:-1]
    return _parts(title + "…", SIZES[-1])


def _length(parts: list[Part]) -> float:
    return sum(part.length for part in parts)


def _parts(title: str, size: int) -> list[Part]:
    return [Part(text, *_sized(face, size)) for face, text in fonts.runs(title)]


@cache
def _sized(face: Face | None, size: int) -> tuple[Font, float]:
    """A font for titles of `size` pixels, and its scale (`Part.scale`). Pillow takes 0.3 ms to open one."""
    if face is None:
        return ImageFont.load_default(size), 1
    for strike in (size,) if face.scalable else STRIKES:
        try:
            return ImageFont.truetype(face.path, strike), size / strike
        except OSError:
            continue
    return ImageFont.load_default(size), 1


def _write_part(sheet: Image.Image, part: Part, left: float, baseline: int) -> None:
    if part.scale == 1:
        ImageDraw.Draw(sheet).text((left, baseline), part.text, fill=INK, font=part.font, anchor="ls")
        return
    _, top, right, bottom = map(round, part.font.getbbox(part.text))
    image = Image.new("RGBA", (max(right, 1), max(bottom - top, 1)))
    pen = ImageDraw.Draw(image)
    pen.text((0, -top), part.text, fill=INK, font=part.font, embedded_color=True)
    small = image.resize((max(1, round(image.width * part.scale)), max(1, round(image.height * part.scale))))
    sheet.paste(small, (round(left), baseline + 2 - small.height), small)
