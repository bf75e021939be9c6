"""A real browser before the page: Debian's chromium, or Chrome, driven by playwright; and a server to look at."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

SECONDS = 90
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


def chromium() -> str:
    """Where it is; a test that needs one is skipped where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = os.environ.get("CONDGEN_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip("no chromium is installed (apt install chromium), or name one in $CONDGEN_CHROMIUM")
    return found


@dataclass
class Seen:
    """A page, and all that it said and asked for."""

    page: Any
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def hear(self, text: str) -> None:
        if not text.startswith("Canvas2D: Multiple readback"):  # which is about `pixels` below
            self.said.append(text)

    @property
    def paths(self) -> list[str]:
        return [re.sub(r"^http://[^/]*", "", address) for address in self.asked]

    def open(self, address: str) -> "Seen":
        self.page.goto(address)
        return self.generated()

    def generated(self) -> "Seen":
        """Wait until every image on the stage is of what the page now stands for."""
        shown = "#panel:not(.generating):has(canvas):not(:has(canvas.blank))"
        self.page.wait_for_selector(shown, state="attached", timeout=SECONDS * 1000)
        return self

    def pixels(self, where: str = ".stage .gallery canvas") -> NDArray[np.uint8]:
        """Every image of those canvases, uint8 (n, h, w, 3), as the browser has it."""
        read = """all => all.map(canvas => [canvas.height, canvas.width,
            [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]])"""
        found = self.page.locator(where).evaluate_all(read)
        return np.array([np.reshape(data, (h, w, 4))[..., :3] for h, w, data in found], np.uint8)

    def text(self, where: str) -> str:
        return str(self.page.locator(where).first.inner_text())

    def code(self, kind: str, where: str = ".stage .code") -> str:
        """What the panel shows as command, python or curl."""
        self.page.click(f"{where} [data-kind={kind}]")
        return str(self.page.locator(f"{where} pre").text_content())


_started = ExitStack()
_running: list[Any] = []


def _browser() -> Any:
    """The one that is running, or a new one: starting it takes longer than most tests."""
    if not _running:
        where = chromium()  # first: a driver that has started and has no browser is in the way of the next test
        driver = pytest.importorskip("playwright.sync_api", reason="the page's tests need playwright")
        play = _started.enter_context(driver.sync_playwright())
        program = play.chromium.launch(executable_path=where, args=list(FLAGS))
        _started.callback(program.close)
        _running.append(program)
    return _running[0]


def close() -> None:
    """End the browser and its driver, whose event loop would be in the way of tests that run one of their own."""
    _started.close()
    _running.clear()


@contextmanager
def looking(**settings: Any) -> Iterator[Seen]:
    """A fresh profile of a browser, with no cookies, storage or cache; at the end nothing may have gone wrong, and
    nobody outside may have been asked."""
    context = _browser().new_context(**{"locale": "en-GB", "accept_downloads": True} | settings)
    with closing(context):
        seen = Seen(context.new_page())
        seen.page.on("console", lambda message: seen.hear(message.text))
        seen.page.on("pageerror", lambda error: seen.said.append(str(error)))
        seen.page.on("request", lambda request: seen.asked.append(request.url))
        yield seen
    outside = [url for url in seen.asked if not re.match(r"http://127\.0\.0\.1:\d+/|file:///|blob:|data:", url)]
    assert not outside, outside
    assert not seen.said, seen.said


@contextmanager
def serving(run: Path, *words: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """`condgen serve RUN` as a process of its own: where it is, and the process."""
    port = () if "--port" in words else ("--port", "0")
    command = [sys.executable, "-m", "condgen", "serve", str(run), *port, *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert process.stdout
    try:
        lines = iter(process.stdout.readline, "")
        yield next(line.removeprefix("at ").strip() for line in lines if line.startswith("at ")), process
    finally:
        process.send_signal(signal.SIGCONT)  # if a test has stopped it
        process.terminate()
        process.wait(SECONDS)
        process.stdout.close()
