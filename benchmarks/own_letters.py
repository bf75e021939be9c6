"""Letters drawn from the fonts of Debian packages: 52 classes, a folder each, 28x28 pixels, grey or coloured.

The fonts that are installed decide how many images there are; `apt install` of all packages gave the published ones.
Files that draw the same letter with the same pixels count once, as do those that lack it.
"""

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from string import ascii_letters

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from condgen.sampling import canvas

ROOT = Path("/usr/share/fonts")
PACKAGES = (
    "fonts-dejavu-core", "fonts-dejavu-extra", "fonts-liberation", "fonts-freefont-ttf", "fonts-lato",
    "fonts-open-sans", "fonts-roboto-unhinted", "fonts-lmodern", "fonts-cmu", "fonts-cantarell",
    "fonts-linuxlibertine", "fonts-gfs-didot", "fonts-crosextra-carlito", "fonts-crosextra-caladea",
    "fonts-inconsolata", "fonts-hack", "fonts-firacode", "fonts-comfortaa", "fonts-junicode", "fonts-ebgaramond",
    "fonts-cabin", "fonts-quicksand", "fonts-sil-gentium", "fonts-sil-charis", "fonts-texgyre", "fonts-urw-base35",
    "fonts-league-spartan", "fonts-fantasque-sans", "fonts-anonymous-pro", "fonts-lobster", "fonts-dosis",
    "fonts-courier-prime",
)  # fmt: skip
SYMBOLS = ("D050000L", "StandardSymbols", "math", "Math", "Keyboard", "Initials", "Emoji")
"""Parts of the names of files whose letters are ornaments or mathematical signs."""
SIDE, EM, BASELINE = 28, 22, 21
"""Pixels: of an image, of the em square, from the top to the baseline. Equal for all letters, so that c is no C."""
CONTRAST = 4.5
"""Smallest ratio of luminance between letter and background, that of WCAG 2.1 for text."""


def fonts() -> list[Path]:
    """The font files of the packages that are installed, one per file name, sorted."""
    told = subprocess.run(["dpkg-query", "-L", *PACKAGES], capture_output=True, text=True, check=False).stdout
    found = {Path(line) for line in told.splitlines() if line.startswith(str(ROOT))}
    names = {path.stem: path for path in sorted(found, reverse=True) if path.suffix.lower() in (".ttf", ".otf", ".pfb")}
    return sorted(path for path in names.values() if not any(part in path.name for part in SYMBOLS))


def letters(files: list[Path], coloured: bool) -> Iterator[tuple[str, bytes]]:
    """Name, such as lower_a/Lato-Bold.png, and content as PNG."""
    seen: set[bytes] = set()
    for file in files:
        font = ImageFont.truetype(str(file), EM)
        missing = drawn(font, "\uffff").tobytes()
        for letter in ascii_letters:
            mask = drawn(font, letter)
            if mask.max() < 128 or mask.tobytes() == missing or letter.encode() + mask.tobytes() in seen:
                continue
            seen.add(letter.encode() + mask.tobytes())
            image = painted(mask, f"{file.stem} {letter}") if coloured else 255 - mask[..., None]
            case = "lower" if letter.islower() else "upper"
            yield f"{case}_{letter}/{file.stem}.png", canvas.png(canvas.to_pil(image))


def drawn(font: ImageFont.FreeTypeFont, letter: str) -> NDArray[np.uint8]:
    """Coverage of the pixels, (28, 28): the letter on its baseline, its ink centred from left to right."""
    sheet = Image.new("L", (SIDE, SIDE))
    left, _, right, _ = font.getbbox(letter, anchor="ls")
    place = ((SIDE - (right - left)) / 2 - left, BASELINE)
    ImageDraw.Draw(sheet).text(place, letter, 255, font, anchor="ls")
    return np.asarray(sheet)


def painted(mask: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """The letter in a random colour on another one, which are a function of the name: uint8 (28, 28, 3)."""
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]))
    while True:
        ink, paper = rng.integers(0, 256, (2, 3))
        if contrast(ink, paper) >= CONTRAST:
            break
    share = mask[..., None] / 255
    return (share * ink + (1 - share) * paper).round().astype(np.uint8)


def contrast(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.1)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: NDArray[np.int64]) -> float:
    """Relative luminance of an sRGB colour, 0 to 1 (WCAG 2.1)."""
    levels = colour / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))
