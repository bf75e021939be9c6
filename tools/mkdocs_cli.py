"""mkdocs hooks: the help texts of all commands in docs/cli.md, in the place of its marker; and more room for the text
of pages that need no table of contents."""

import re
from typing import Any

from condgen.cli import application

MARKER = "<!-- options -->"
REPEATED = re.compile(r"^condgen ([\w-]+(?: [\w-]+)?) (\1\b)", re.MULTILINE)
"""cyclopts puts the name of a command before a usage line that names it already."""


def on_page_markdown(markdown: str, **_: Any) -> str:
    return markdown.replace(MARKER, options()) if MARKER in markdown else markdown


def on_page_content(html: str, page: Any, **_: Any) -> str:
    """Hide the table of contents of a page without sections, so that its tables can be wider."""
    if not any(title.children for title in page.toc):
        page.meta["hide"] = [*page.meta.get("hide", []), "toc"]
    return html


def options() -> str:
    """One section per command, without the heading and the contents of the whole."""
    page = application(["train"]).generate_docs(heading_level=1)
    sections = page[page.index("## condgen train") :]
    return REPEATED.sub(r"condgen \1", sections)
