"""Decodes one image file. A few formats, recognised by content, are accepted; others are rejected with a reason.

Pillow alone would also clip 16-bit grey to white, ignore transparency, and start a PostScript interpreter.
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
from condgen.spec import Fit

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
"""Accepted formats, recognised by content, not by file name. Some phones write several images into one JPEG (MPO); the
first one is used."""
PIXELS, SIDE = 50_000_000, 20_000
"""Maximum number of pixels and maximum side, checked in the header before any pixel is decoded."""
LIMIT = f"at most {PIXELS // 1_000_000} megapixels and {SIDE:,} pixels along a side are read"
PAPER = (255, 255, 255)
"""Background colour of transparent images."""
ORIENTATION = 0x0112  # EXIF tag


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


def pixels(data: bytes, size: int | None = None, fit: Fit = "crop") -> NDArray[np.uint8]:
    """Decode an image to uint8 (h, w, 3), upright and in sRGB; scaled to (size, size) if given. Raises Bad, with the
    reason.

    fit: how an image that is not square becomes square: crop the centre, pad with black, or stretch.
    """
    with _naming(), _opened(data) as image:
        image.load()
        seen = in_rgb(ImageOps.exif_transpose(image) if lying(image) > 1 else image)
        return np.array(seen if size is None else fitted(seen, size, fit), np.uint8)


def lying(image: Image.Image) -> int:
    """The EXIF orientation: 1 is upright, 2 to 4 are flipped or rotated by 180 degrees, 5 to 8 swap both sides."""
    found = image.getexif().get(ORIENTATION, 1)
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def fitted(image: Image.Image, size: int, fit: Fit) -> Image.Image:
    """Scale an image to a square with the Lanczos filter, which antialiases."""
    square, lanczos = (size, size), Image.Resampling.LANCZOS
    if fit == "crop":
        return ImageOps.fit(image, square, lanczos)
    return ImageOps.pad(image, square, lanczos) if fit == "pad" else image.resize(square, lanczos)


def in_rgb(image: Image.Image) -> Image.Image:
    """Convert an image of any mode to RGB: 16 bits are scaled, not clipped; transparency is composited over white;
    colour profiles are converted to sRGB.

    Raises Bad if the value of white is not defined.
    """
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
        return Image.fromarray((np.asarray(image, np.float64) / 257).round().astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F", "LAB"):
        what = {"I": "32-bit integers", "F": "floating-point numbers"}.get(image.mode, "CIE Lab")
        raise Bad(f"holds {what}, for which no value is known to be white; save it with 8 or 16 bits")
    if image.has_transparency_data:
        seen = Image.new("RGBA", image.size, PAPER)
        seen.alpha_composite(image.convert("RGBA"))
        flat = seen.convert("RGB")
        flat.info["icc_profile"] = image.info.get("icc_profile")
        return in_srgb(flat)
    return in_srgb(image if image.mode in ("RGB", "CMYK") else image.convert("RGB"))


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


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """Open an image, and check the size in its header before any pixel is decoded."""
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
