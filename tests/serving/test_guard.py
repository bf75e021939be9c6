"""What passes the door, and what every answer carries; over every route of the OpenAPI document and every method."""

import asyncio
import io
import re
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from condgen.serving.access import Access
from condgen.serving.limits import Limits
from serving.stand import JSON, Reply, Stand, standing, with_stand

PATHS = ["/", "/page/index.html", "/openapi.json", "/livez", "/readyz", "/metrics", "/about", "/sample", "/points"]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]
TOKEN = "t" * 32
LOCKED = Access(token=TOKEN, cookie="condgen_8000")
SOUND: dict[str, Any] = {
    "/sample": {"labels": "8"},
    "/points": {"points": [{"y": [0] * 10, "z": {"seed": 0, "index": 0}}]},
}


async def addresses(stand: Stand) -> dict[str, set[str]]:
    """Every path of the document, with the methods that it takes."""
    document = (await stand.ask("GET", "/openapi.json")).json
    paths = {path.replace("{name}", "index.html"): methods for path, methods in document["paths"].items()}
    return {path: {method.upper() for method in methods} for path, methods in paths.items()}


async def everywhere(stand: Stand, headers: dict[str, str]) -> dict[tuple[str, str], Reply]:
    """The answers of every route to every method, sound requests but for these headers."""
    found = {}
    for path in PATHS:
        for method in METHODS:
            body = SOUND.get(path, b"") if method == "POST" else b""
            found[method, path] = await stand.ask(method, path, body, headers)
    return found


def test_routes_and_document_are_the_same() -> None:
    async def compare(stand: Stand) -> None:
        routes: dict[str, set[str]] = {}
        for route in stand.guard.app.routes:  # type: ignore[attr-defined]
            path = route.path.replace("{name:path}", "index.html")
            routes.setdefault(path, set()).update(route.methods)
        assert routes == await addresses(stand)
        assert set(routes) == set(PATHS)
        for (method, path), reply in (await everywhere(stand, {})).items():
            known = "GET" if method == "HEAD" else method
            assert reply.status == (200 if known in routes[path] else 405), (method, path)

    with_stand(compare)


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", ""])
def test_a_foreign_host_gets_nothing(host: str) -> None:
    async def check(stand: Stand) -> None:
        for path in [*PATHS, "/no"]:
            for method in METHODS:
                reply = await stand.ask(method, path, SOUND.get(path, b""), {"host": host})
                assert reply.status == 421, (method, path)

    with_stand(check)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000"])
def test_this_machine_by_any_of_its_names_is_served(host: str) -> None:
    assert with_stand(lambda stand: stand.ask("GET", "/livez", b"", {"host": host})).status == 200


def test_two_hosts_or_none_are_refused() -> None:
    for hosts in ([], [b"localhost", b"localhost"]):
        raw = [(b"host", host) for host in hosts]
        assert with_stand(partial(Stand.ask, method="GET", path="/livez", raw=raw)).status == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:8001", "http://localhost", "<b>"])
def test_a_foreign_page_gets_nothing(origin: str) -> None:
    async def check(stand: Stand) -> None:
        headers = {"host": "localhost:8000", "origin": origin}
        for (method, path), reply in (await everywhere(stand, headers)).items():
            assert reply.status == 403, (method, path)
            assert "<b>" not in reply.body.decode()

    with_stand(check)


def test_its_own_page_is_served_and_no_other_may_read() -> None:
    async def check(stand: Stand) -> None:
        for origin in ("http://localhost:8000", "https://localhost:8000"):
            reply = await stand.ask("POST", "/sample", {"labels": "8"}, {"host": "localhost:8000", "origin": origin})
            assert reply.status == 200
            assert not reply.header("access-control-allow-origin")

    with_stand(check)


def test_an_allowed_page_may_ask_from_elsewhere() -> None:
    async def check(stand: Stand) -> None:
        headers = {"origin": "https://example.org", "access-control-request-method": "POST"}
        before = await stand.ask("OPTIONS", "/sample", b"", headers)
        assert (before.status, before.body) == (204, b"")
        assert "content-type" in before.header("access-control-allow-headers")
        reply = await stand.ask("POST", "/sample", {"labels": "8"}, {"origin": "https://example.org"})
        assert (reply.status, reply.header("access-control-allow-origin")) == (401, "https://example.org")
        named = {"origin": "https://example.org", "authorization": f"Bearer {TOKEN}"}
        assert (await stand.ask("POST", "/sample", {"labels": "8"}, named)).status == 200

    with_stand(check, access=Access(origins=frozenset({"https://example.org"}), token=TOKEN))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer"},
        {"authorization": f"Bearer {TOKEN[:-1]}"},
        {"authorization": f"Bearer {TOKEN}x"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": "Bearer \xe9\xff"},
        {"cookie": f"condgen_8001={TOKEN}"},
        {"cookie": "condgen_8000=; \xff;;=,"},
    ],
)
def test_without_the_token_there_is_nothing(headers: dict[str, str]) -> None:
    async def check(stand: Stand) -> None:
        for path in [*PATHS, "/no"]:
            for method in METHODS:
                reply = await stand.ask(method, path, SOUND.get(path, b""), headers)
                assert (reply.status, reply.header("www-authenticate")) == (401, "Bearer"), (method, path)

    with_stand(check, access=LOCKED)


@pytest.mark.parametrize(
    "headers",
    [{"authorization": f"bearer {TOKEN}"}, {"cookie": f"a=b; condgen_8000={TOKEN}"}],
    ids=["bearer", "cookie"],
)
def test_with_the_token_all_is_served(headers: dict[str, str]) -> None:
    async def check(stand: Stand) -> None:
        for path, body in SOUND.items():
            assert (await stand.ask("POST", path, body, headers)).status == 200
        assert (await stand.ask("GET", "/", b"", headers)).status == 200

    with_stand(check, access=LOCKED)


def test_a_browser_gets_a_cookie_for_the_token_and_an_address_without_it() -> None:
    async def check(stand: Stand) -> None:
        reply = await stand.ask("GET", "/", query=f"token={TOKEN}".encode())
        assert (reply.status, reply.header("location")) == (303, "./")
        cookie = reply.header("set-cookie")
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
        assert (await stand.ask("GET", "/", b"", {"cookie": cookie.split(";")[0]})).status == 200
        for query in (b"token=x", b"token=", f"token={TOKEN}&token=x".encode(), b"%ff=%ff", b"a=1&" * 50):
            assert (await stand.ask("GET", "/", query=query)).status == 401
        assert (await stand.ask("GET", "/about", query=f"token={TOKEN}".encode())).status == 401

    with_stand(check, access=LOCKED)


def test_every_answer_says_what_a_browser_may_do_with_it() -> None:
    async def check(stand: Stand) -> None:
        for (method, path), reply in (await everywhere(stand, {})).items():
            assert "default-src 'self'" in reply.header("content-security-policy"), (method, path)
            assert "unsafe" not in reply.header("content-security-policy")
            assert reply.header("x-content-type-options") == "nosniff"
            assert reply.header("referrer-policy") == "no-referrer"
            assert not reply.header("access-control-allow-origin")
            assert reply.header("content-type"), (method, path)

    with_stand(check)


@pytest.mark.parametrize(
    "name",
    ["../guard.py", "..%2fguard.py", "....//guard.py", "/etc/passwd", "../../etc/passwd", "C:\\x", "index.html/..",
     "%00", "index.html\0", "\ud800"],
)  # fmt: skip
def test_no_name_leads_out_of_the_page(name: str) -> None:
    async def check(stand: Stand) -> None:
        for path in (f"/page/{name}", f"/{name}"):
            reply = await stand.ask("GET", path)
            assert (reply.status, reply.json["error"]["code"]) == (404, "not_found"), path

    with_stand(check)


@pytest.mark.parametrize("text", ["../../etc/passwd", "file:///etc/passwd", "http://[::1]/", "<b onerror=1>"])
def test_nothing_that_was_sent_comes_back(text: str) -> None:
    async def check(stand: Stand) -> None:
        bodies: list[Any] = [{"labels": text}, {"labels": "8", "format": text}, {"labels": "8", text: 1}, text, [text]]
        for body in bodies:
            for path in SOUND:
                reply = await stand.ask("POST", path, body)
                assert reply.status == 422
                assert text not in reply.body.decode()
        reply = await stand.ask("GET", f"/{text}", headers={"user-agent": text})
        assert reply.status == 404
        assert text not in reply.body.decode() + str(reply.headers)
        assert text not in (await stand.ask("GET", "/metrics")).body.decode()

    with_stand(check)


def test_labels_that_are_markup_stay_data() -> None:
    async def check(stand: Stand) -> None:
        first = "<script>alert(1)</script>"
        for labels in (first, "0", "nothing"):
            reply = await stand.sample(labels)
            assert reply.status in (200, 422)
            assert reply.header("content-type") in ("image/png", "application/json")
        packed = await stand.sample("all", count=2, format="zip")
        with zipfile.ZipFile(io.BytesIO(packed.body)) as archive:
            assert all(re.fullmatch(r"[\w.+-]+", name) and ".." not in name for name in archive.namelist())
        assert (await stand.ask("GET", "/about")).header("content-type") == "application/json"

    with_stand(check, kind="markup")


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({**JSON, "content-length": "65537"}, b"", 413),
        ({**JSON, "content-length": "9" * 5000}, b"", 413),
        ({**JSON, "content-length": "-1"}, b"", 413),
        (JSON, b" " * 65537, 413),
        ({**JSON, "content-encoding": "gzip"}, b"x", 415),
        ({"content-type": "text/plain"}, b'{"labels": "8"}', 415),
        ({}, b'{"labels": "8"}', 415),
        (JSON, b"", 422),
        (JSON, b"\xff\xfe", 400),
        (JSON, b'{"labels": "\\ud800"}', 422),
        (JSON, b'{"labels": "\xff"}', 400),
        (JSON, b'{"labels": "8", "seed": NaN}', 422),
        (JSON, b'{"labels": "8", "seed": 1e400}', 422),
        (JSON, b'{"labels": "8", "seed": -Infinity}', 422),
        (JSON, b'{"labels": "8", "seed": ' + b"9" * 5000 + b"}", 400),
        (JSON, b'{"labels": "8", "seed": ' + b"9" * 4000 + b"}", 422),
        (JSON, b"[" * 65536, 400),
        (JSON, b'{"a":' * 13000, 400),
    ],
)
def test_a_body_that_is_none_is_refused(headers: dict[str, str], body: bytes, status: int) -> None:
    for path in SOUND:
        reply = with_stand(partial(Stand.ask, method="POST", path=path, body=body, headers=headers))
        assert reply.status == status
        assert set(reply.json["error"]) == {"code", "message"}


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def check() -> None:
        async with standing(limits=Limits(receipt_seconds=0.05)) as stand:
            sent: list[Any] = []

            async def receive() -> dict[str, Any]:
                await asyncio.sleep(0.01)
                return {"type": "http.request", "body": b" ", "more_body": True}

            async def send(message: Any) -> None:
                sent.append(message)

            headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
            scope = {"type": "http", "method": "POST", "path": "/sample", "query_string": b"", "headers": headers}
            await stand.guard(scope, receive, send)
            assert sent[0]["status"] == 408
            assert (b"connection", b"close") in sent[0]["headers"]

    asyncio.run(check())


def test_health_is_truthful() -> None:
    async def check(stand: Stand) -> None:
        assert (await stand.ask("GET", "/readyz")).status == 200
        stand.model.ready = False
        assert (await stand.ask("GET", "/readyz")).status == 503
        reply = await stand.sample("8")
        assert (reply.status, reply.json["error"]["code"], reply.header("retry-after")) == (503, "no_model", "2")
        stand.model.ready, stand.guard.state.draining = True, True
        assert (await stand.ask("GET", "/readyz")).status == 503
        assert (await stand.sample("8")).json["error"]["code"] == "draining"
        live = await stand.ask("GET", "/livez")
        assert (live.status, live.header("connection")) == (200, "close")

    with_stand(check)


def test_metrics_count_answers_under_names_of_ours() -> None:
    async def check(stand: Stand) -> None:
        await stand.sample("8")
        await stand.ask("BREW", "/some/where")
        await stand.ask("GET", "/page/some.js")
        text = (await stand.ask("GET", "/metrics")).body.decode()
        assert 'condgen_requests_total{method="POST",route="/sample",status="200"} 1.0' in text
        assert 'condgen_requests_total{method="other",route="other",status="404"} 1.0' in text
        assert 'condgen_requests_total{method="GET",route="/page/{name}",status="404"} 1.0' in text
        assert "condgen_images_total 1.0" in text
        assert "condgen_ready 1.0" in text

    with_stand(check)


def test_page_files_are_those_that_were_there(tmp_path: Path) -> None:
    from condgen.serving import files

    assert list(files.found(tmp_path)) == ["index.html"]
    (tmp_path / "index.html").write_text("<p>mine")
    (tmp_path / "app.js").write_text("1")
    found = files.found(tmp_path)
    assert found["index.html"] == (b"<p>mine", "text/html; charset=utf-8")
    assert found["app.js"][1] == "text/javascript; charset=utf-8"
