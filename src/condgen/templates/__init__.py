"""Self-contained HTML files from the templates in this folder. They make no network requests."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def render(template: str, content: Mapping[str, Any]) -> bytes:
    """The page of a template. Every name in it has to be in `content`; text is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template(template).render(content).encode()


def data_url(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
