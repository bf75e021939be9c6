"""Runs to look at, each served once: digits with a latent plane, and attributes whose names would be markup."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from condgen import api
from conftest import toy_data
from page import browser
from page.browser import chromium, serving

MARKUP = ("<img src=x onerror=alert(1)>", "a&amp;b", "\"'><script>alert(2)</script>")


@pytest.fixture(scope="module", autouse=True)
def _one_browser() -> Iterator[None]:
    """For all tests of a module; it starts when the first of them looks at a page."""
    yield
    browser.close()


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `cvae` with a z of two numbers that has seen few digits: images that differ by label and noise."""
    out = tmp_path_factory.mktemp("page") / "digits"
    return api.train("cvae", data="mnist", images=1000, z_dim=2, evaluate_every=0, out=out, quiet=True).folder


@pytest.fixture(scope="session")
def switches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with attributes, three of which a careless page would run."""
    place, data = tmp_path_factory.mktemp("page"), toy_data("attributes")
    names = np.array(["Blond_Hair", *MARKUP])
    np.savez(place / "switches.npz", images=data.train.images, labels=data.train.labels, names=names)
    out = place / "switches"
    return api.train("cvae", data=place / "switches.npz", images=200, batch=20, out=out, quiet=True).folder


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
