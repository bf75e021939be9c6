"""An HTTP connection: uvicorn's, with deadlines for requests and responses and a limit on the number of connections.

uvicorn waits for a request's headers without a limit, so a few hundred clients that send one byte per second could
occupy the server.
"""

import asyncio
import sys
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from condgen.serving import problems
from condgen.serving.framing import Framing
from condgen.serving.headers import complete
from condgen.serving.limits import Limits
from condgen.serving.problems import Problem

LINGER_SECONDS = 1.0
"""Seconds that the client of a closed connection has to read the last bytes written to it."""


class Connection(H11Protocol):
    """uvicorn's HTTP/1.1 connection with deadlines; `connections(limits)` makes the class for one server."""

    limits: ClassVar[Limits]
    unasked: ClassVar["dict[Connection, None]"]
    """Connections that have not received a complete request; the one that has waited for longest comes first."""
    unread: ClassVar["dict[Connection, None]"]
    """Connections whose client has not read all of a response; the one that has read for longest comes first."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.conn: Framing = Framing(self.limits.headers)
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
        self._watch_flow()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unmind()
        self._unwatch_flow()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_flow()
        self._make_memory()

    def send_400_response(self, msg: str) -> None:
        if getattr(sys.exception(), "error_status_hint", 400) == 431:
            self.refuse(problems.closing(431, "headers", f"The headers exceed {self.limits.headers:,} bytes."))
        else:
            self.refuse(problems.closing(400, "malformed", "The request is not valid HTTP."))

    def refuse(self, problem: Problem) -> None:
        """Close the connection; send `problem` first if a response can still be sent."""
        waiting = self.cycle is not None and not self.cycle.response_complete
        try:
            if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE) and not (waiting and self.cycle.response_started):
                if waiting:  # tell the application that its client has disconnected
                    self.cycle.disconnected = True
                    self.cycle.message_event.set()
                self._answer(problem)
        finally:
            self.transport.close()
            self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def _answer(self, problem: Problem) -> None:
        named = {"content-type": "application/json", "content-length": str(len(problem.body)), **problem.headers}
        headers = complete((name.encode(), value.encode()) for name, value in named.items())
        body = b"" if self.conn.method == b"HEAD" else problem.body
        response = h11.Response(status_code=problem.status, headers=headers)
        for event in (response, h11.Data(body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")

    def _mind(self) -> None:
        """Run the deadline exactly while the client has to send bytes that the application does not wait for itself."""
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
        """Close one connection because there are too many.

        It is the one that has waited for longest to complete a request, or this one if there is none.
        """
        oldest = next(iter(self.unasked), None)
        if oldest is not None:
            oldest._give_up()
        else:
            self.refuse(problems.closing(503, "connections", "Too many connections; try again later."))

    def _watch_flow(self) -> None:
        """Run the deadline while the client has not read everything that was sent to it."""
        if self._stalled is not None:
            self._stalled.cancel()
        if left := self.transport.get_write_buffer_size():
            self._stalled = self.loop.call_later(self.limits.stalled_seconds, self._check_flow, left)
            self.unread[self] = None
        else:
            self._unwatch_flow()

    def _check_flow(self, before: int) -> None:
        """Close the connection if the client has read too little since the last check."""
        if before - self.transport.get_write_buffer_size() < min(before, self.limits.taken):
            self.transport.abort()
        else:
            self._watch_flow()

    def _make_memory(self) -> None:
        """Disconnect clients until the unread responses fit into the memory limit, the longest readers first."""
        unsent = [(each, each.transport.get_write_buffer_size()) for each in self.unread]
        excess = sum(left for _, left in unsent) - self.limits.unsent
        for each, left in unsent:
            if excess <= 0:
                break
            each.transport.abort()
            excess -= left

    def _unwatch_flow(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
        self.unread.pop(self, None)


def connections(limits: Limits) -> type[Connection]:
    """The class of one server's connections, which share these limits."""
    return type("Connection", (Connection,), {"limits": limits, "unasked": {}, "unread": {}})
