"""What the page says and does when the server is busy, refuses, or is gone."""

import re
import signal
from pathlib import Path
from typing import Any

import numpy as np

from page.browser import SECONDS, looking, serving

NOTICE = ".stage .notice"


def test_a_busy_server_is_asked_again(digits_at: str) -> None:
    """After as long as it said; meanwhile the page says so."""
    answers = [429, 503]

    def busy(route: Any) -> None:
        if answers:
            headers = {"Retry-After": "1", "Content-Type": "application/json"}
            route.fulfill(status=answers.pop(), headers=headers, body='{"error": {"code": "busy", "message": "<b>"}}')
        else:
            route.continue_()

    with looking() as seen:
        seen.page.route("**/points", busy)
        seen.page.goto(digits_at)
        seen.page.get_by_text("The server is busy.").wait_for()
        seen.page.get_by_text(re.compile(r"Retrying in \d s\.")).wait_for()
        assert seen.generated().page.locator(NOTICE).is_hidden()
        assert answers == []
        seen.said = [text for text in seen.said if "status of 429" not in text and "status of 503" not in text]


def test_a_refusal_is_told_as_text(digits_at: str) -> None:
    body = '{"error": {"code": "invalid", "message": "no <img src=x onerror=alert(1)> here"}}'
    with looking() as seen:
        seen.page.route("**/points", lambda route: route.fulfill(status=422, body=body))
        seen.page.goto(digits_at)
        seen.page.get_by_text("no <img src=x onerror=alert(1)> here").wait_for()
        assert seen.page.locator("img").count() == 0
        seen.said.clear()


def test_a_server_that_hangs_and_dies_is_waited_for(digits: Path) -> None:
    """Of many changes while one request is on its way only the last is asked for; of a server that is gone the last
    images stay, and when it is back, the next are generated without a click."""
    with looking() as seen:
        with serving(digits) as (address, process):
            seen.open(f"{address}#view=walk")
            asked = seen.paths.count("/points")
            process.send_signal(signal.SIGSTOP)
            slider = seen.page.get_by_label("Position between the seeds")
            for part in range(60, 80):
                slider.fill(str(part))
            process.send_signal(signal.SIGCONT)
            before = seen.generated().pixels()
            assert seen.paths.count("/points") == asked + 2
            assert seen.page.evaluate("location.hash") == "#view=walk&part=79"
            process.terminate()
            process.wait(SECONDS)
            seen.page.get_by_role("radio", name="5", exact=True).click()
            seen.page.get_by_text("The server does not respond.").wait_for()
            assert np.array_equal(seen.pixels(), before)
        port = address.rstrip("/").rsplit(":", 1)[1]
        with serving(digits, "--port", port):
            assert not np.array_equal(seen.generated().pixels(), before)
            assert seen.page.locator(NOTICE).is_hidden()
        seen.said = [text for text in seen.said if "ERR_CONNECTION_REFUSED" not in text]


def test_a_token_is_asked_for_and_leaves_the_address(digits_at: str) -> None:
    """The server takes it as /?token=..., answers with a cookie, and the page then wipes it from the address."""
    with looking() as seen:
        page = seen.open(digits_at).page
        page.route("**/points", lambda route: route.fulfill(status=401, body="{}"), times=1)
        page.get_by_role("radio", name="5", exact=True).click()
        page.get_by_text("This server needs the token").wait_for()
        page.get_by_label("Token").fill("a b&c")
        page.get_by_role("button", name="Continue").click()
        assert seen.generated().page.get_by_role("radio", name="5", exact=True).get_attribute("aria-checked") == "true"
        assert "/?token=a%20b%26c" in seen.paths
        assert page.evaluate("location.search") == ""
        seen.said = [text for text in seen.said if "status of 401" not in text]
