"""Converts image files that decode.py does not read to PNG while they are read: DICOM, NIfTI, HEIC, AVIF, JPEG 2000.

They need the extras `medical` and `formats`. Nothing is written. Values of more than 8 bits, such as Hounsfield units,
are converted with --window LOW,HIGH; without it, a question shows the values of the first file.
"""

import io
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from condgen.data.decode import PIXELS, foreign
from condgen.data.listing import Listing
from condgen.data.store import LARGEST, Bad, Images
from condgen.data.window import answers, as_option, windowed
from condgen.data_options import DataOptions
from condgen.errors import Question, needs

VERSION = 1
LOOKED_AT = 3
"""Number of files whose values are looked at before the question which are black and white."""
Window = tuple[float, float] | None


def converting(listing: Listing, options: DataOptions) -> Listing:
    """The same listing, with a store that converts foreign images. Raises Question if they need --window."""
    foreign = [name for name in listing.images if name.lower().endswith(ENDINGS)]
    if not foreign:
        return listing
    window = options.black_and_white
    for name in foreign[:LOOKED_AT] if window is None else ():
        with suppress(Bad):
            _check_window(name, listing.store.read(name), str(listing.store.path))
    return replace(listing, store=Converted(listing.store, window))


def uses_window(name: str) -> bool:
    """Whether a file has the name of an image that is converted with --window while it is read."""
    return name.lower().endswith(MEDICAL)


class Converted:
    """Images of a store, converted to PNG where necessary."""

    def __init__(self, store: Images, window: Window) -> None:
        self.path, self._store, self._window = store.path, store, window

    @property
    def odd(self) -> dict[str, str]:
        return self._store.odd

    def read(self, name: str) -> bytes:
        """The bytes of an image in a format that decode.py reads. Raises Bad with the reason."""
        data = self._store.read(name)
        convert = _converter(name, data)
        return data if convert is None else convert(data, self._window)

    def stamp(self, names: Iterable[str]) -> str:
        return f"{self._store.stamp(names)} {VERSION} {self._window}"


def _converter(name: str, data: bytes) -> Callable[[bytes, Window], bytes] | None:
    """The function that converts a file, chosen by content or, without a signature, by its ending."""
    name = name.lower()
    if data[128:132] == b"DICM" or name.endswith((".dcm", ".dicom")):
        return _dicom
    if name.endswith((".nii", ".nii.gz")):
        return _nifti
    return {"HEIC": _heic, "AVIF": _avif, "JPEG 2000": _jpeg_2000}.get(foreign(data) or "")


MEDICAL = (".dcm", ".dicom", ".nii", ".nii.gz")
ENDINGS = (*MEDICAL, ".heic", ".heif", ".hif", ".avif", ".jp2", ".j2k")


def _check_window(name: str, data: bytes, where: str) -> None:
    """Raise Question if a file has values whose black and white only --window can tell."""
    if _converter(name, data) not in (_dicom, _nifti):
        return
    values, suggested, _ = (_dicom_values if _converter(name, data) is _dicom else _nifti_values)(data)
    if values.dtype == np.uint8:
        return
    low, high = float(values.min()), float(values.max())
    likely = [as_option(*window) for window in suggested] or answers(low, high, values.dtype)
    doubt = f"{where!r}: {name} has values from {low:g} to {high:g}"
    raise Question(f"{doubt}; which are black and white?", likely)


def _dicom(data: bytes, window: Window) -> bytes:
    values, _, inverted = _dicom_values(data)
    seen = _in_bytes(values, window)
    return _png(ImageOps.invert(seen) if inverted else seen)


def _dicom_values(data: bytes) -> tuple[NDArray[Any], list[tuple[float, float]], bool]:
    """The values of a DICOM image after its rescaling, such as Hounsfield units; the windows that it suggests; and
    whether low values are white (MONOCHROME1). 8-bit images are uint8."""
    with needs("medical"):
        import pydicom
        from pydicom.pixels.processing import apply_rescale
    try:
        image = pydicom.dcmread(io.BytesIO(data), force=True)
        if int(image.get("NumberOfFrames", 1) or 1) > 1:
            raise Bad(f"has {image.NumberOfFrames} frames; save the one that is meant")
        pixels = image.pixel_array
        if pixels.dtype != np.uint8:
            pixels = np.asarray(apply_rescale(pixels, image), np.float32)
        return pixels, _suggested(image), image.get("PhotometricInterpretation") == "MONOCHROME1"
    except Bad:
        raise
    except Exception as error:  # damaged files raise almost any exception in pydicom
        raise Bad(f"cannot be read as DICOM: {_short(error)}") from None


def _suggested(image: Any) -> list[tuple[float, float]]:
    """The windows in the header of a DICOM image, as lowest and highest value."""
    centers, widths = image.get("WindowCenter"), image.get("WindowWidth")
    if centers is None or widths is None:
        return []
    both = zip(np.atleast_1d(centers).tolist(), np.atleast_1d(widths).tolist(), strict=False)
    return [(float(center) - float(width) / 2, float(center) + float(width) / 2) for center, width in both]


def _nifti(data: bytes, window: Window) -> bytes:
    return _png(_in_bytes(_nifti_values(data)[0], window))


def _nifti_values(data: bytes) -> tuple[NDArray[Any], list[tuple[float, float]], bool]:
    """The values of a NIfTI file with one slice, with the first axis to the right and the second upward."""
    with needs("medical"):
        import nibabel
    try:
        plain = _gunzipped(data) if data[:2] == b"\x1f\x8b" else data
        image: Any = nibabel.Nifti1Image.from_bytes(plain)
        values = np.asarray(image.dataobj)
    except Bad:
        raise
    except Exception as error:  # damaged files raise almost any exception in nibabel
        raise Bad(f"cannot be read as NIfTI: {_short(error)}") from None
    slices = [size for size in values.shape if size > 1]
    if len(slices) != 2:
        raise Bad(
            f"is a volume of {' x '.join(map(str, values.shape))} values; save the slices that are meant as images"
        )
    flat = np.rot90(values.reshape(slices))
    return (flat if flat.dtype == np.uint8 else flat.astype(np.float32)), [], False


def _gunzipped(data: bytes) -> bytes:
    machine = zlib.decompressobj(wbits=31)
    found = machine.decompress(data, LARGEST + 1)
    if len(found) > LARGEST or not machine.eof:
        raise Bad("is cut, or larger than the limit when unpacked")
    return found


def _heic(data: bytes, _: Window) -> bytes:
    with needs("formats"):
        import pillow_heif
    try:
        image = pillow_heif.open_heif(io.BytesIO(data))
        _check_size(image.size)
        return _png(image.to_pillow())
    except Bad:
        raise
    except Exception as error:  # damaged files raise almost any exception in libheif
        raise Bad(f"cannot be read as HEIC: {_short(error)}") from None


def _avif(data: bytes, _: Window) -> bytes:
    return _by_pillow(data, "AVIF")


def _jpeg_2000(data: bytes, _: Window) -> bytes:
    return _by_pillow(data, "JPEG2000")


def _by_pillow(data: bytes, kind: str) -> bytes:
    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            _check_size(image.size)
            return _png(ImageOps.exif_transpose(image))
    except UnidentifiedImageError:
        raise Bad(f"is no {kind}, or this Pillow cannot read it") from None
    except Exception as error:  # damaged files raise almost any exception in Pillow
        raise Bad(f"cannot be read as {kind}: {_short(error)}") from None


def _in_bytes(values: NDArray[Any], window: Window) -> Image.Image:
    if values.dtype == np.uint8:
        return Image.fromarray(values)
    if window is None:
        raise Bad("has values of more than 8 bits; say which are black and white with --window LOW,HIGH")
    return Image.fromarray(windowed(values, window))


def _check_size(size: tuple[int, int]) -> None:
    if size[0] * size[1] > PIXELS:
        raise Bad(f"is too large to be meant: {size[0]} x {size[1]} pixels")


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
