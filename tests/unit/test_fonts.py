"""Titles in any script, in the fonts of the machine. matplotlib brings DejaVu Sans, so that one is always there."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from condgen.sampling import canvas, fonts, plots, titles
from condgen.sampling.fonts import Face

DEFAULT = ("8", "T-shirt/top", "«quoted»", "90°", "an extraordinarily long class name", "", "[/red] $x$")


@pytest.fixture
def only_dejavu(monkeypatch: pytest.MonkeyPatch) -> None:
    own = fonts._files()[0]
    monkeypatch.setattr(fonts, "_files", lambda: [own])
    monkeypatch.setattr(fonts, "_holders", {})
    monkeypatch.setattr(fonts, "_noticed", [])


def sheet(names: Sequence[str], width: int = 56) -> Image.Image:
    return canvas.grid(np.zeros((1, len(names), width, width, 1), np.uint8), names)


def drawn(title: str) -> bytes:
    return sheet([title]).crop((0, 0, 56, canvas.TITLE)).tobytes()


def test_titles_in_the_default_font_keep_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their fonts are never searched, and the pixels are those of one call of Pillow."""
    monkeypatch.setattr(fonts, "_files", lambda: pytest.fail("fonts were searched"))
    for title in (title for title in DEFAULT if len(title) < 12):
        expected = Image.new("RGB", (120, 18), "white")
        pen = ImageDraw.Draw(expected)
        pen.text((60, 9), title, fill=titles.INK, font=ImageFont.load_default(13), anchor="mm")
        found = Image.new("RGB", (120, 18), "white")
        titles.write(found, title, 60, 9, 120)
        assert found.tobytes() == expected.tobytes()
    sheet(DEFAULT)


@pytest.mark.parametrize("alike", ["éöß", "غشق", "жщю", "😀😎😢", "ελξ"])
def test_characters_of_other_scripts_are_no_boxes(
    alike: str, only_dejavu: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Boxes would be equal; and a letter with its accent apart is the letter with the accent."""
    assert len({drawn(sign) for sign in alike}) == len(alike)
    assert len({plots.bars({"train": [1]}, [sign], "t") for sign in alike}) == len(alike)
    assert drawn("e\u0301") == drawn("é")
    assert not capsys.readouterr().err


def test_what_no_font_has_is_shown_by_number_and_named_once(
    only_dejavu: None, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["猫", "大 cat", "한", "\udc80", "𓀀"]
    shown = ["U+732B", "U+5927 cat", "U+D55C", "U+DC80", "U+13000"]
    assert sheet(names).tobytes() == sheet(shown).tobytes()
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "猫 (U+732B)" in said
    assert "apt install fonts-noto-cjk" in said
    counts = {"train": [1] * 5}
    assert plots.bars(counts, ["猫", *"abcd"], "大") == plots.bars(counts, ["U+732B", *"abcd"], "U+5927")
    assert not capsys.readouterr().err


def test_a_title_is_one_line_of_visible_characters() -> None:
    for title, same in (("a\nb", "a b"), ("\u202eright", "right"), ("\x1b[31m", "[31m"), (" a  b ", "a b")):
        assert fonts.readable([title]) == [same]


def test_one_font_draws_a_title_if_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    """An emoji font has digits too, but it does not draw those of a title."""
    sans, emoji = Face("sans", True), Face("emoji", False)
    held = {"é": (sans,), "🦀": (emoji,), "8": (sans, emoji), " ": (sans, emoji), "x": (sans,)}
    monkeypatch.setattr(fonts, "_holders", held)
    assert fonts.runs("8 é") == [(sans, "8 é")]
    assert fonts.runs("🦀\ufe0f 8") == [(emoji, "🦀\ufe0f"), (None, " 8")]
    assert fonts.runs("x🦀é") == [(None, "x"), (emoji, "🦀"), (sans, "é")]


def test_damaged_font_files_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = fonts._files()[0]
    (tmp_path / "a.ttf").write_bytes(b"\0\1\0\0" + b"x" * 100)
    monkeypatch.setattr(fonts, "_files", lambda: [str(tmp_path / "a.ttf"), str(tmp_path / "none.ttf"), own])
    monkeypatch.setattr(fonts, "_holders", {})
    assert fonts.runs("é") == [(Face(own, True), "é")]
