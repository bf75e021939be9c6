"""A server without sockets and processes: the guard, the application and the queue around a tiny generator."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from condgen.labels import ANY, Labels
from condgen.options import Values
from condgen.sampling.sampler import Sampler
from condgen.serving.access import Access
from condgen.serving.guard import Guard
from condgen.serving.limits import Limits
from condgen.serving.model import Down
from condgen.serving.model_info import Served
from condgen.serving.server import assembled
from condgen.serving.worker import Artist
from condgen.spec import Prior, Spec
from condgen.testing.toys import toy_card
from conftest import KINDS

DIM = 6
JSON = {"content-type": "application/json"}
SHAPES: dict[str, tuple[tuple[int, int, int], Labels]] = {
    **KINDS,
    "any": ((1, 6, 4), ANY),
    "markup": ((1, 4, 4), Labels(("<script>alert(1)</script>", "a&b", "\"'>", "../../etc/passwd"))),
}


class Tiny(nn.Module):
    """Sums of products, which another order of summing would round differently: a batch of another size shows."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.shape = spec.shape
        self.z = nn.Linear(DIM, 32)
        self.y = nn.Linear(len(spec.labels), 32)
        self.out = nn.Linear(32, spec.pixels)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        images: Tensor = torch.tanh(self.out(torch.relu(self.z(z) + self.y(y)))).view(-1, *self.shape)
        return images


def sampler(kind: str = "digits") -> Sampler:
    spec, prior = Spec(*SHAPES[kind]), Prior(DIM)
    torch.manual_seed(0)
    return Sampler(Tiny(spec), spec, prior, card=toy_card(spec, prior, images=100))


@dataclass
class Here:
    """The model's process, in this one; `broken` plays its failure, `seconds` its slowness."""

    artist: Artist
    seconds: float = 0.0
    ready: bool = True
    restarts: int = 0
    broken: bool = False
    batches: list[int] = field(default_factory=list)

    async def generate(self, recipes: list[dict[str, Any]], y: NDArray[np.float32], options: Values) -> bytes:
        await asyncio.sleep(self.seconds)
        if self.broken:
            raise Down
        self.batches.append(len(recipes))
        return self.artist.generate(recipes, y.tobytes(), options)


@dataclass
class Reply:
    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str:
        return "".join(value for key, value in self.headers if key == name)


@dataclass
class Stand:
    guard: Guard
    model: Here

    async def ask(
        self, method: str, path: str, body: Any = b"", headers: dict[str, str] | None = None,
        raw: list[tuple[bytes, bytes]] | None = None, query: bytes = b"", leaves: float | None = None,
    ) -> Reply:  # fmt: skip
        """One request; `body` that is no bytes goes as JSON. leaves: seconds after which the client is gone."""
        if not isinstance(body, bytes):
            body, headers = json.dumps(body).encode(), {**JSON, **(headers or {})}
        named = {"host": "localhost", **(headers or {})}
        sent = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in named.items()]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": path, "raw_path": path.encode("utf-8", "replace"), "query_string": query, "root_path": "",
            "headers": raw if raw is not None else sent, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000),
        }  # fmt: skip
        reply, messages = Reply(), [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if messages:
                return messages.pop()
            await asyncio.sleep(leaves if leaves is not None else 3600)
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                assert not reply.status, "two answers to one request"
                reply.status = message["status"]
                reply.headers = [(k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in message["headers"]]
            else:
                reply.body += message.get("body", b"")

        await self.guard(scope, receive, send)
        return reply

    async def sample(self, labels: str = "all", **asked: Any) -> Reply:
        return await self.ask("POST", "/sample", {"labels": labels, **asked})


@asynccontextmanager
async def standing(
    kind: str | Sampler = "digits", limits: Limits | None = None, access: Access | None = None, seconds: float = 0.0
) -> AsyncIterator[Stand]:
    artist = Artist(sampler(kind) if isinstance(kind, str) else kind)
    model = Here(artist, seconds)
    served = Served.of(str(kind), {**artist.hello(), "manifold": False}, {"fd": 1.5})
    guard = assembled(served, model, limits or Limits(), access or Access())  # type: ignore[arg-type]
    async with guard.queue.working():
        yield Stand(guard, model)


def with_stand(body: Callable[[Stand], Any], **options: Any) -> Any:
    """Run a coroutine function with a stand of its own."""

    async def whole() -> Any:
        async with standing(**options) as stand:
            return await body(stand)

    return asyncio.run(whole())
