"""The checks that every request passes before it reaches the application, the cheapest first.

They are raw ASGI, because a full queue has to be reported before a body is read. If handlers made this check, the "too
busy" responses would queue up themselves (docs/serving.md has measurements).
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from condgen.serving import problems
from condgen.serving.access import Access, Headers, headers_of
from condgen.serving.headers import complete
from condgen.serving.limits import Limits
from condgen.serving.problems import Problem
from condgen.serving.queue import Queue
from condgen.serving.telemetry import Measures

log = logging.getLogger("condgen.serving")

WORK = {"/sample", "/points"}
"""Routes that use the model."""
CORS = {
    "access-control-allow-methods": "GET, POST",
    "access-control-allow-headers": "authorization, content-type",
    "access-control-max-age": "600",
}


class Gone(Exception):
    """The client disconnected, so that no response can be sent."""


@dataclass
class State:
    """What the server is doing now."""

    draining: bool = False
    """Whether new work is refused because the server was told to stop."""
    in_hand: int = 0
    """Number of requests without a complete response."""


@dataclass
class Answer:
    """Sends a response: adds the headers that every response has, and records its status."""

    send: Send
    extra: list[tuple[bytes, bytes]]
    status: int = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*complete(message.get("headers", [])), *self.extra]}
        await self.send(message)

    async def problem(self, problem: Problem) -> None:
        await self.plain(problem.status, problem.body, {"content-type": "application/json", **problem.headers})

    async def plain(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        named = {**headers, "content-length": str(len(body))} if status != 204 else headers
        encoded = [(name.encode(), value.encode("latin-1")) for name, value in named.items()]
        await self({"type": "http.response.start", "status": status, "headers": encoded})
        await self({"type": "http.response.body", "body": body})


@dataclass
class Guard:
    """ASGI middleware that checks every request before it calls the application."""

    app: ASGIApp
    access: Access
    limits: Limits
    queue: Queue
    measures: Measures
    ready: Callable[[], bool]
    state: State
    routes: frozenset[str]
    """Routes that have a counter of their own in the metrics."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        began, answer = time.monotonic(), Answer(send, [])
        self.state.in_hand += 1
        try:
            await self._guarded(scope, receive, answer)
        except Problem as problem:
            await answer.problem(problem)
        except Gone:
            self.measures.gone.inc()
        except Exception:
            log.exception("a request failed")
            if not answer.status:
                await answer.problem(Problem(500, "internal", "The server failed; its log says why."))
        finally:
            self.state.in_hand -= 1
            if answer.status:
                self.measures.answered(self._route(scope), scope["method"], answer.status, time.monotonic() - began)

    async def _guarded(self, scope: Scope, receive: Receive, answer: Answer) -> None:
        headers = headers_of(scope)
        self.access.check_host(headers)
        self.access.check_origin(headers)
        if self.state.draining:
            answer.extra.append((b"connection", b"close"))
        if origin := self.access.foreign(headers):
            answer.extra += [(b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"origin")]
            if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
                return await answer.plain(204, b"", CORS)
        if cookie := self.access.cookie_for(scope):
            return await answer.plain(303, b"", {"location": "./", "set-cookie": cookie})
        self.access.check_token(headers)
        works = scope["method"] == "POST" and scope["path"] in WORK
        if works:
            self._check_work(headers)
        body = await self._body(headers, receive)
        await (self._watched if works else self._unwatched)(scope, receive, answer, body)

    def _check_work(self, headers: Headers) -> None:
        """Check, before the body is read, that the model is ready, its queue has room, and the body is JSON.

        Raises Problem 415, 429 or 503.
        """
        if self.state.draining:
            raise problems.draining()
        if not self.ready():
            raise problems.down()
        if self.queue.turns.full:
            raise problems.busy(self.queue.retry_after)
        kind = b"".join(headers.get(b"content-type", [])).split(b";")[0].strip().lower()
        if kind != b"application/json":
            raise problems.closing(415, "no_json", "The body must be application/json.")

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        """Read the body. Raises Problem 408, 413 or 415 if it is too slow, too large or encoded."""
        if any(value.strip().lower() != b"identity" for value in headers.get(b"content-encoding", [])):
            raise problems.closing(415, "encoded", "The body must not be compressed.")
        large = problems.closing(413, "too_large", f"The body exceeds {self.limits.body:,} bytes.")
        length = headers.get(b"content-length", [b"0"])[0]
        if not length.isdigit() or len(length) > 12 or int(length) > self.limits.body:
            raise large
        body = bytearray()
        try:
            async with asyncio.timeout(self.limits.receipt_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Gone
                    body += message.get("body", b"")
                    if len(body) > self.limits.body:
                        raise large
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError:
            raise problems.closing(408, "late", "The request did not arrive in time.") from None

    async def _unwatched(self, scope: Scope, receive: Receive, answer: Answer, body: bytes) -> None:
        if scope["method"] == "HEAD":  # handled as GET; the connection then sends only the headers (RFC 9110, 9.3.2)
            scope = {**scope, "method": "GET"}
        await self.app(scope, _once(body, receive), answer)

    async def _watched(self, scope: Scope, receive: Receive, answer: Answer, body: bytes) -> None:
        """Run the application; cancel it if it takes too long or the client disconnects."""
        work = asyncio.ensure_future(self.app(scope, _once(body, receive), answer))
        gone = asyncio.ensure_future(receive())
        try:
            await asyncio.wait({work, gone}, timeout=self.limits.request_seconds, return_when=asyncio.FIRST_COMPLETED)
            if answer.status and not work.done():  # the response has started; the connection handles slow readers
                await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            if gone.done():
                raise Gone
            raise Problem(504, "slow", "The images were not generated in time; request fewer, or try again later.")
        finally:
            for task in (work, gone):
                task.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)

    def _route(self, scope: Scope) -> str:
        path = scope["path"]
        if path in self.routes:
            return str(path)
        return "/page/{name}" if path.startswith("/page/") else "other"


def _once(body: bytes, receive: Receive) -> Receive:
    """An ASGI `receive` that first returns a body which was read already."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again
