"""One picture file -> pixels: the few formats that are let in, by content; the rest is refused with a reason.

Pillow would also clip 16-bit grey to white, show what is transparent, and start a PostScript interpreter.
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
"""Let in, by content and not by name. Some phones write JPEGs of several pictures (MPO): the first one is meant."""
PIXELS, SIDE = 50_000_000, 20_000
"""At most, by the header, before anything is unpacked."""
PAPER = (255, 255, 255)
"""Shows through where a picture is transparent."""
ORIENTATION = 0x0112  # EXIF's tag


class Header(NamedTuple):
    """Of a picture as it is meant to be seen."""

    height: int
    width: int


def header(data: bytes) -> Header:
    """Sides of a picture, from its header alone. Raises Bad with the reason if it cannot be used."""
    with _naming(), _opened(data) as picture:
        width, height = picture.size
        turned = picture.format != "TIFF" and lying(picture) >= 5  # Pillow turns TIFFs by itself
        return Header(width, height) if turned else Header(height, width)


def pixels(data: bytes, size: int | None = None, fit: Fit = "crop") -> NDArray[np.uint8]:
    """A picture as uint8 (h, w, 3), upright and in sRGB; scaled to (size, size) if given. Raises Bad with the reason.

    fit: of other than square pictures, crop to the central square, pad with black to a square, or stretch.
    """
    with _naming(), _opened(data) as picture:
        picture.load()
        seen = in_rgb(ImageOps.exif_transpose(picture) if lying(picture) > 1 else picture)
        return np.array(seen if size is None else fitted(seen, size, fit), np.uint8)


def lying(picture: Image.Image) -> int:
    """How the picture is turned, by EXIF: 1 is upright, 2 to 4 are mirrored or on the head, 5 to 8 on the side."""
    found = picture.getexif().get(ORIENTATION, 1)
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def fitted(picture: Image.Image, size: int, fit: Fit) -> Image.Image:
    """Scaled to a square by Lanczos, which takes every pixel into account (antialiasing)."""
    square, lanczos = (size, size), Image.Resampling.LANCZOS
    if fit == "crop":
        return ImageOps.fit(picture, square, lanczos)
    return ImageOps.pad(picture, square, lanczos) if fit == "pad" else picture.resize(square, lanczos)


def in_rgb(picture: Image.Image) -> Image.Image:
    """Any mode as RGB: 16 bits scaled, not clipped; transparency over white; profiles turned into sRGB.

    Raises Bad where white cannot be known.
    """
    if picture.mode.startswith("I;16") or (picture.mode == "I" and picture.format == "PPM"):
        return Image.fromarray((np.asarray(picture, np.float64) / 257).round().astype(np.uint8)).convert("RGB")
    if picture.mode in ("I", "F", "LAB"):
        what = {"I": "32-bit integers", "F": "floating point numbers"}.get(picture.mode, "CIE Lab")
        raise Bad(f"holds {what}, whose white is anybody's guess; save it with 8 or 16 bits")
    if picture.has_transparency_data:
        seen = Image.new("RGBA", picture.size, PAPER)
        seen.alpha_composite(picture.convert("RGBA"))
        flat = seen.convert("RGB")
        flat.info["icc_profile"] = picture.info.get("icc_profile")
        return in_srgb(flat)
    return in_srgb(picture if picture.mode in ("RGB", "CMYK") else picture.convert("RGB"))


def in_srgb(picture: Image.Image) -> Image.Image:
    """RGB or CMYK by its colour profile, if it has one that says something else than sRGB."""
    profile = picture.info.get("icc_profile")
    if profile and b"sRGB" not in profile:
        try:
            own, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
            if own.profile.xcolor_space.strip() == picture.mode:
                turned = ImageCms.profileToProfile(picture, own, srgb, outputMode="RGB")
                assert turned
                return turned
        except (ImageCms.PyCMSError, OSError):
            pass  # browsers show a picture with a damaged profile as if it had none
    return picture.convert("RGB")


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """A picture whose header was read and found harmless; nothing is unpacked yet."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
        if picture.width * picture.height > PIXELS or max(picture.size) > SIDE:
            raise Bad(f"is too large to be meant: {picture.width} x {picture.height} pixels")
        if picture.format != "MPO" and (frames := getattr(picture, "n_frames", 1)) > 1:
            raise Bad(f"has {frames} frames; save the one that is meant")
        yield picture


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
        raise Bad(f"is no picture in a format that is read here ({', '.join(FORMATS)})") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Bad("is too large to be meant") from None
    except MemoryError:
        raise Bad("does not fit into memory") from None
    except Exception as error:  # fuzzed files raise nearly anything; no file may end a training
        raise Bad(f"cannot be read: {error or type(error).__name__}") from None
