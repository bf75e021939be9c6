"""Text by people as a part of a file name that every common file system takes: short, valid, and distinct.

page/labels.js names images by the same rules.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence

LONGEST = 100
"""Bytes of one slug; with seed, index and ending, a file name stays below the 255 bytes that file systems take."""
KEPT = 80
"""Bytes that are kept of a longer one, before what tells it from others."""
LONGEST_PART = 150
"""Bytes of several slugs joined, and of a request in the name of its folder."""
DEVICES = frozenset(["con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(10))])
"""Names that Windows takes for devices."""
INVALID = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\ud800-\udfff]+')
"""Characters that some file system does not take in a name."""


def slugs(names: Sequence[str], taken: Iterable[str] = ()) -> tuple[str, ...]:
    """A slug per name: letters, digits, '_' and '-', in lower case. Different names get different slugs.

    Where one slug would be empty, too long, in `taken`, a device or equal to another, all end in their name's number.
    """
    plain = [_plain(name) for name in names]
    refused = {"", *DEVICES, *taken}
    if len(set(map(_alike, plain))) == len(plain) and all(
        slug not in refused and _size(slug) <= LONGEST for slug in plain
    ):
        return tuple(plain)
    return tuple(f"{_cut(slug, KEPT)}-{i}" if slug else str(i) for i, slug in enumerate(plain))


def bounded(text: str, longest: int = LONGEST_PART) -> str:
    """`text` if it is short, else its beginning and a hash of all of it."""
    return text if _size(text) <= longest else f"{_cut(text, KEPT)}-{_hash(text)}"


def part(text: str) -> str:
    """What somebody typed, in the name of a file: without invalid characters, and not too long."""
    valid = INVALID.sub("-", text)
    return bounded(valid if valid == text else f"{valid}-{_hash(text)}")


def _plain(name: str) -> str:
    return re.sub(r"[^\w]+", "-", unicodedata.normalize("NFC", name).lower()).strip("-_")


def _alike(slug: str) -> str:
    """Equal for names that some file system takes for one: it folds case, or normalises Unicode."""
    return slug if slug.isascii() else unicodedata.normalize("NFKD", slug).upper().lower()


def _size(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def _cut(text: str, size: int) -> str:
    """The first `size` bytes of a text, without half a character at the end."""
    return text.encode(errors="surrogatepass")[:size].decode(errors="ignore").rstrip("-_")


def _hash(text: str) -> str:
    digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
    return f"{int.from_bytes(digest, 'little'):016x}"
