"""One image file -> pixels. Only a few formats are accepted, recognised by content; others are refused with a reason.

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
"""Let in, by content and not by name. Some phones write JPEGs of several images (MPO): the first one is meant."""
PIXELS, SIDE = 50_000_000, 20_000
"""At most, by the header, before anything is unpacked."""
PAPER = (255, 255, 255)
"""Shows through where an image is transparent."""
ORIENTATION = 0x0112  # EXIF's tag


class Header(NamedTuple):
    """Of an image as it is meant to be seen."""

    height: int
    width: int


def header(data: bytes) -> Header:
    """Sides of an image, from its header alone. Raises Bad with the reason if it cannot be used."""
    with _naming(), _opened(data) as image:
        width, height = image.size
        turned = image.format != "TIFF" and lying(image) >= 5  # Pillow turns TIFFs by itself
        return Header(width, height) if turned else Header(height, width)


def pixels(data: bytes, size: int | None = None, fit: Fit = "crop") -> NDArray[np.uint8]:
    """An image as uint8 (h, w, 3), upright and in sRGB; scaled to (size, size) if given. Raises Bad with the reason.

    fit: of other than square images, crop to the central square, pad with black to a square, or stretch.
    """
    with _naming(), _opened(data) as image:
        image.load()
        seen = in_rgb(ImageOps.exif_transpose(image) if lying(image) > 1 else image)
        return np.array(seen if size is None else fitted(seen, size, fit), np.uint8)


def lying(image: Image.Image) -> int:
    """How the image is turned, by EXIF: 1 is upright, 2 to 4 are mirrored or on the head, 5 to 8 on the side."""
    found = image.getexif().get(ORIENTATION, 1)
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def fitted(image: Image.Image, size: int, fit: Fit) -> Image.Image:
    """Scaled to a square by Lanczos, which takes every pixel into account (antialiasing)."""
    square, lanczos = (size, size), Image.Resampling.LANCZOS
    if fit == "crop":
        return ImageOps.fit(image, square, lanczos)
    return ImageOps.pad(image, square, lanczos) if fit == "pad" else image.resize(square, lanczos)


def in_rgb(image: Image.Image) -> Image.Image:
    """Any mode as RGB: 16 bits scaled, not clipped; transparency over white; profiles turned into sRGB.

    Raises Bad where white cannot be known.
    """
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
        return Image.fromarray((np.asarray(image, np.float64) / 257).round().astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F", "LAB"):
        what = {"I": "32-bit integers", "F": "floating point numbers"}.get(image.mode, "CIE Lab")
        raise Bad(f"holds {what}, whose white is anybody's guess; save it with 8 or 16 bits")
    if image.has_transparency_data:
        seen = Image.new("RGBA", image.size, PAPER)
        seen.alpha_composite(image.convert("RGBA"))
        flat = seen.convert("RGB")
        flat.info["icc_profile"] = image.info.get("icc_profile")
        return in_srgb(flat)
    return in_srgb(image if image.mode in ("RGB", "CMYK") else image.convert("RGB"))


def in_srgb(image: Image.Image) -> Image.Image:
    """RGB or CMYK by its colour profile, if it has one that says something else than sRGB."""
    profile = image.info.get("icc_profile")
    if profile and b"sRGB" not in profile:
        try:
            own, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
            if own.profile.xcolor_space.strip() == image.mode:
                turned = ImageCms.profileToProfile(image, own, srgb, outputMode="RGB")
                assert turned
                return turned
        except (ImageCms.PyCMSError, OSError):
            pass  # browsers show an image with a damaged profile as if it had none
    return image.convert("RGB")


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """An image whose header was read and found harmless; nothing is unpacked yet."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if image.width * image.height > PIXELS or max(image.size) > SIDE:
            raise Bad(f"is too large to be meant: {image.width} x {image.height} pixels")
        if image.format != "MPO" and (frames := getattr(image, "n_frames", 1)) > 1:
            raise Bad(f"has {frames} frames; save the one that is meant")
        yield image


@contextmanager
def _naming() -> Iterator[None]:
    """Turns whatever a damaged file makes Pillow raise into a reason."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd tags; what matters is raised
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except Bad:
        raise
    except UnidentifiedImageError:
        raise Bad(f"is no image in a format that is read here ({', '.join(FORMATS)})") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Bad("is too large to be meant") from None
    except MemoryError:
        raise Bad("does not fit into memory") from None
    except Exception as error:  # fuzzed files raise nearly anything; no file may end a training
        raise Bad(f"cannot be read: {error or type(error).__name__}") from None
