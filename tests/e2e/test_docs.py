"""The commands of docs/ run, shortened, one page after the other in one folder. docs/zh has the same commands.

README.md and the quickstart run at their full length (test_readme.py).
"""

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from condgen import cli
from e2e.test_readme import ROOT, blocks

pytestmark = pytest.mark.readme
ELSEWHERE = (
    "git ", "cd ", "python3 ", ". .venv", "pip ", "PIP_",  # installation: .ci/run
    "python benchmarks/",  # hours
    "torchrun ",  # test_parallel.py
    "condgen serve",  # tests/serving
    "condgen push", "condgen sample OWNER/NAME",  # test_hub.py
    "condgen augment", "condgen audit",  # test_augment.py, test_nearness.py
    "condgen evaluate --self-test", "condgen evaluate --folder",  # test_faults.py, test_measuring.py
    "condgen train cwgan-gp --data CELEBA_FOLDER",  # test_celeba.py
    "condgen export runs/first --format web",  # test_one_file.py
    "condgen figure switched",  # needs an autoencoder: test_figures.py
)  # fmt: skip
"""Beginnings of commands that other tests or .ci/run execute."""
SHORT = "--images 320 --batch 32 --evaluate-every 0 --quiet"
LENGTHS = re.compile(r"--(?:images|minutes|epochs|batch|evaluate-every) \S+")


def commands(page: Path) -> list[str]:
    lines = "".join(blocks(page, "bash")).replace("\\\n", " ").splitlines()
    return [line for line in lines if not line.startswith(tuple(ELSEWHERE))]


PAGES = [page for page in sorted((ROOT / "docs").rglob("*.md")) if "zh" not in page.parts]
PAGES = [page for page in PAGES if page.name != "quickstart.md" and commands(page)]


BEGIN = ("training.md", "index.md")
"""Pages that train runs/first themselves."""


def shortened(line: str) -> list[str]:
    """The words of a command that takes seconds."""
    line = line.partition("  # ")[0].partition("    #")[0]
    if " --help" not in line and line.startswith("condgen train"):
        line = f"{LENGTHS.sub('', line)} {SHORT}"
    if re.match("condgen (evaluate|compare|report)", line):
        line = f"{line.replace(' --quick', '')} --quick"
    if line.startswith("condgen evaluate"):
        line += " --count 300"
    return shlex.split(line)[1:]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the pages take for granted: images, and runs."""
    folder = tmp_path_factory.mktemp("docs")
    rng = np.random.default_rng(0)
    for name, channels in (("my-images", 3), ("more-pets", 3), ("stickers", 4)):
        for number, pixels in enumerate(rng.integers(0, 256, (60, 32, 32, channels), np.uint8)):
            path = folder / name / ["cat", "dog", "owl"][number % 3] / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    np.savez(folder / "my-images.npz", images=rng.integers(0, 256, (60, 12, 12), np.uint8), labels=np.arange(60) % 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        cli.main(shortened("condgen train --out runs/first"))
        cli.main(shortened("condgen evaluate runs/first"))
    for name in "abc":
        shutil.copytree(folder / "runs/first", folder / "runs" / name)
    return folder


def test_the_pages_have_commands() -> None:
    assert len(PAGES) > 15


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT / "docs")))
def test_commands(page: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    shutil.rmtree("runs/again", ignore_errors=True)
    for line in commands(page):
        words = shortened(
            line.replace("runs/first", "runs/again") if page.name in ("training.md", "index.md") else line
        )
        if "the paper" in line:
            cli.application(words).parse_args(words)  # the names and values of its options
        else:
            cli.main(words)
