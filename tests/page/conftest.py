"""Runs to look at, each served once: digits, attributes, and names that would be markup."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from condgen import api
from conftest import pictures
from page.browser import chromium, serving

MARKUP = ("<img src=x onerror=alert(1)>", "a&amp;b", "\"'><script>alert(2)</script>")


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `cvae` that has seen few digits: enough for pictures that differ by label and noise."""
    out = tmp_path_factory.mktemp("page") / "digits"
    return api.train("cvae", data="mnist", images=1000, evaluate_every=0, out=out, quiet=True).folder


@pytest.fixture(scope="session")
def switches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with attributes."""
    return tiny(tmp_path_factory.mktemp("page"), "switches", ("Smiling", "Hat", "Blond_Hair", "Glasses"), "attributes")


@pytest.fixture(scope="session")
def markup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with classes whose names a careless page would run."""
    return tiny(tmp_path_factory.mktemp("page"), "markup", MARKUP, "colour")


def tiny(place: Path, name: str, names: tuple[str, ...], kind: str) -> Path:
    data = pictures(kind, 60)
    np.savez(place / f"{name}.npz", images=data.train.images, labels=data.train.labels, names=np.array(names))
    return api.train("cvae", data=place / f"{name}.npz", images=200, batch=20, out=place / name, quiet=True).folder


@pytest.fixture(scope="session")
def digits_at(digits: Path) -> Iterator[str]:
    chromium()
    with serving(digits) as (address, _):
        yield address


@pytest.fixture(scope="session")
def switches_at(switches: Path) -> Iterator[str]:
    chromium()
    with serving(switches) as (address, _):
        yield address


@pytest.fixture(scope="session")
def markup_at(markup: Path) -> Iterator[str]:
    chromium()
    with serving(markup) as (address, _):
        yield address
