"""mkdocs hook: writes the help texts of all commands into docs/cli.md, in the place of its marker."""

import re
from typing import Any

from condgen.cli import application

MARKER = "<!-- options -->"
REPEATED = re.compile(r"^condgen ([\w-]+(?: [\w-]+)?) (\1\b)", re.MULTILINE)
"""cyclopts puts the name of a command before a usage line that names it already."""


def on_page_markdown(markdown: str, **_: Any) -> str:
    return markdown.replace(MARKER, options()) if MARKER in markdown else markdown


def options() -> str:
    """One section per command, without the heading and the contents of the whole."""
    page = application(["train"]).generate_docs(heading_level=1)
    sections = page[page.index("## condgen train") :]
    return REPEATED.sub(r"condgen \1", sections)
