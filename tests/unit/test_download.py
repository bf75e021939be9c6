"""A download continues after an interruption, and keeps nothing but what has the right checksum."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from condgen import download
from condgen.errors import CondgenError

CONTENT = np.random.default_rng(0).bytes(100_000)
MD5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"
STARTS: list[int] = []
"""First byte of every request."""


class Flaky(BaseHTTPRequestHandler):
    """Ends each answer after 40,000 bytes. /whole knows no ranges."""

    def do_GET(self) -> None:
        span = self.headers.get("Range")
        start = int(span.removeprefix("bytes=").rstrip("-")) if span and self.path != "/whole" else 0
        STARTS.append(start)
        if start > len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start:] if self.path == "/whole" else CONTENT[start : start + 40_000])

    def log_message(self, *args: object) -> None: ...


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    STARTS.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Flaky) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_interrupted_download_continues(address: str, tmp_path: Path) -> None:
    path = download.fetch(f"{address}/file", tmp_path / "file", "a file", MD5)
    assert path.read_bytes() == CONTENT
    assert STARTS == [0, 40_000, 80_000]
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_so_does_the_next_call(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "TRIES", 1)
    for number in range(3):
        if number < 2:
            with pytest.raises(download.Unreachable, match="the connection ended after"):
                download.fetch(f"{address}/file", tmp_path / "file", "a file", MD5)
        else:
            download.fetch(f"{address}/file", tmp_path / "file", "a file", MD5)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert STARTS == [0, 40_000, 80_000]


@pytest.mark.parametrize(("name", "left"), [("whole", 300), ("file", 100_001)])
def test_it_begins_anew_if_the_rest_cannot_be_had(address: str, tmp_path: Path, name: str, left: int) -> None:
    (tmp_path / "file.part").write_bytes(b"x" * left)
    assert download.fetch(f"{address}/{name}", tmp_path / "file", "a file", MD5).read_bytes() == CONTENT


def test_another_file_is_not_kept(address: str, tmp_path: Path) -> None:
    with pytest.raises(CondgenError, match="gave another file than the published one"):
        download.fetch(f"{address}/file", tmp_path / "file", "a file", f"sha512:{'0' * 128}")
    assert not [*tmp_path.iterdir()]
