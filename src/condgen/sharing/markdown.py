"""Escapes text from untrusted sources for a Markdown page, so that it is shown as text and nothing else.

`finalized` is applied to every value of a template, so that none can be forgotten; `Plain` marks escaped text.
"""

import html
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

SIGNS = re.compile(r"[\\`*_\[\]|#!~$]")
"""These characters begin emphasis, code, links, images, table cells, headings and formulas."""
LINKS = re.compile(r":(?=//)|(?<=www)\.", re.IGNORECASE)
"""Matches the parts of a bare URL that make renderers turn it into a link."""
START = re.compile(r"^(\d{0,9})([-+.)](?=\s|$)|-[- ]*$|=+$)")
"""Matches the start of a list or the underline of a heading."""
DIRECTION = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
"""Unicode classes of the characters that reverse the direction of the text after them."""


class Plain(str):
    """Text that is escaped already."""


def finalized(value: Any) -> Any:
    """Escape a value, unless a filter has already prepared it for its place."""
    safe = isinstance(value, Plain) or hasattr(value, "__html__")  # __html__: from jinja's filter `tojson`
    return value if safe else escaped(str(value))


def escaped(text: str) -> Plain:
    """Put text on one line, without markup, so that it stays in its cell of a table."""
    signs = SIGNS.sub(r"\\\g<0>", html.escape(line(text), quote=False))
    return Plain(START.sub(r"\1\\\2", LINKS.sub(r"\\\g<0>", signs)).replace("@", "&#64;"))


def listed(names: Iterable[str]) -> Plain:
    """Escape names and join them by commas."""
    return Plain(", ".join(map(escaped, names)))


def line(text: str) -> Plain:
    """Put text on one line, for code, where nothing is markup; control characters are removed."""
    return Plain("".join(sign for sign in " ".join(text.split()) if _shows(sign)))


def fenced(text: str, language: str) -> Plain:
    """Put code into a fence that is longer than any run of backticks inside."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return Plain(f"{fence}{language}\n" + "\n".join(map(str.rstrip, text.splitlines())) + f"\n{fence}")


def _shows(sign: str) -> bool:
    return unicodedata.category(sign) != "Cc" and unicodedata.bidirectional(sign) not in DIRECTION
