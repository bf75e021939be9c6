"""mkdocs hooks: the help texts of all commands in docs/cli.md, in the place of its marker; more room for the text of
pages that need no table of contents; the order of what the search finds."""

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from condgen.cli import application

WORDS = Path(__file__).with_name("search_words.txt")
"""Chinese terms that the search must not cut into shorter words."""
MARKER = "<!-- options -->"
REPEATED = re.compile(r"^condgen ([\w-]+(?: [\w-]+)?) (\1\b)", re.MULTILINE)
"""cyclopts puts the name of a command before a usage line that names it already."""


DEMOTED = {"LOG.md": 0.01, "architecture.md": 0.5}
"""Factors of the scores of pages in the search: what was tried, and the source code, mention every word."""


BROKEN = re.compile("(?<=[\u3001-\u303f\u4e00-\u9fff\uff01-\uff65])\n(?=[\u4e00-\u9fff`A-Za-z\\[])")
"""A line break inside a Chinese sentence, which browsers would show as a space."""


def on_pre_build(**_: Any) -> None:
    with suppress(ImportError):  # without jieba, pages are not cut into Chinese words at all
        import jieba

        jieba.load_userdict(str(WORDS))


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    if factor := DEMOTED.get(page.file.src_uri):
        page.meta["search"] = {"boost": factor}
    if page.file.src_uri.startswith("zh/"):
        markdown = BROKEN.sub("", markdown)
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
