"""Pixels of every format and mode against what was put in, or a refusal that gives the reason."""

import io
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from condgen.data.decode import decoded, header, pixels
from condgen.data.store import Bad
from condgen.data_options import DataOptions
from data_files import encoded

RAMP = np.add.outer(np.arange(6) * 40, np.arange(4) * 12).astype(np.uint8)  # 6 high, 4 wide, 0 to 236
COLOUR = np.stack([RAMP, RAMP[::-1], RAMP // 2], 2)
WIDE = RAMP.astype(np.uint16) * 257 + 100
"""16 bits: 100 more than the grey it stands for, which is less than half a level."""
RED = Image.new("RGB", (4, 6), "red")
RGB, GREY = Image.fromarray(COLOUR), Image.fromarray(RAMP)
AS_GREY = np.repeat(RAMP[..., None], 3, 2)
HALF = np.where(np.arange(4) < 2, 0, 255).astype(np.uint8)[None].repeat(6, 0)
OVER_WHITE = np.where(HALF[..., None] > 0, COLOUR, 255).astype(np.uint8)
ONE_BIT = Image.fromarray(RAMP > 100)
AS_BITS = np.repeat((RAMP > 100)[..., None], 3, 2).astype(np.uint8) * 255


def with_alpha(image: Image.Image, alpha: np.ndarray = HALF) -> Image.Image:
    both = image.copy()
    both.putalpha(Image.fromarray(alpha))
    return both


def palette(transparent: bool = False) -> bytes:
    image = Image.fromarray((RAMP // 40).astype(np.uint8), "L").convert("P")
    image.putpalette([value for i in range(256) for value in (40 * i % 256, 10 * i % 256, 255 - i)])
    options: dict[str, Any] = {"transparency": 0} if transparent else {}
    return encoded(image, **options)


SHADES = RAMP // 40
PALETTE = np.stack([40 * SHADES, 10 * SHADES, 255 - SHADES], 2).astype(np.uint8)


def turned(tag: int, kind: str = "JPEG") -> bytes:
    """Stored so that EXIF's tag turns it upright."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = tag
    image = RGB.transpose(undo[tag]) if tag in undo else RGB
    choices: dict[str, dict[str, Any]] = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}
    options = choices.get(kind, {})
    return encoded(image, kind, exif=exif, **options)


GOLDENS: dict[str, tuple[bytes, np.ndarray]] = {
    "png rgb": (encoded(RGB), COLOUR),
    "png grey": (encoded(GREY), AS_GREY),
    "png 1 bit": (encoded(ONE_BIT), AS_BITS),
    "png 16-bit grey": (encoded(Image.fromarray(WIDE)), AS_GREY),
    "png palette": (palette(), PALETTE),
    "png palette, one transparent": (palette(True), np.where(SHADES[..., None] == 0, 255, PALETTE)),
    "png rgba": (encoded(with_alpha(RGB)), OVER_WHITE),
    "png rgba, opaque": (encoded(with_alpha(RGB, np.full_like(RAMP, 255))), COLOUR),
    "png rgba, a third": (encoded(with_alpha(RED, np.full_like(RAMP, 85))), np.full_like(COLOUR, (255, 170, 170))),
    "png grey and alpha": (encoded(with_alpha(GREY)), np.where(HALF[..., None] > 0, AS_GREY, 255)),
    "png rgb, one colour transparent": (
        encoded(RGB, transparency=tuple(COLOUR[0, 0].tolist())),
        np.where((COLOUR[0, 0] == COLOUR).all(2, keepdims=True), 255, COLOUR),
    ),
    "png grey, one shade transparent": (encoded(GREY, transparency=0), np.where(AS_GREY == 0, 255, AS_GREY)),
    "png interlaced by name only": (encoded(RGB, compress_level=0), COLOUR),
    "bmp rgb": (encoded(RGB, "BMP"), COLOUR),
    "bmp grey": (encoded(GREY, "BMP"), AS_GREY),
    "bmp 1 bit": (encoded(ONE_BIT, "BMP"), AS_BITS),
    "gif grey": (encoded(GREY, "GIF"), AS_GREY),
    "gif, one transparent": (
        encoded(Image.fromarray(SHADES.astype(np.uint8)), "GIF", transparency=0),
        np.where(SHADES[..., None] == 0, 255, SHADES[..., None].repeat(3, 2)),
    ),
    "webp lossless": (encoded(RGB, "WEBP", lossless=True), COLOUR),
    "webp lossless, alpha": (encoded(with_alpha(RGB), "WEBP", lossless=True, exact=True), OVER_WHITE),
    "tiff rgb": (encoded(RGB, "TIFF"), COLOUR),
    "tiff lzw": (encoded(RGB, "TIFF", compression="tiff_lzw"), COLOUR),
    "tiff deflate": (encoded(RGB, "TIFF", compression="tiff_adobe_deflate"), COLOUR),
    "tiff packbits": (encoded(GREY, "TIFF", compression="packbits"), AS_GREY),
    "tiff 1 bit, fax": (encoded(ONE_BIT, "TIFF", compression="group4"), AS_BITS),
    "tiff 16-bit grey": (encoded(Image.fromarray(WIDE), "TIFF"), AS_GREY),
    "tiff 16-bit grey, big-endian": (encoded(Image.fromarray(WIDE.astype(">u2")), "TIFF"), AS_GREY),
    "tiff cmyk": (encoded(RGB.convert("CMYK"), "TIFF"), COLOUR),
    "tiff rgba": (encoded(with_alpha(RGB), "TIFF"), OVER_WHITE),
    "tiff turned": (turned(6, "TIFF"), COLOUR),
    "ppm": (encoded(RGB, "PPM"), COLOUR),
    "pgm": (encoded(GREY, "PPM"), AS_GREY),
    "pgm 16-bit": (b"P5 4 6 65535\n" + WIDE.astype(">u2").tobytes(), AS_GREY),
    "pgm up to 99": (b"P5 4 6 99\n" + (AS_GREY // 3)[..., 0].tobytes(), np.floor((AS_GREY // 3) * 255.0 / 99 + 0.5)),
    "pbm": (encoded(ONE_BIT, "PPM"), AS_BITS),
    "png turned": (turned(8, "PNG"), COLOUR),
    "webp turned": (turned(6, "WEBP"), COLOUR),
}  # fmt: skip
SEEN = {"alpha": DataOptions(alpha=True), "background": DataOptions(background="#0a141e")}
HIDDEN = np.where(HALF[..., None] > 0, COLOUR, 0)
KEPT = np.concatenate([HIDDEN, HALF[..., None]], 2)
KEY = tuple(COLOUR[0, 0].tolist())
TRANSPARENT: dict[str, tuple[bytes, np.ndarray]] = {
    "png rgba": (encoded(with_alpha(RGB)), KEPT),
    "png grey and alpha": (
        encoded(with_alpha(GREY)), np.dstack([np.where(HALF[..., None] > 0, AS_GREY, 0), HALF])
    ),
    "png rgb, one colour transparent": (
        encoded(RGB, transparency=KEY), np.dstack([COLOUR, np.full((6, 4), 255)]) * (COLOUR != KEY).any(2)[..., None]
    ),
    "png palette, one transparent": (
        palette(transparent=True), np.dstack([PALETTE, np.full((6, 4), 255)]) * (SHADES > 0)[..., None]
    ),
    "png 16-bit grey, one value transparent": (
        encoded(Image.fromarray(WIDE), transparency=int(WIDE[0, 0])),
        np.dstack([AS_GREY, np.full((6, 4), 255)]) * (WIDE[0, 0] != WIDE)[..., None],
    ),
    "webp lossless": (encoded(with_alpha(RGB), "WEBP", lossless=True, exact=True), KEPT),
    "tiff": (encoded(with_alpha(RGB), "TIFF"), KEPT),
    "opaque": (encoded(RGB), np.dstack([COLOUR, np.full((6, 4), 255)])),
    "grey": (encoded(GREY, "PPM"), np.dstack([AS_GREY, np.full((6, 4), 255)])),
}  # fmt: skip
"""With --alpha; colours are 0 where nothing is visible."""
JPEGS = {f"jpeg, exif {tag}": (turned(tag), COLOUR) for tag in range(1, 9)} | {
    "jpeg grey": (encoded(GREY, "JPEG", quality=100), AS_GREY),
    "jpeg progressive": (encoded(RGB, "JPEG", quality=100, subsampling=0, progressive=True), COLOUR),
    "jpeg cmyk": (encoded(RGB.convert("CMYK"), "JPEG", quality=100), COLOUR),
    "jpeg of two images, as phones write": (
        encoded(RGB, "MPO", save_all=True, append_images=[GREY.convert("RGB")], quality=100, subsampling=0), COLOUR
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GOLDENS)
def test_pixels_are_those_that_were_put_in(name: str) -> None:
    data, expected = GOLDENS[name]
    assert header(data) == (6, 4)
    np.testing.assert_array_equal(pixels(data), expected)


@pytest.mark.parametrize("name", TRANSPARENT)
def test_transparency_is_kept_or_composited_over_a_colour(name: str) -> None:
    data, kept = TRANSPARENT[name]
    found = decoded(data, None, SEEN["alpha"])
    np.testing.assert_array_equal(found.pixels, kept)
    assert found.transparent == (kept[..., 3] < 255).any()
    over = np.where(kept[..., 3:] > 0, kept[..., :3], (10, 20, 30))
    np.testing.assert_array_equal(pixels(data, None, SEEN["background"]), over)


def test_images_that_look_equal_are_equal() -> None:
    """Whatever the invisible colours are, and however the image is scaled."""
    other = RGB.point(lambda value: 255 - value)
    other.paste(RGB, mask=Image.fromarray(HALF))
    one, two = encoded(with_alpha(RGB)), encoded(with_alpha(other))
    assert np.asarray(other).tobytes() != COLOUR.tobytes()
    for size in (None, 3, 17):
        np.testing.assert_array_equal(pixels(one, size, SEEN["alpha"]), pixels(two, size, SEEN["alpha"]))


HOLES = np.where(RAMP > 0, RAMP, np.nan).astype(np.float32)
WINDOWS: dict[str, tuple[bytes, tuple[float, float]]] = {
    "tiff, 12 of 16 bits": (encoded(Image.fromarray(RAMP.astype(np.uint16) * 16), "TIFF"), (0, 4080)),
    "png, 12 of 16 bits": (encoded(Image.fromarray(RAMP.astype(np.uint16) * 16)), (0, 4080)),
    "32-bit": (encoded(Image.fromarray(RAMP.astype(np.int32) - 1000), "TIFF"), (-1000, -745)),
    "float": (encoded(Image.fromarray(RAMP.astype(np.float32) / 255), "TIFF"), (0, 1)),
    "float with holes": (encoded(Image.fromarray(HOLES), "TIFF"), (0, 255)),
}  # fmt: skip


@pytest.mark.parametrize("name", WINDOWS)
def test_a_window_says_what_is_black_and_white(name: str) -> None:
    data, (low, high) = WINDOWS[name]
    np.testing.assert_array_equal(pixels(data, None, DataOptions(window=f"{low},{high}")), AS_GREY)
    half = (low + high) / 2
    assert (pixels(data, None, DataOptions(window=f"{low},{half}"))[RAMP >= 128] == 255).all(), "clipped, not wrapped"


def test_8_bits_have_no_window() -> None:
    np.testing.assert_array_equal(pixels(encoded(RGB), None, DataOptions(window="0,4095")), COLOUR)


@pytest.mark.parametrize("name", JPEGS)
def test_jpegs_are_near_what_was_put_in(name: str) -> None:
    data, expected = JPEGS[name]
    assert header(data) == (6, 4)
    assert np.abs(pixels(data).astype(int) - expected).mean() < 3


def test_there_are_forty_of_them() -> None:
    assert len(GOLDENS) + len(JPEGS) >= 40


def test_a_colour_profile_is_heeded() -> None:
    """Through a profile whose red and blue are exchanged, against littleCMS itself; sRGB changes nothing."""
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert (pixels(encoded(RGB, icc_profile=lab)) == COLOUR).all()
    wide = lab.replace(b"sRGB", b"xRGB").replace(b"rXYZ", b"tXYZ").replace(b"bXYZ", b"rXYZ").replace(b"tXYZ", b"bXYZ")
    own = ImageCms.ImageCmsProfile(io.BytesIO(wide))
    expected = ImageCms.profileToProfile(RGB, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
    found = pixels(encoded(RGB, icc_profile=wide))
    assert (found == np.asarray(expected)).all()
    assert (found != COLOUR).any()
    assert (pixels(encoded(RGB, icc_profile=b"no profile at all")) == COLOUR).all()


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header promises this, and nothing behind it."""
    small = bytearray(encoded(GREY))
    small[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    small[29:33] = zlib.crc32(bytes(small[12:29])).to_bytes(4, "big")
    return bytes(small)


UNSUPPORTED = "not an image in a supported format"
REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "not a number": (lambda: encoded(Image.fromarray(np.full((6, 4), np.nan, np.float32)), "TIFF"), "no finite value"),
    "lab": (lambda: encoded(Image.new("LAB", (4, 6)), "TIFF"), "CIE Lab"),
    "animated gif": (
        lambda: encoded(GREY, "GIF", save_all=True, append_images=[ImageOps.invert(GREY)]),
        "has 2 frames",
    ),
    "animated png": (lambda: encoded(GREY, save_all=True, append_images=[ImageOps.invert(GREY)]), "has 2 frames"),
    "animated webp": (lambda: encoded(RGB, "WEBP", save_all=True, append_images=[GREY]), "has 2 frames"),
    "pages": (lambda: encoded(GREY, "TIFF", save_all=True, append_images=[GREY]), "has 2 frames"),
    "bomb": (lambda: bomb(60_000, 60_000), "too large: at most 50 megapixels"),
    "thin bomb": (lambda: bomb(1, 60_000), "too large: 1 x 60,000 pixels; at most"),
    "postscript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", f"is PostScript, {UNSUPPORTED}"),
    "jpeg xl": (lambda: b"\xff\x0a" + b"\0" * 40, "convert it, for example to PNG"),
    "avif": (lambda: b"\0\0\0\x1cftypavif" + b"\0" * 40, "give it the ending .avif"),
    "heic": (lambda: b"\0\0\0\x1cftypheic" + b"\0" * 40, f"is HEIC, {UNSUPPORTED}"),
    "svg": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>', f"is SVG, {UNSUPPORTED}"),
    "photoshop": (lambda: b"8BPS\0\x01" + b"\0" * 40, f"is Photoshop, {UNSUPPORTED}"),
    "icon": (lambda: encoded(RGB, "ICO"), f"is Windows icon, {UNSUPPORTED}"),
    "text": (lambda: b"hello", UNSUPPORTED),
    "nothing": (lambda: b"", UNSUPPORTED),
    "cut": (lambda: encoded(RGB)[:-30], "cannot be read"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused_with_the_reason(name: str) -> None:
    make, reason = REFUSED[name]
    with pytest.raises(Bad, match=reason):
        pixels(make())


@pytest.mark.parametrize("name", ["bomb", "thin bomb", "postscript", "animated gif"])
def test_the_header_alone_is_enough_to_refuse_it(name: str) -> None:
    make, reason = REFUSED[name]
    with pytest.raises(Bad, match=reason):
        header(make())


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_squares(fit: str) -> None:
    """An image 20 wide and 10 high: white, its left and right quarters black."""
    wide = np.full((10, 20, 3), 255, np.uint8)
    wide[:, :5] = wide[:, 15:] = 0
    small = pixels(encoded(Image.fromarray(wide)), 10, DataOptions(fit=fit))
    assert small.shape == (10, 10, 3)
    assert (small[0, 5, 0] > 128) == (fit != "pad"), "bars above and below"
    assert (small[5, 0, 0] > 128) == (fit == "crop"), "the sides are cut off"
    assert small[5, 5, 0] > 240


def test_scaling_takes_every_pixel_into_account() -> None:
    board = np.indices((64, 64)).sum(0) % 2 * 255
    small = pixels(encoded(Image.fromarray(board.astype(np.uint8))), 8)
    assert np.abs(small.astype(int) - 127).max() <= 2, "without antialiasing a chessboard turns black, white or striped"
