"""The README: its commands run, its table matches the results, its translation has the same structure."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import table  # type: ignore[import-not-found]
from PIL import Image

from condgen.sampling.canvas import save_png

ROOT = Path(__file__).parents[2]
ENGLISH, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
QUICKSTART = ROOT / "docs/quickstart.md"
HERE = (
    "https://github.com/condgen/condgen/blob/main/", "https://raw.githubusercontent.com/condgen/condgen/main/"
)  # fmt: skip
"""Where the files and the images of this project are on the web."""
INSTALLING = ("make demo", "make test", "python3 -m venv", ". .venv/bin/activate", "pip install")
"""Commands that install the project; .ci/run runs them."""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[str]:
    return "".join(blocks(page, "bash")).splitlines()


def outline(page: Path) -> list[str]:
    """What a translation must keep: heading levels, code, link targets and table rows."""
    text = page.read_text(encoding="utf-8")
    kept = re.compile(r"^#+ |^```\w*$|^condgen .*|\]\([^)]*\)|^\| `.*|`[^`\n]+`", re.MULTILINE)
    return [piece for piece in kept.findall(text) if "README" not in piece]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder with the reader's own images in it."""
    folder = tmp_path_factory.mktemp("readme")
    for number, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (60, 20, 16, 3), np.uint8)):
        save_png(folder / "my-images" / ["cat", "dog", "owl"][number % 3] / f"{number}.png", Image.fromarray(pixels))
    return folder


def test_the_translation_keeps_step() -> None:
    assert outline(ENGLISH) == outline(CHINESE)
    for language in ("bash", "python"):
        assert blocks(ENGLISH, language) == blocks(CHINESE, language)


def test_chinese_pages_have_the_commands_of_the_english_ones() -> None:
    """Which other tests run."""
    pages = [*(ROOT / "docs/zh").glob("*.md")]
    for page in pages:
        for language in ("bash", "python"):
            assert {*blocks(page, language)} <= {*blocks(ROOT / "docs" / page.name, language)}, page
    assert len(pages) == 9


@pytest.mark.parametrize("page", [*table.TABLES])
def test_tables_are_the_measured_ones(page: str) -> None:
    measured = "".join(table.TABLES[page]())
    assert measured in (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "page", [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")], ids=lambda page: str(page.relative_to(ROOT))
)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not [
        link
        for link in links
        if link.startswith(HERE) and not (ROOT / link.removeprefix(HERE[0]).removeprefix(HERE[1])).exists()
    ]


def test_the_readme_has_links_that_work_on_pypi_too() -> None:
    for page in (ENGLISH, CHINESE):
        links = re.findall(r"(!?)\[[^\]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
        assert len(links) > 20
        assert all(link.startswith(HERE[1] if image else "https://") for image, link in links)


@pytest.mark.readme
@pytest.mark.parametrize(
    "command",
    [line for line in dict.fromkeys(commands(ENGLISH) + commands(QUICKSTART)) if not line.startswith(INSTALLING)],
)
def test_commands(command: str, place: Path) -> None:
    program, *words = shlex.split(command)
    assert program == "condgen", "a command that this test cannot run; teach it, or list it under INSTALLING"
    subprocess.run([sys.executable, "-m", "condgen", *words], cwd=place, check=True)


@pytest.mark.readme
def test_what_the_commands_left(place: Path) -> None:
    assert len(list((place / "eights").glob("8_*.png"))) == 10
    assert len(list((place / "generated").glob("*.png"))) == 15
    assert all((place / name).exists() for name in ("grid.png", "growth.gif", "inspected/my-images/sheet.png"))


@pytest.mark.readme
@pytest.mark.parametrize("code", blocks(ENGLISH, "python"))
def test_python(code: str, place: Path) -> None:
    done = subprocess.run([sys.executable, "-c", code], cwd=place, check=True, capture_output=True, text=True)
    assert "(4, 28, 28) {'images': 50" in done.stdout
