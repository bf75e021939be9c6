"""The words of the field, everywhere: former words of our own do not come back, in prose, in names or in help texts."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "condgen"
PROSE = {
    "image": "pictures?",
    "generate": r"drawn|(?:draws?|drawing) (?:\w+ ){0,2}(?:images?|samples?|digits?)",
    "request": "asked for",
    "learning rate": "step sizes?",
    "on the meta device": "hollow|unfilled",
    "transfer": "bequeath(?:s|ed)?",
    "sentinels": "telling",
    "not finite": "stumbled",
    "recorder, metric log": "witness(?:es)?|logbooks?",
    "generated set": "exhibits?",
    "response": "parcels?",
    "figures, listing": "albums?|catalogues?",
    "parameters, weights": "numbers of (?:a|the) network",
    "a subject, such as `the user`": "whoever|nobody",
}
"""The field's words, and the former words that they replace, as a regular expression. They are searched in all that
people read: source with its comments, messages and help texts, the web page and the documentation."""
NAMES = {
    "rise", "fall", "wiring", "having", "bequeath", "telling", "stumbled", "slowed", "unless", "leads", "of_the_first",
    "together", "any_of", "patience", "step_size", "draw", "draws", "drawn", "drawing", "asked", "told", "picture",
    "pictures", "hollow", "unfilled", "witness", "logbook", "exhibit", "glance", "parcel", "album", "catalogue",
    "captions", "Order", "Identity", "Seen",
}  # fmt: skip
"""Former names of classes, functions, parameters and variables; those with a capital are of classes only."""
MODULES = {"order", "served", "measures", "turns", "frames", "places", *NAMES}
"""Former names of modules."""
KEPT = {(name, word) for name in ("former.py", "columns.py", "words.py") for word in ("picture", "pictures")}
"""The table of former names, and the columns and folders that some data sets call so."""
KEPT_NAMES = {("noise.py", "draw"), ("columns.py", "CAPTIONS")}
"""z is drawn from its prior, as in the literature; some tables have captions of images."""
CODE = re.compile(r"^( *)```.*?^\1```|`[^`\n]+`|\]\([^)]*\)", re.MULTILINE | re.DOTALL)
FORMER = re.compile("|".join(rf"\b(?:{words})\b" for words in PROSE.values()), re.IGNORECASE)
GIVEN = re.compile(r"(?:\b(?:const|let|class|function|async|get)\s+|this\.|^  )(\w+)(?=[ (;,)=])", re.MULTILINE)
"""A name that a module of JavaScript gives: of a variable, a class, a function, a method or a property."""
PAGES = [page for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")] if page.name != "LOG.md"]
READ = [path for kind in ("py", "js", "html", "css", "md", "json") for path in SOURCE.rglob(f"*.{kind}")]


def prose(path: Path) -> str:
    """What people read of a file; in Markdown, code and link targets are left out."""
    text = path.read_text(encoding="utf-8")
    return CODE.sub("", text) if path.suffix == ".md" else text


def names(path: Path) -> Iterator[str]:
    """Every name that a module of Python or JavaScript gives."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".js":
        yield from GIVEN.findall(text)
        return
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name


def test_former_words_are_noticed() -> None:
    said = (
        "Whoever asked for pictures: step size and numbers of a network are drawn. It draws two grey images, a witness."
    )
    words = ["whoever", "asked for", "pictures", "step size", "numbers of a network", "drawn", "draws two grey images"]
    assert [word.lower() for word in FORMER.findall(said)] == [*words, "witness"]
    assert not FORMER.search("Pillow draws a grid. The user requests images, which are generated.")


def test_prose_uses_the_words_of_the_field() -> None:
    found = {(path.name, word.lower()) for path in [*READ, *PAGES] for word in FORMER.findall(prose(path))}
    assert found <= KEPT


def test_names_are_words_of_the_field() -> None:
    code = [path for path in READ if path.suffix in (".py", ".js")]
    given = {(path.name, name.strip("_")) for path in code for name in names(path)}
    assert {(file, name) for file, name in given if NAMES & {name, name.lower()}} <= KEPT_NAMES
    assert not MODULES & {path.stem for path in code}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_numbers_are_written_with_a_zero(page: Path) -> None:
    assert not re.findall(r"(?<![\w.])\.\d+", prose(page)), "0.79, not .79"
