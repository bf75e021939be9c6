"""Finds fonts for titles in any script among the fonts of the machine, character by character.

Most titles need none of this: the default font draws them, and no font is searched for.
"""

import logging
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from condgen.errors import notice

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

STYLES = (
    *("bold", "italic", "oblique", "light", "thin", "black", "heavy", "medium", "condensed", "narrow", "mono"),
    *("serif", "semi", "extra", "display", "hairline"),
)
"""Words in the name of a font file that make it a second choice. Regular sans-serif fonts are preferred."""
USELESS = ("lastresort", "blank", "notdef")
"""Words in the name of a font that has a placeholder for every character."""
PACKAGES = {"CJK": "fonts-noto-cjk", "HANGUL": "fonts-noto-cjk", "HIRAGANA": "fonts-noto-cjk",
            "KATAKANA": "fonts-noto-cjk", "BOPOMOFO": "fonts-noto-cjk", "IDEOGRAPHIC": "fonts-noto-cjk"}  # fmt: skip
"""Debian packages by the first word of a character's Unicode name. Symbols need an emoji font, others Noto's core."""
SHOWN = 20
"""Maximum number of characters that the notice lists."""


class Face(NamedTuple):
    """A font file. A face that is not scalable contains images of its characters, such as emoji in colour."""

    path: str
    scalable: bool


Run = tuple[Face | None, str]
"""A part of a title and the font that draws it; None is the default font."""
_holders: dict[str, tuple[Face, ...]] = {}
"""The faces that contain a character, the preferred one first, for every character that was searched for."""
_noticed: list[str] = []
"""The notice about missing characters, once it was printed."""


def plain(title: str) -> str:
    """A title on one line, composed (Unicode NFC), without control characters and marks that reverse the text."""
    if title.isascii() and title.isprintable():
        return " ".join(title.split())
    kept = ("" if _reverses(sign) else " " if unicodedata.category(sign) == "Cc" else sign for sign in title)
    return " ".join(unicodedata.normalize("NFC", "".join(kept)).split())


def is_default(text: str) -> bool:
    """Whether the default font has every character of a plain text."""
    return text.isascii() or all(sign.isascii() or sign == "…" or sign in _default_characters() for sign in text)


def readable(titles: Iterable[str], scalable: bool = False) -> list[str]:
    """The titles as `plain` text, in which U+732B stands for a character that no font of the machine has.

    The first missing characters of a process are named in a notice. scalable: only use outline fonts.
    """
    lines = [plain(title) for title in titles]
    if all(map(is_default, lines)):
        return lines
    _search({sign for line in lines if not is_default(line) for sign in line})
    missing = {sign for line in lines for sign in line if not is_default(sign) and not _has_glyph(sign, scalable)}
    nowhere = {sign for sign in missing if not _has_glyph(sign, scalable=False)}
    if nowhere and not _noticed:
        _noticed.append(_advice(nowhere))
        notice(_noticed[0])
    return [_escaped(line, missing) for line in lines]


def runs(text: str) -> list[Run]:
    """Split a readable text into parts with their fonts. One font draws the whole text if there is one that can."""
    if is_default(text):
        return [(None, text)]
    _search(set(text))
    if whole := _covering(text, scalable=True):
        return [(whole, text)]
    found: list[Run] = []
    for sign in text:
        before = found[-1][0] if found else None
        is_gap = sign.isspace() and (before is None or before.scalable)  # an emoji font has wide spaces
        face = before if found and (is_gap or _continues(sign)) else _face(sign)
        if found and found[-1][0] == face:
            found[-1] = face, found[-1][1] + sign
        else:
            found.append((face, sign))
    return found


def families(titles: Iterable[str]) -> list[str]:
    """The names of the outline fonts that matplotlib needs for these readable titles beside its default font."""
    from matplotlib import font_manager

    faces = dict.fromkeys(face for title in titles for face, _ in runs(title) if face and face.scalable)
    for path in {face.path for face in faces} - {entry.fname for entry in font_manager.fontManager.ttflist}:
        font_manager.fontManager.addfont(path)
    names: dict[str, str] = {}
    for entry in font_manager.fontManager.ttflist:
        names.setdefault(entry.fname, entry.name)  # the first of a collection: others may consist of bitmaps
    return list(dict.fromkeys(names[face.path] for face in faces if face.path in names))


@contextmanager
def quiet() -> Iterator[None]:
    """Within the context, matplotlib logs no warnings, such as one that it builds its list of fonts."""
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _search(characters: set[str]) -> None:
    """Add characters to `_holders`. All font files are opened once per call, which takes 0.4 ms each."""
    new = {sign for sign in characters if sign not in _holders and not _continues(sign)}
    held: dict[str, list[Face]] = {sign: [] for sign in new}
    for path in _files() if new else ():
        font = _opened(path)
        for sign in new if font else ():
            if font and font.get_char_index(ord(sign)):
                held[sign].append(Face(path, font.scalable))
    _holders.update({sign: tuple(faces) for sign, faces in held.items()})


def _has_glyph(sign: str, scalable: bool) -> bool:
    """Whether a font of the machine draws a character, or whether it only modifies the one before it."""
    return _continues(sign) or any(face.scalable or not scalable for face in _holders.get(sign, ()))


def _covering(text: str, scalable: bool = False) -> Face | None:
    """The preferred face that contains all characters of a text."""
    first, *others = [_holders.get(sign, ()) for sign in set(text) if not _continues(sign)] or [()]
    fitting = (face for face in first if face.scalable or not scalable)
    return next((face for face in fitting if all(face in faces for faces in others)), None)


def _face(sign: str) -> Face | None:
    return None if is_default(sign) else _covering(sign, scalable=True) or _covering(sign)


@cache
def _default_characters() -> frozenset[str]:
    from PIL import ImageFont

    font = ImageFont.load_default(12)
    own = _opened(font.path) if isinstance(font, ImageFont.FreeTypeFont) else None
    return frozenset(map(chr, own.get_charmap())) if own else frozenset()


@cache
def _files() -> Sequence[str]:
    """The font files of the machine, the preferred ones first: matplotlib's own, then regular sans-serif ones."""
    with quiet():
        import matplotlib
        from matplotlib import font_manager

    own = str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
    names = {path: Path(path).name.lower() for path in font_manager.findSystemFonts()}
    useful = [path for path, name in names.items() if not any(word in name.replace(" ", "") for word in USELESS)]
    return [own, *sorted(useful, key=lambda path: (sum(word in names[path] for word in STYLES), names[path], path))]


def _opened(file: object) -> "FT2Font | None":
    """A font file; None if it is damaged."""
    from matplotlib.ft2font import FT2Font

    try:
        return FT2Font(file)  # type: ignore[arg-type]
    except (RuntimeError, OSError, ValueError, TypeError):
        return None


def _continues(sign: str) -> bool:
    """Whether a character belongs to the one before it: a joiner or a variation selector."""
    return sign in "\u200c\u200d" or "\ufe00" <= sign <= "\ufe0f" or "\U000e0020" <= sign <= "\U000e01ef"


def _reverses(sign: str) -> bool:
    """Whether a character is an invisible mark, such as one that reverses the direction of the text after it."""
    return not _continues(sign) and unicodedata.category(sign) == "Cf"


def _escaped(line: str, missing: set[str]) -> str:
    if not missing.intersection(line):
        return line
    parts = [f" U+{ord(sign):04X} " if sign in missing else sign for sign in line]
    return " ".join("".join(parts).split())


def _advice(missing: set[str]) -> str:
    """One sentence that names the missing characters and the packages to install."""
    ordered = sorted(missing)
    listed = " ".join(f"{sign} (U+{ord(sign):04X})" if sign.isprintable() else f"U+{ord(sign):04X}" for sign in ordered)
    if len(ordered) > SHOWN:
        listed = f"{' '.join(ordered[:SHOWN])} and {len(ordered) - SHOWN} more"
    packages = " ".join(dict.fromkeys(map(_package, ordered)))
    return (
        f"no font of this machine has {listed}, so titles show the Unicode number instead; install a font that has, "
        f"such as by: apt install {packages}."
    )


def _package(sign: str) -> str:
    first = unicodedata.name(sign, "").split(" ")[0].split("-")[0]
    symbol = unicodedata.category(sign) in ("So", "Sk")
    return PACKAGES.get(first, "fonts-noto-color-emoji" if symbol else "fonts-noto-core")
