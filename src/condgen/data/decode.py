"""Decodes one image file. A few formats, recognised by content, are accepted; others are rejected with a reason.

Pillow alone would also clip 16-bit grey to white, ignore transparency, and start a PostScript interpreter. Transparent
images are composited over --background or kept with --alpha; images with more than 8 bits are read through --window.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from condgen.data.store import Bad
from condgen.data.transparency import cleared, over
from condgen.data.window import extent, windowed
from condgen.data_options import AS_THEY_ARE, Colour, DataOptions
from condgen.spec import Fit

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
"""Accepted formats, recognised by content, not by file name. Some phones write several images into one JPEG (MPO); the
first one is used."""
PIXELS, SIDE = 50_000_000, 20_000
"""Maximum number of pixels and maximum side, checked in the header before any pixel is decoded."""
LIMIT = f"at most {PIXELS // 1_000_000} megapixels and {SIDE:,} pixels along a side are read"
ORIENTATION = 0x0112  # EXIF tag
SIXTEEN = "16-bit values"
UNBOUNDED = {"I": "32-bit integers", "F": "floating-point numbers"}
"""Modes of Pillow whose value of white is not defined."""
FOREIGN = {
    b"\xff\x0a": "JPEG XL", b"\0\0\0\x0cJXL ": "JPEG XL", b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000", b"8BPS": "Photoshop", b"%!PS": "PostScript", b"%PDF": "PDF", b"<svg": "SVG",
    b"\0\0\x01\0": "Windows icon",
}  # fmt: skip
"""First bytes of formats that are named in the reason, since files in them are common."""
BRANDS = {
    b"avif": "AVIF", b"avis": "AVIF",
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"), "HEIC"),
}  # fmt: skip
"""The same for the container of AVIF and HEIC, by the brand after `ftyp`."""
CONVERTED = {"AVIF": ".avif", "HEIC": ".heic", "JPEG 2000": ".jp2"}
"""Formats that foreign_images.py converts before they get here, if the name ends as usual."""


class Header(NamedTuple):
    """Height and width of an image, in pixels, after rotation according to EXIF."""

    height: int
    width: int


def header(data: bytes) -> Header:
    """Read height and width of an image from its header. Raises Bad, with the reason, if the image cannot be used."""
    with _naming(), _opened(data) as image:
        width, height = image.size
        turned = image.format != "TIFF" and lying(image) >= 5  # Pillow rotates TIFFs by itself
        return Header(width, height) if turned else Header(height, width)


class Values(NamedTuple):
    """The values of an image with more than 8 bits per pixel."""

    kind: str
    """SIXTEEN, or a value of UNBOUNDED."""
    low: float
    high: float


class Decoded(NamedTuple):
    """A decoded image, and what a user should know about it."""

    pixels: NDArray[np.uint8]
    """(h, w, 3), or with --alpha (h, w, 4)."""
    transparent: bool = False
    """Whether the file has pixels that are not opaque."""
    values: Values | None = None
    """None for images with 8 bits."""


def decoded(data: bytes, size: int | None = None, options: DataOptions = AS_THEY_ARE) -> Decoded:
    """Decode an image, upright and in sRGB; scaled to (size, size) if given. Raises Bad, with the reason.

    Values whose white is not defined become black if there is no window. The reader of a data set asks for one.
    """
    with _naming(), _opened(data) as image:
        image.load()
        turned = ImageOps.exif_transpose(image) if lying(image) > 1 else image
        seen, values = in_8_bits(turned, options.black_and_white)
        transparent = has_transparency(seen)
        seen = in_rgba(seen) if options.alpha else in_rgb(seen, options.backdrop)
        found = np.array(seen if size is None else fitted(seen, size, options.fit), np.uint8)
        return Decoded(cleared(found) if options.alpha else found, transparent, values)


def pixels(data: bytes, size: int | None = None, options: DataOptions = AS_THEY_ARE) -> NDArray[np.uint8]:
    """The pixels of `decoded`."""
    return decoded(data, size, options).pixels


def lying(image: Image.Image) -> int:
    """The EXIF orientation: 1 is upright, 2 to 4 are flipped or rotated by 180 degrees, 5 to 8 swap both sides."""
    found = image.getexif().get(ORIENTATION, 1)
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def fitted(image: Image.Image, size: int, fit: Fit) -> Image.Image:
    """Scale an image to a square with the Lanczos filter, which antialiases. Pillow premultiplies colours by alpha."""
    square, lanczos = (size, size), Image.Resampling.LANCZOS
    if fit == "crop":
        return ImageOps.fit(image, square, lanczos)
    return ImageOps.pad(image, square, lanczos) if fit == "pad" else image.resize(square, lanczos)


def in_8_bits(image: Image.Image, window: tuple[float, float] | None) -> tuple[Image.Image, Values | None]:
    """Convert an image with more than 8 bits to 8 bits, and tell its values. Other images are returned unchanged.

    window: the values that become black and white. By default, those of 16 bits are 0 and 65,535, and there are none of
    other depths, which become black.
    """
    sixteen = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM")
    if image.mode == "LAB":
        raise Bad("holds CIE Lab; save it as RGB")
    if not sixteen and image.mode not in UNBOUNDED:
        return image, None
    raw = np.asarray(image)
    try:
        values = Values(SIXTEEN if sixteen else UNBOUNDED[image.mode], *extent(raw))
    except ValueError:
        raise Bad("holds no finite value") from None
    bounds = window or ((0, 65_535) if sixteen else None)
    shown = Image.fromarray(windowed(raw, bounds) if bounds else np.zeros(raw.shape, np.uint8))
    if (key := image.info.get("transparency")) is not None:  # one value of a PNG is transparent
        shown.putalpha(Image.fromarray(np.where(raw == key, 0, 255).astype(np.uint8)))
    return shown, values


def has_transparency(image: Image.Image) -> bool:
    """Whether any pixel of an 8-bit image is not opaque."""
    return image.has_transparency_data and image.convert("RGBA").getchannel("A").getextrema()[0] != 255


def in_rgb(image: Image.Image, background: Colour) -> Image.Image:
    """Convert an 8-bit image of any mode to sRGB. Transparency is composited over a colour."""
    if image.has_transparency_data:
        return over(in_rgba(image), background)
    return in_srgb(image if image.mode in ("RGB", "CMYK") else image.convert("RGB"))


def in_rgba(image: Image.Image) -> Image.Image:
    """Convert an 8-bit image of any mode to sRGB with alpha. Colours are not multiplied by alpha."""
    if not image.has_transparency_data:
        return in_srgb(image if image.mode in ("RGB", "CMYK") else image.convert("RGB")).convert("RGBA")
    both = image.convert("RGBA")
    colour = both.convert("RGB")
    colour.info["icc_profile"] = image.info.get("icc_profile")
    shown = in_srgb(colour)
    shown.putalpha(both.getchannel("A"))
    return shown


def in_srgb(image: Image.Image) -> Image.Image:
    """Convert RGB or CMYK to sRGB, using the embedded colour profile if it is not sRGB already."""
    profile = image.info.get("icc_profile")
    if profile and b"sRGB" not in profile:
        try:
            own, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
            if own.profile.xcolor_space.strip() == image.mode:
                turned = ImageCms.profileToProfile(image, own, srgb, outputMode="RGB")
                assert turned
                return turned
        except (ImageCms.PyCMSError, OSError):
            pass  # browsers ignore a damaged profile too
    return image.convert("RGB")


def foreign(data: bytes) -> str | None:
    """The name of a common format that is not read here, by the first bytes; None for other files."""
    if data[4:8] == b"ftyp":
        return BRANDS.get(data[8:12])
    return next((name for start, name in FOREIGN.items() if data.startswith(start)), None)


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """Open an image, and check the size in its header before any pixel is decoded."""
    if what := foreign(data):
        remedy = f"give it the ending {CONVERTED[what]}" if what in CONVERTED else "convert it, for example to PNG"
        raise Bad(f"is {what}, not an image in a supported format ({', '.join(FORMATS)}); {remedy}")
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if image.width * image.height > PIXELS or max(image.size) > SIDE:
            raise Bad(f"is too large: {image.width:,} x {image.height:,} pixels; {LIMIT}")
        if image.format != "MPO" and (frames := getattr(image, "n_frames", 1)) > 1:
            raise Bad(f"has {frames} frames; save one frame as an image of its own")
        yield image


@contextmanager
def _naming() -> Iterator[None]:
    """Convert any exception that Pillow raises for a damaged file to Bad, with a reason."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about unusual tags; serious problems raise
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except Bad:
        raise
    except UnidentifiedImageError:
        raise Bad(f"is not an image in a supported format ({', '.join(FORMATS)})") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Bad(f"is too large: {LIMIT}") from None
    except MemoryError:
        raise Bad("does not fit into memory") from None
    except Exception as error:  # fuzzed files raise almost any exception; no single file may stop a training
        raise Bad(f"cannot be read: {error or type(error).__name__}") from None
