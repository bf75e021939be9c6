"""As much of the Hugging Face hub as condgen talks to, on this machine: repositories of small files in memory."""

import base64
import fnmatch
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlparse

TOKEN = "hf_of_the_test"


class Hub:
    """What has been pushed, and to where; `requests` lists the calls."""

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.private: set[str] = set()
        self.requests: list[str] = []
        self.address = ""

    def revision(self, name: str) -> str:
        content = b"".join(key.encode() + value for key, value in sorted(self.repositories[name].items()))
        return hashlib.sha1(content).hexdigest()


def handler_of(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def answer(self, status: int, body: object = None, **headers: str) -> None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for key, value in {"Content-Length": str(len(data)), **headers}.items():
                self.send_header(key.replace("_", "-"), value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def missing(self) -> None:
            self.answer(404, {"error": "Repository not found"}, X_Error_Code="RepoNotFound")

        def serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = unquote(urlparse(self.path).path)
            hub.requests.append(f"{self.command} {path}")
            known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
            if path == "/api/repos/create":
                wish = json.loads(body)
                name = f"{wish['organization']}/{wish['name']}" if wish.get("organization") else wish["name"]
                if not known:
                    return self.answer(401, {"error": "Invalid username or password."})
                if name in hub.repositories:
                    return self.answer(409, {"error": "exists", "url": f"{hub.address}/{name}"})
                hub.repositories[name] = {".gitattributes": b"*.bin filter=lfs\n"}
                if wish.get("private") or wish.get("visibility") == "private":
                    hub.private.add(name)
                return self.answer(200, {"url": f"{hub.address}/{name}"})
            if path == "/api/validate-yaml":
                return self.answer(200, {"errors": [], "warnings": []})
            found = re.match(r"(?:/api/(?:models|datasets)|/datasets)?/([^/]+/[^/]+?)(?:/(.*))?$", path)
            name, rest = (found[1], found[2] or "") if found else ("", "")
            if name not in hub.repositories or (name in hub.private and not known):
                return self.missing()
            self.repository(name, rest, body)

        def repository(self, name: str, rest: str, body: bytes) -> None:
            files, revision = hub.repositories[name], hub.revision(name)
            if rest.startswith("preupload/"):
                wished = [{"path": file["path"], "uploadMode": "regular", "shouldIgnore": False, "oid": None}
                          for file in json.loads(body)["files"]]  # fmt: skip
                self.answer(200, {"files": wished})
            elif rest.startswith("commit/"):
                for line in map(json.loads, body.splitlines()):
                    if line["key"] == "file":
                        files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
                    elif line["key"] == "deletedFile":
                        del files[line["value"]["path"]]
                self.answer(200, {"commitUrl": f"{hub.address}/{name}/commit/x", "commitOid": hub.revision(name)})
            elif rest.startswith("tree/"):
                self.answer(200, [
                    {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                    for path, data in files.items()
                ])  # fmt: skip
            elif rest.startswith("resolve/"):
                _, asked, file = rest.split("/", 2)
                if asked not in ("main", revision):
                    self.answer(404, {"error": "no such revision"}, X_Error_Code="RevisionNotFound")
                elif file not in files:
                    self.answer(404, {"error": "no such file"}, X_Error_Code="EntryNotFound")
                else:
                    tag = hashlib.sha1(files[file]).hexdigest()
                    self.answer(200, files[file], ETag=f'"{tag}"', X_Repo_Commit=revision)
            elif rest == "" or rest.startswith("revision/"):
                if rest and rest.split("/")[1] not in ("main", revision):
                    return self.answer(404, {"error": "no such revision"}, X_Error_Code="RevisionNotFound")
                siblings = [{"rfilename": path} for path in files]
                self.answer(200, {"id": name, "modelId": name, "sha": revision, "siblings": siblings,
                                  "private": name in hub.private, "tags": [], "downloads": 0})  # fmt: skip
            else:
                self.answer(404, {"error": f"the fake hub knows no {fnmatch.translate(rest)}"})

        do_GET = do_POST = do_HEAD = do_PUT = serve

    return Handler


@contextmanager
def serving() -> Iterator[Hub]:
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(hub))
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
