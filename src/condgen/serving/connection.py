"""One HTTP connection: uvicorn's, which has to send its requests in time, take its answers, and not be one too many.

uvicorn waits for a request's headers for ever; a few hundred clients that send a byte a second would be enough to
keep everybody else out.
"""

import asyncio
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from condgen.serving import problems
from condgen.serving.limits import Limits
from condgen.serving.problems import Problem

LINGER_SECONDS = 1.0
"""That a closed connection has to take what was last written to it."""


class Connection(H11Protocol):
    """uvicorn's HTTP/1.1 with deadlines; `connections(limits)` makes the class for one server."""

    limits: ClassVar[Limits]
    unasked: ClassVar["dict[Connection, None]"]
    """Connections that have no whole request in hand, the one that took longest first."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._late: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self._make_room()
        if not transport.is_closing():
            self._mind()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._mind()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._mind()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unmind()
        self._flows()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_flow(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        self._flows()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        self.refuse(problems.closing(400, "malformed", "This is not HTTP as it should be."))

    def refuse(self, problem: Problem) -> None:
        """Say why, if the other side can still be told, and close."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE) and (
            self.cycle is None or self.cycle.response_complete
        ):
            named = {"content-type": "application/json", "content-length": str(len(problem.body)), **problem.headers}
            headers = [(name.encode(), value.encode()) for name, value in named.items()]
            for event in (
                h11.Response(status_code=problem.status, headers=headers), h11.Data(problem.body), h11.EndOfMessage()
            ):  # fmt: skip
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def _mind(self) -> None:
        """Run the clock exactly while the client owes us bytes and the application is not waiting for them itself."""
        unanswered = self.cycle is not None and not self.cycle.response_complete
        owes = self.conn.their_state is h11.IDLE or (self.conn.their_state is h11.SEND_BODY and not unanswered)
        if not owes or self.transport.is_closing():
            self._unmind()
        elif self._late is None:
            self._late = self.loop.call_later(self.limits.receipt_seconds, self._give_up)
            self.unasked[self] = None

    def _unmind(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
            self.unasked.pop(self, None)

    def _give_up(self) -> None:
        self._unmind()
        self.refuse(problems.closing(408, "late", "The request did not arrive in time."))

    def _make_room(self) -> None:
        """One connection too many: the one that has had longest to ask something goes, or else this one."""
        oldest = next(iter(self.unasked), None)
        if oldest is not None:
            oldest._give_up()
        else:
            self.refuse(problems.closing(503, "connections", "Too many connections; come back later."))

    def _watch_flow(self, left: int) -> None:
        self._flows()
        self._stalled = self.loop.call_later(self.limits.stalled_seconds, self._check_flow, left)

    def _check_flow(self, before: int) -> None:
        """An answer of which nothing was taken since the last look is not waited for."""
        left = self.transport.get_write_buffer_size()
        if left >= before:
            self.transport.abort()
        else:
            self._watch_flow(left)

    def _flows(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None


def connections(limits: Limits) -> type[Connection]:
    """The class of one server's connections."""
    return type("Connection", (Connection,), {"limits": limits, "unasked": {}})
