"""Compiles the translations: python tools/translations.py. Needs babel, which mkdocs-material brings."""

from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES = Path(__file__).parents[1] / "src/condgen/locales"


def compiled(catalogue: Path) -> bytes:
    """The content of the .mo file of a .po file."""
    buffer = BytesIO()
    with catalogue.open("rb") as file:
        write_mo(buffer, read_po(file))
    return buffer.getvalue()


if __name__ == "__main__":
    for path in LOCALES.rglob("*.po"):
        path.with_suffix(".mo").write_bytes(compiled(path))
