"""`condgen serve`: binds the address, loads the generator, serves, and on SIGTERM finishes the requests in progress."""

import asyncio
import contextlib
import gc
import ipaddress
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import uvicorn

from condgen import heap, windows
from condgen.disk import cache, make
from condgen.disk_errors import DiskError
from condgen.errors import CondgenError
from condgen.options import Values
from condgen.serving import files
from condgen.serving.access import LOOPBACK, Access
from condgen.serving.app import build
from condgen.serving.connection import connections
from condgen.serving.fair_queue import Turns
from condgen.serving.guard import Guard, State
from condgen.serving.limits import Limits
from condgen.serving.model import Model
from condgen.serving.model_info import Served
from condgen.serving.queue import Queue
from condgen.serving.telemetry import Measures

SETTLE_SECONDS = 0.3
"""Time for requests that are in transit when the server is told to stop."""
LAST_SECONDS = 3
"""Time for clients to read the rest of responses that were sent."""


@dataclass(frozen=True)
class ServerSettings:
    """The settings of one server, as requested on the command line."""

    run: str
    host: str = "127.0.0.1"
    port: int = 8000
    best: bool = False
    device: str = "cpu"
    cors_origins: Sequence[str] = ()
    allow_hosts: Sequence[str] = ()
    token_file: Path | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    options: Values = field(default_factory=dict)
    """Sampling options of requests that give none."""


def serve(order: ServerSettings) -> None:
    """Serve until SIGINT or SIGTERM. Raises CondgenError if the run, the address or the token cannot be used."""
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # it logs what a client sent; the guard logs what failed
    heap.returned()
    listener = listening(order.host, order.port)
    with contextlib.closing(listener):
        access = access_of(order, listener)
        asyncio.run(_serve(order, listener, access))


async def _serve(order: ServerSettings, listener: socket.socket, access: Access) -> None:
    model = Model(order.run, best=order.best, device=order.device, options=order.options, limits=order.limits)
    try:
        hello = await model.start()
        served = Served.of(Path(order.run).resolve().name, hello, order.scores)
        guard = assembled(served, model, order.limits, access)
        async with guard.queue.working():
            server = Server(config(guard, guard.limits))
            gc.freeze()  # as in worker.py: shortens the pauses for garbage collection, which delay every request
            _say(f"serving {served}")
            _say(f"at {address(listener)}" + (f"?token={access.token}" if access.token else ""))
            with server.told_to_stop(guard.state):
                await server.serve([listener])
    finally:
        await model.close()


def assembled(served: Served, model: Model, limits: Limits, access: Access) -> Guard:
    """Build the guard with the application, the queue and the metrics behind it."""
    limits = limits.with_room_for(served.prior.dim)
    measures, state = Measures(), State()
    turns = Turns(served.micro_batch, limits.micro_batches)
    channels, height, width = served.spec.shape
    queue = Queue(model.generate, turns, (height, width, channels), measures)
    app = build(served, queue, limits, state, measures, lambda: model.ready, files.found())
    measures.watch("condgen_ready", "1 if the server can generate images.", lambda: model.ready and not state.draining)
    measures.watch("condgen_waiting_images", "Requested images that are not generated yet.", lambda: turns.images)
    measures.watch("condgen_waiting_requests", "Requests that wait for images.", lambda: len(turns.jobs))
    measures.watch("condgen_in_hand", "Requests without a complete answer.", lambda: state.in_hand)
    measures.watch("condgen_model_restarts", "Restarts of the model process.", lambda: model.restarts)
    routes = frozenset(route.path for route in app.routes if hasattr(route, "path"))
    return Guard(app, access, limits, queue, measures, lambda: model.ready, state, routes)


def config(guard: Guard, limits: Limits) -> uvicorn.Config:
    return uvicorn.Config(
        guard, http=connections(limits), ws="none", lifespan="off", log_config=None, access_log=False,
        server_header=False, proxy_headers=False, timeout_keep_alive=int(limits.idle_seconds),
        h11_max_incomplete_event_size=limits.headers, timeout_graceful_shutdown=int(limits.drain_seconds),
    )  # fmt: skip


class Server(uvicorn.Server):
    """uvicorn's server, but a signal makes it finish its requests first and then exit with code 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals are handled in `told_to_stop`

    @contextlib.contextmanager
    def told_to_stop(self, state: State) -> Iterator[None]:
        """Context manager that drains the server on the first SIGINT or SIGTERM and exits at once on the second."""
        loop, drains = asyncio.get_running_loop(), set[asyncio.Task[None]]()

        def heard(number: signal.Signals) -> None:
            if state.draining:
                os._exit(128 + number)
            state.draining = True
            drains.add(loop.create_task(self._drain(state)))

        def receive(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(heard, signal.Signals(number))

        # Not loop.add_signal_handler, which Windows does not have.
        before = {number: signal.signal(number, receive) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening first and close connections later, so that clients that just connected get a response."""
        await asyncio.sleep(0)
        for each in self.servers:
            each.close()
        await asyncio.sleep(SETTLE_SECONDS)
        await super().shutdown(sockets)

    async def _drain(self, state: State) -> None:
        """Finish the requests in progress. Meanwhile new work is refused and /readyz returns 503."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                await asyncio.sleep(SETTLE_SECONDS)
                while state.in_hand:
                    await asyncio.sleep(0.02)
        self.config.timeout_graceful_shutdown = LAST_SECONDS  # the time of the requests in progress is over
        self.should_exit = True


def listening(host: str, port: int) -> socket.socket:
    """A listening socket. Raises CondgenError if the address is in use or does not belong to this machine."""
    if not 0 <= port <= 65535:
        raise CondgenError(f"--port should be 0 to 65535, found {port}.")
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError):
        raise CondgenError(f"cannot listen at {host!r}, port {port}: there is no such address.") from None
    try:
        if not windows.IS_WINDOWS:  # there, two programs could then listen at the same port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(2048)
        return listener
    except OSError as error:
        listener.close()
        raise CondgenError(f"cannot listen at {host} port {port}: {error.strerror}; try another --port.") from None


def address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def access_of(order: ServerSettings, listener: socket.socket) -> Access:
    """The access rules of a server at this address; any address other than loopback requires a token."""
    host, port = listener.getsockname()[:2]
    place = ipaddress.ip_address(host)
    names = {order.host.lower(), host, *map(str.lower, order.allow_hosts), *LOOPBACK}
    token = None
    if order.token_file or not place.is_loopback:
        names.add(socket.gethostname().lower())
        token = token_in((order.token_file or cache() / "serve" / f"{port}.token").expanduser())
    origins = frozenset(origin.lower().rstrip("/") for origin in order.cors_origins)
    return Access(frozenset(names), place.is_unspecified, origins, token, f"condgen_{port}")


def token_in(path: Path) -> str:
    """Read the token from a file, or create both. Raises CondgenError if other users can read the file."""
    try:
        if path.exists():
            if not windows.IS_WINDOWS and path.stat().st_mode & 0o077:  # Windows keeps no such bits
                raise CondgenError(
                    f"{str(path)!r} can be read by other users; run chmod 600 on it, or remove it to get a new token."
                )
            if len(token := path.read_text("ascii").strip()) >= 16:
                return token
            raise CondgenError(f"{str(path)!r} contains no token (16 letters or more); remove it to get a new one.")
        make(path.parent)
        token = secrets.token_urlsafe(32)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | windows.BINARY, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(f"{token}\n".encode())
    except (OSError, UnicodeError) as error:
        raise (
            DiskError.about(path, error)
            if isinstance(error, OSError)
            else CondgenError(f"{str(path)!r} contains no token; remove it to get a new one.")
        ) from None
    return token


def _say(text: str) -> None:
    """Print a line, with '?' for unprintable characters, so that a name cannot send commands to the terminal."""
    sys.stdout.write("".join(sign if sign.isprintable() else "?" for sign in text) + "\n")
    sys.stdout.flush()
