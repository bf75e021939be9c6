"""What the project says of itself, held against what is there."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REQUIREMENTS = [
    Requirement(line)
    for lines in [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    for line in lines
]
HOLES = {
    "h11": "0.14.0",  # CVE-2025-43859
    "jinja2": "3.1.5",  # CVE-2025-27516
    "starlette": "1.3.0",  # CVE-2026-54282
    "filelock": "3.20.2",  # CVE-2026-22701
    "pillow": "12.2.0",  # CVE-2026-55379
    "torch": "2.9.1",  # CVE-2026-24747
}
"""The last versions with a hole that is known, and mended in the next."""
OURS = {".py", ".js", ".css", ".html", ".md", ".json", ".typed", ".po", ".mo"}
"""Endings of what is written here."""


def pinned(name: str) -> dict[str, str]:
    """The versions that a file of requirements names."""
    found = re.findall(r"^([A-Za-z0-9_.-]+)==([^\s\\]+)", (ROOT / name).read_text(), re.MULTILINE)
    return {canonicalize_name(package): version for package, version in found}


def test_bounds_admit_no_known_hole() -> None:
    bounds = {canonicalize_name(each.name): each.specifier for each in REQUIREMENTS}
    for name, version in HOLES.items():
        assert not bounds[canonicalize_name(name)].contains(version), name


def test_what_was_tested_is_within_the_bounds() -> None:
    tested = pinned("constraints.txt")
    for each in REQUIREMENTS:
        version = tested.get(canonicalize_name(each.name))
        assert version is None or each.specifier.contains(version), each


def test_the_hashed_versions_are_those_that_were_tested() -> None:
    tested, hashed = pinned("constraints.txt"), pinned("requirements-hashed.txt")
    assert {name: tested[name] for name in hashed.keys() & tested.keys()} == {
        name: version for name, version in hashed.items() if name in tested
    }
    needed = [
        Requirement(line)
        for extra in ("data", "export", "hub", "metrics", "serve")
        for line in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"][extra]]
    ]
    assert {canonicalize_name(each.name) for each in needed} - {"torch"} <= hashed.keys()
    text = re.sub(r" \\\n\s*", " ", (ROOT / "requirements-hashed.txt").read_text())
    assert all("--hash=sha256:" in line for line in text.splitlines() if line and not line.startswith("#"))


def notice() -> dict[str, str]:
    """Files of the package that NOTICE has an entry for, and the licence of each."""
    found = {}
    for entry in re.split(r"\n\s*\n", (ROOT / "NOTICE").read_text()):
        licence = re.search(r"^\s+SPDX:\s+(\S+)$", entry, re.MULTILINE)
        for path in re.findall(r"^(src/\S+)$", entry, re.MULTILINE):
            assert licence, f"NOTICE does not say under which licence {path} is"
            found[path] = licence[1]
    return found


def test_notice_and_the_licence_of_the_package_say_the_same() -> None:
    assert {"Apache-2.0", *notice().values()} == set(PROJECT["license"].split(" AND "))
    assert PROJECT["license-files"] == ["LICENSE", "NOTICE"]


def test_notice_names_all_that_was_not_written_here() -> None:
    package = [path for path in (ROOT / "src/condgen").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    foreign = {path.relative_to(ROOT).as_posix() for path in package if path.suffix not in OURS and path.suffix}
    assert foreign == notice().keys()


def test_each_threat_has_a_test_that_is_there() -> None:
    rows = re.findall(r"^\| .+ \| .+ \| (.+) \|$", (ROOT / "SECURITY.md").read_text(), re.MULTILINE)
    proofs = [re.fullmatch(r"`(tests/\S+\.py)::(test_\w+)`", row) for row in rows if not set(row) <= {"-"}][1:]
    assert len(proofs) > 20
    for proof in proofs:
        assert proof, "a threat without a test"
        assert f"def {proof[2]}(" in (ROOT / proof[1]).read_text(), proof[0]
