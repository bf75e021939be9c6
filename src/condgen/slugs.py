"""Converts text to parts of file names that are short, distinct, and valid on every common file system.

page/labels.js names images by the same rules.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence

LONGEST = 100
"""Maximum length of one slug, in bytes. With seed, index and ending, a file name stays below 255 bytes."""
KEPT = 80
"""Number of bytes kept of a longer slug, before the suffix that makes it distinct."""
LONGEST_PART = 150
"""Maximum length, in bytes, of several joined slugs, and of a request in the name of its folder."""
DEVICES = frozenset(["con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(10))])
"""Names that Windows reserves for devices."""
INVALID = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\ud800-\udfff]+')
"""Characters that some file systems do not permit in a name."""


def slugs(names: Sequence[str], taken: Iterable[str] = ()) -> tuple[str, ...]:
    """One slug per name: letters, digits, '_' and '-', in lower case. Different names get different slugs.

    If a slug would be empty, too long, in `taken`, a device name or equal to another, all slugs end in the index of
    their name.
    """
    plain = [_plain(name) for name in names]
    refused = {"", *DEVICES, *taken}
    if len(set(map(_alike, plain))) == len(plain) and all(
        slug not in refused and _size(slug) <= LONGEST for slug in plain
    ):
        return tuple(plain)
    return tuple(f"{_cut(slug, KEPT)}-{i}" if slug else str(i) for i, slug in enumerate(plain))


def bounded(text: str, longest: int = LONGEST_PART) -> str:
    """`text` if it has at most `longest` bytes, else its beginning and a hash of the whole text."""
    return text if _size(text) <= longest else hashed(text)


def hashed(text: str) -> str:
    """The beginning of a text and a hash of the whole text."""
    return f"{_cut(text, KEPT)}-{_hash(text)}"


def part(text: str) -> str:
    """Text typed by a user as part of a file name: without invalid characters, and of limited length."""
    valid = INVALID.sub("-", text)
    return bounded(valid if valid == text else f"{valid}-{_hash(text)}")


def _plain(name: str) -> str:
    return re.sub(r"[^\w]+", "-", unicodedata.normalize("NFC", name).lower()).strip("-_")


def _alike(slug: str) -> str:
    """A key that is equal for names that a file system may treat as equal, by folding case or normalising Unicode."""
    return slug if slug.isascii() else unicodedata.normalize("NFKD", slug).upper().lower()


def _size(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def _cut(text: str, size: int) -> str:
    """The first `size` bytes of a text, without an incomplete character at the end."""
    return text.encode(errors="surrogatepass")[:size].decode(errors="ignore").rstrip("-_")


def _hash(text: str) -> str:
    digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
    return f"{int.from_bytes(digest, 'little'):016x}"
