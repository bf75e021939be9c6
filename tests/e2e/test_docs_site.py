"""The documentation as a site: its search finds the right page first, and every page fits a phone."""

import functools
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from page.browser import FLAGS, chromium

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
FIRST = {
    "install": "install/", "learning rate": "training/", "resume": "training/", "标签": "zh/labels/",
    "学习率": "zh/training/", "安装": "zh/install/",
}  # fmt: skip
"""What is typed into the search, and the page that has to be the first result."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    for name in ("material", "mkdocstrings", "jieba"):
        pytest.importorskip(name)
    site = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-P", "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)]
    subprocess.run(command, cwd=ROOT, check=True)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        yield driver.chromium.launch(executable_path=chromium(), args=list(FLAGS))


def test_the_search_finds_the_page_first(address: str, browser: Any) -> None:
    page, found = browser.new_page(), {}
    for query in FIRST:
        page.goto(address)
        page.click("[data-md-component=search-query]")
        page.type("[data-md-component=search-query]", query)
        page.wait_for_selector(".md-search-result__link", state="attached", timeout=60_000)
        page.wait_for_timeout(1000)  # results are updated while one types
        first = page.query_selector(".md-search-result__link")
        found[query] = first.get_attribute("href").removeprefix(address)
    assert found == FIRST


def test_every_page_fits_a_phone(address: str, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 400, "height": 800})
    paths = [path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("*.md")]
    for path in paths:
        name = path.as_posix().removesuffix("index")
        page.goto(f"{address}{name}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 400, name
