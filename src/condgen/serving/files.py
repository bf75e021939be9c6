"""The files of the web page. They are listed when the server starts; files added later are not served."""

import mimetypes
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "page"
PLAIN = (
    b"<!doctype html><html lang=en><meta charset=utf-8><title>condgen</title>"
    b"<p>This server generates images; <a href=/openapi.json>/openapi.json</a> says how to ask.</p></html>"
)
"""Page to show if there is no index.html."""
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".html": "text/html", ".css": "text/css"}
TEXT = ("text/", "application/json")

File = tuple[bytes, str]
"""Content and media type of a file."""


def found(folder: Path = FOLDER) -> dict[str, File]:
    """The files of the page by their path relative to `folder`; index.html is always included."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"})
    files = {path.relative_to(folder).as_posix(): (path.read_bytes(), media_type(path)) for path in paths}
    return {"index.html": (PLAIN, media_type(Path("index.html")))} | files


def media_type(path: Path) -> str:
    kind = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith(TEXT) else kind
