"""CONTRIBUTING's examples are followed to the letter, all in one copy of the project, and the copy is tested."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from contributing import ROOT, copy_of_the_project, follow

WORKS = (
    *("tests/e2e/followed_examples.py", "tests/papers/test_hinge.py", "tests/metrics/test_contrast.py"),
    "tests/unit/test_layouts.py",
)
CONTRACT = ("tests/contract", "tests/unit/test_advice.py", "tests/unit/test_config.py", "tests/sharing/test_onnx.py")


class Project:
    """A copy of the project, and the files in it that following CONTRIBUTING.md has written."""

    def __init__(self, root: Path) -> None:
        self.root = root
        copy_of_the_project(root)
        self.written = follow(root)

    def run(self, *words: str | Path) -> None:
        """Run a command of Python in the copy. Fails, with what it said, unless it ends well."""
        env = os.environ | {"PYTHONPATH": str(self.root / "src"), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-P", *words]
        told = subprocess.run(command, cwd=self.root, env=env, capture_output=True, text=True)
        assert told.returncode == 0, told.stdout + told.stderr

    def pytest(self, files: tuple[str, ...], chosen: str, *words: str) -> None:
        options = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--show-capture=no", *words)
        self.run("-m", "pytest", *options, *files, "-k", chosen)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("contributing") / "condgen")


def test_ruff_accepts_the_examples(project: Project) -> None:
    python = [file for file in project.written if file.endswith(".py")]
    project.run("-m", "ruff", "check", *python)
    project.run("-m", "ruff", "format", "--check", *python)


def test_the_examples_work(project: Project) -> None:
    project.pytest(WORKS, "followed or hinge or contrast or (test_classes and files)")


@pytest.mark.readme  # in `make check`, where mypy has read torch before, which takes a minute
def test_the_examples_pass_make_check(project: Project) -> None:
    project.run("-m", "mypy", "--cache-dir", ROOT / ".mypy_cache")
    project.run(Path(sys.executable).with_name("lint-imports"), "--no-logo")


@pytest.mark.readme
def test_the_example_format_works(project: Project) -> None:
    project.pytest(WORKS[:1], "format", "-m", "readme")


@pytest.mark.readme
def test_the_example_system_passes_the_contract_tests(project: Project) -> None:
    project.run("tools/write_settings.py")
    project.pytest(CONTRACT, "hinge or table_of_settings")
