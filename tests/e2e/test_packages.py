"""The wheel and the source package are valid, and the wheel works alone in an empty environment."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def environment(folder: Path, *packages: object) -> Path:
    """The python of a new virtual environment with these packages."""
    subprocess.run([sys.executable, "-P", "-m", "venv", folder], check=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    words = ["-m", "pip", "install", "--quiet", "--no-compile", "--constraint", str(ROOT / "constraints.txt")]
    done = subprocess.run([python, *words, *map(str, packages)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no package index: {done.stderr[-200:]}")
    return python


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source package, which `twine check` accepts."""
    place = tmp_path_factory.mktemp("packages")
    python = environment(place / "tools", "build", "twine")
    dist = place / "dist"
    for words in (["build", "--outdir", str(dist), str(ROOT)], ["twine", "check", "--strict", f"{dist}/*"]):
        done = subprocess.run([python, "-P", "-m", *words], cwd=place, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return dist


def test_the_wheel_has_all_that_it_needs_and_nothing_else(packages: Path) -> None:
    (wheel,) = packages.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    ours = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src/condgen").rglob("*") if path.is_file()}
    assert {name for name in names if name.startswith("condgen/")} == {n for n in ours if "__pycache__" not in n}
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"condgen"}
    assert any(path.name.endswith(".tar.gz") for path in packages.iterdir())


def test_the_wheel_works_in_an_empty_environment(packages: Path, tmp_path: Path) -> None:
    (wheel,) = packages.glob("*.whl")
    python = environment(tmp_path / "empty", wheel)
    for line in (
        "train cvae --images 2000 --evaluate-every 0 --out run --quiet",
        "sample run --labels 8 --count 2 --out eights",
        "inspect eights --out inspected",
        "doctor",
    ):
        done = subprocess.run(
            [python, "-P", "-m", "condgen", *line.split()], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "eights").glob("*.png"))) == 2
    listed = subprocess.run([python, "-m", "pip", "list"], capture_output=True, text=True, check=True).stdout.lower()
    assert not [name for name in ("scipy", "imagehash", "tensorboardx", "fastapi") if f"\n{name} " in listed]
