"""Names of files in another encoding than UTF-8, as archives from Windows and old file systems contain them."""

import os
import re
from collections.abc import Sequence
from typing import NamedTuple

ENCODINGS = (
    ("gb18030", "[\u4e00-\u9fff\uff00-\uffef\u3000-\u303f]"),
    ("shift_jis", "[\u3040-\u30ff\u4e00-\u9fff]"),
    ("euc_kr", "[\uac00-\ud7a3]"),
    ("big5", "[\u4e00-\u9fff]"),
)
"""Encodings that are tried, in this order, each with the characters beyond ASCII that it has to give."""


class Decoded(NamedTuple):
    """Names as text, and the encoding that they were found to have."""

    names: list[str]
    encoding: str


def decoded(raw: Sequence[bytes], default: str) -> Decoded:
    """Decode the names of one source. Names that are valid in no other encoding are decoded as `default`."""
    for encoding, expected in (("utf-8", "."), *ENCODINGS):
        try:
            names = [name.decode(encoding) for name in raw]
        except UnicodeDecodeError:
            continue
        if all(re.fullmatch(expected, sign) for name in names for sign in name if not sign.isascii()):
            return Decoded(names, encoding)
    return Decoded([name.decode(default, "replace") for name in raw], default)


def readable(names: Sequence[str]) -> dict[str, str]:
    """A readable form of each name of a file system that is not valid UTF-8."""
    odd = [name for name in names if any("\udc80" <= sign <= "\udcff" for sign in name)]
    return dict(zip(odd, decoded([os.fsencode(name) for name in odd], "cp1252").names, strict=True))
