"""A card's words are somebody else's: wherever they are written, they are text and nothing more."""

import functools
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from condgen.card import Card
from condgen.sampling import plots
from condgen.sharing import model_card, web
from sharing.mutants import put

HOSTILE = [
    "[click](https://evil.example)", "![](https://evil.example/pixel.png)", "<img src=x onerror=alert(1)>", "<b>",
    "https://evil.example", "www.evil.example", "me@evil.example", "a | b | c", "# heading", "===",
    "- item", "- - -", "-- -", "1. item", "12) item",
    "> quote", "`code`", "```\n<script>", "~~~\n", "~~~~~~ gone", "*bold* _too_", "$x$", "\\", "a\\|b", "x\r\ny",
    "x\n\n# y", "&lt;b",
    "x\u2028y", "---", "---\nlicense: evil", '"\nlicense: evil', "{{ 7 * 7 }}", "{% raw %}",
    "\x1b[31mred", "\u202eevil",
]  # fmt: skip
TEXTS = [
    ("condgen",), ("data", "name"), ("data", "fingerprint"), ("paper", "short"), ("paper", "bibtex"), ("measured",),
    ("licence",), ("exported",), ("precision",), ("spec", "labels", "names", 2),
]  # fmt: skip
"""All words of a card that its page shows; those of settings and scores are names, too."""


def structure(page: str) -> list[str]:
    """What a reader of Markdown makes of the page's body, without its text and without what stands in fences."""
    from markdown_it import MarkdownIt

    body = page.split("\n---\n", 1)[1]
    found: list[str] = []
    for block in MarkdownIt("gfm-like", {"linkify": False}).parse(body):
        for token in [block, *(block.children or [])]:
            kind = "text" if token.type == "text" else f"{token.type} {token.tag} {token.info} {token.attrs}"
            if kind != "text" or found[-1] != kind:
                found.append(kind)
    return found


def told_by_somebody(whole: Path) -> dict[str, Any]:
    """A card with all that one may say."""
    card: dict[str, Any] = json.loads((whole / "card.json").read_text())
    score = {"value": 1.5, "error": 0.5, "n": 10}
    card |= {"measured": "as always", "scores": {"fd": score, "mine": score}, "licence": "mit", "precision": "fp32"}
    card |= {"exported": "onnx", "parity": {"largest": 1, "mean": 0.1}, "config": {"name": "value"}}
    return card


def test_no_word_of_a_card_is_more_than_text(whole: Path) -> None:
    import yaml

    card = told_by_somebody(whole)
    plain = model_card.text(Card.model_validate(card), ["model.onnx"])
    head, shape = yaml.safe_load(plain.split("\n---\n")[0]), structure(plain)
    for words in HOSTILE:
        hostile = functools.reduce(lambda found, path: put(found, path, words), TEXTS, card)
        hostile |= {"config": {words: words}, "scores": {"fd": card["scores"]["fd"], words: 1.5}}
        page = model_card.text(Card.model_validate(hostile), ["model.onnx"])
        assert structure(page) == shape, words
        assert yaml.safe_load(page.split("\n---\n")[0]).keys() == head.keys(), words
        outside = re.sub(r"^(```+)\w+$.*?^\1$", "", page.split("\n---\n", 1)[1], flags=re.DOTALL | re.MULTILINE)
        assert not re.search(r"https?://|www\.e|me@|[\x1b\u202e]", outside), words


def test_no_word_of_a_card_ends_a_script_of_the_page(whole: Path) -> None:
    """As --format web writes it: the card stands in a <script>, as JSON."""
    card, runtime = told_by_somebody(whole), {"ort.wasm.min.js": b"", "ort-wasm-simd-threaded.mjs": b""}
    runtime["ort-wasm-simd-threaded.wasm"] = b""
    before = web.page(b"", card, runtime)
    for words in ("</script><script>alert(1)</script>", "<!--", "]]>", "</SCRIPT\t>"):
        after = web.page(b"", put(card, ("spec", "labels", "names", 2), words), runtime)
        assert after.count("<") == before.count("<"), words
        told = re.search(r'id="card">(.*?)</script>', after, re.DOTALL)
        assert told
        assert json.loads(told[1])["spec"]["labels"]["names"][2] == words


def test_no_name_is_markup_or_a_formula_in_a_figure() -> None:
    """A report holds figures as SVG, as they are."""
    for words in (HOSTILE[2], HOSTILE[3], "$\\frac{$", "]]>"):
        line = {"images": 1, "fd": 1.0, "seconds": 1.0}
        generated = plots.quality({words: ([line], [line])}, "svg").decode()
        assert "mathdefault" not in generated, "no TeX beside a logarithmic axis"
        tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(generated).iter()}
        assert not tags & {"script", "img", "b", "image", "a"}, words
    assert plots.bars({"train": [1, 2]}, ["$x$ $", "$\\frac{$"], "$").startswith(b"\x89PNG")
