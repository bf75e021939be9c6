"""Words by somebody else in a Markdown page: as text, and nothing but text.

`finalized` is applied to every value of a template, so that none can be forgotten; `Plain` marks what is safe already.
"""

import html
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

SIGNS = re.compile(r"[\\`*_\[\]|#!~$]")
"""Of emphasis, code, links, images, tables, headings, formulas."""
LINKS = re.compile(r":(?=//)|(?<=www)\.", re.IGNORECASE)
"""Of addresses that a page turns into links by itself."""
START = re.compile(r"^(?=[-+=])|(?<=^\d)(?=[.)])|(?<=^\d\d)(?=[.)])")
"""Of a list, or of the line under a heading."""
DIRECTION = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
"""Classes of signs that turn the text after them around."""


class Plain(str):
    """Text that stands in a page as it is."""


def finalized(value: Any) -> Any:
    """A value as the page shows it: escaped, unless a filter has done what its place needs."""
    safe = isinstance(value, Plain) or hasattr(value, "__html__")  # the latter of jinja's own `tojson`
    return value if safe else escaped(str(value))


def escaped(text: str) -> Plain:
    """On one line: no markup, no other cell of a table, no other line."""
    signs = SIGNS.sub(r"\\\g<0>", html.escape(line(text), quote=False))
    return Plain(START.sub(r"\\", LINKS.sub(r"\\\g<0>", signs)).replace("@", "&#64;"))


def listed(names: Iterable[str]) -> Plain:
    return Plain(", ".join(map(escaped, names)))


def line(text: str) -> Plain:
    """On one line of code, where nothing is markup."""
    return Plain("".join(sign for sign in " ".join(text.split()) if _shows(sign)))


def fenced(text: str, language: str) -> Plain:
    """Lines of code, inside a fence that they cannot end."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return Plain(f"{fence}{language}\n" + "\n".join(map(str.rstrip, text.splitlines())) + f"\n{fence}")


def _shows(sign: str) -> bool:
    return unicodedata.category(sign) != "Cc" and unicodedata.bidirectional(sign) not in DIRECTION
