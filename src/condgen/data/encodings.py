"""Names of files in another encoding than UTF-8, as archives from Windows and old file systems contain them."""

import os
import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

ENCODINGS = (
    ("utf-8", ".", ""),
    ("shift_jis", "[\u3040-\u30ff\u4e00-\u9fff]", "[\u3040-\u30ff]"),
    ("gb2312", "[\u4e00-\u9fff\uff00-\uffef\u3000-\u303f]", ""),
    ("gb18030", "[\u4e00-\u9fff\uff00-\uffef\u3000-\u303f]", "[\u4e00-\u9fff]{2}"),
)
"""Encodings in the order in which they are tried; the characters beyond ASCII that each has to give; and a pattern
that has to occur. Korean names cannot be told from Chinese ones."""


class Decoded(NamedTuple):
    """Names as text, and the encoding that they were found to have."""

    names: list[str]
    encoding: str


def decoded(raw: Sequence[bytes], default: str) -> Decoded:
    """Decode the names of one source. Names that are valid in no other encoding are decoded as `default`."""
    for encoding, expected, needed in ENCODINGS:
        try:
            names = [name.decode(encoding) for name in raw]
        except UnicodeDecodeError:
            continue
        signs = {sign for name in names for sign in name if not sign.isascii()}
        if all(re.fullmatch(expected, sign) for sign in signs) and re.search(needed, "\n".join(names)):
            return Decoded(names, encoding)
    return Decoded([name.decode(default, "replace") for name in raw], default)


def readable(names: Collection[str]) -> dict[str, str]:
    """Each name of a file system with a readable form of it, which differs if the name is not valid UTF-8."""
    odd = [name for name in names if any("\udc80" <= sign <= "\udcff" for sign in name)]
    forms = decoded([os.fsencode(name) for name in odd], "cp1252").names
    return dict(zip(names, names, strict=True)) | dict(zip(odd, forms, strict=True))
