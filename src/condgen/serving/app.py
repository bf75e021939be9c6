"""The routes: the web page, generated images, points of the latent space, information about the model, and health."""

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from condgen.serving import encode, problems
from condgen.serving.files import File
from condgen.serving.guard import State
from condgen.serving.limits import Limits
from condgen.serving.model_info import Served
from condgen.serving.problems import Problem
from condgen.serving.queue import Queue
from condgen.serving.schemas import FIELDS, Points, Sample, with_options
from condgen.serving.telemetry import Measures
from condgen.version import __version__

AT_ONCE = 4
"""Up to this number of images, a response is encoded in the event loop, since a switch of threads takes longer."""
PACKERS = 2
"""Number of threads that encode larger responses."""
T = TypeVar("T")


class Fault(BaseModel):
    """What went wrong, for programs and for people."""

    code: str
    message: str


class Faulty(BaseModel):
    """The body of every answer that is an error."""

    error: Fault


ANYWHERE = (400, 401, 403, 408, 413, 415, 421, 431)
"""Error statuses that any route may return."""
WORKING = (422, 429, 503, 504)
"""Further error statuses of routes that generate images."""


def faults(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Error responses for the OpenAPI document: those of any route, and `statuses`."""
    return {status: {"model": Faulty} for status in sorted({*ANYWHERE, *statuses})}


def contents(*media: str) -> dict[int | str, dict[str, Any]]:
    """Media types of a successful response, for the OpenAPI document."""
    return {200: {"content": {kind: {} for kind in media}}}


def build(
    served: Served, queue: Queue, limits: Limits, state: State, measures: Measures, ready: Callable[[], bool],
    page: Mapping[str, File],
) -> FastAPI:  # fmt: skip
    """The FastAPI application, which receives the requests that the guard lets through. `page`: files by name."""
    # /docs and /redoc are off: their pages load scripts from other sites.
    app = FastAPI(
        title="condgen", version=__version__, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False
    )
    answer_in_our_words(app, FIELDS | {option.name for option in served.options})
    add_page(app, page)
    add_health(app, state, measures, ready)
    packed = Packer()
    add_about(app, served, limits)
    add_sample(app, served, queue, limits, packed)
    add_points(app, served, queue, limits, packed)
    add_document(app)
    return app


def answer_in_our_words(app: FastAPI, fields: set[str]) -> None:
    """Give errors that the framework detects the same body as ours. fields: names that the body may repeat."""

    @app.exception_handler(Problem)
    async def known(request: Request, problem: Problem) -> Response:
        return Response(problem.body, problem.status, problem.headers, "application/json")

    @app.exception_handler(HTTPException)
    async def of_framework(request: Request, error: HTTPException) -> Response:
        return await known(request, problems.of_status(error.status_code, error.headers))

    @app.exception_handler(RequestValidationError)
    async def of_body(request: Request, error: RequestValidationError) -> Response:
        return await known(request, problems.of_schema(error.errors(), fields))


def add_page(app: FastAPI, page: Mapping[str, File]) -> None:
    @app.get("/", summary="The page.", response_class=Response, responses={**contents("text/html"), **faults()})
    async def index() -> Response:
        return of_page("index.html")

    @app.get(
        "/page/{name:path}", summary="A file of the page.", response_class=Response,
        responses={**contents("*/*"), **faults(404)},
    )  # fmt: skip
    async def file(name: str) -> Response:
        return of_page(name)

    def of_page(name: str) -> Response:
        if name not in page:
            raise problems.of_status(404)
        body, media = page[name]
        return Response(body, headers={"content-type": media, "cache-control": "no-cache"})


def add_health(app: FastAPI, state: State, measures: Measures, ready: Callable[[], bool]) -> None:
    @app.get("/livez", summary="Whether the server runs.", responses=faults())
    async def livez() -> dict[str, bool]:
        return {"alive": True}

    @app.get("/readyz", summary="Whether the server can generate images: 200 or 503.", responses=faults(503))
    async def readyz() -> dict[str, bool]:
        if state.draining:
            raise problems.draining()
        if not ready():
            raise problems.down()
        return {"ready": True}

    @app.get(
        "/metrics", summary="Counters for Prometheus.", response_class=Response,
        responses={**contents("text/plain"), **faults()},
    )  # fmt: skip
    async def metrics() -> Response:
        return Response(measures.text(), media_type="text/plain; version=0.0.4")


class Packer:
    """Encodes the bodies of responses: small ones at once, large ones in another thread."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(PACKERS, "pack")

    async def __call__(self, images: int, pack: Callable[[], bytes]) -> bytes:
        if images <= AT_ONCE:
            return pack()
        return await asyncio.get_running_loop().run_in_executor(self._threads, pack)


def add_about(app: FastAPI, served: Served, limits: Limits) -> None:
    facts = json.dumps(
        served.about(limits), ensure_ascii=False, separators=(",", ":")
    ).encode()  # encoded once, since it never changes

    @app.get(
        "/about", summary="Properties of the served generator.", response_class=Response,
        responses={**contents("application/json"), **faults()},
    )  # fmt: skip
    async def about() -> Response:
        return Response(facts, media_type="application/json")


def add_sample(app: FastAPI, served: Served, queue: Queue, limits: Limits, packed: Packer) -> None:
    most = limits.of(served.spec.pixels)

    async def sample(request: Sample) -> Response:
        resolved = encode.resolve(served, request, most)
        generated = await queue.generate(resolved.recipes, resolved.y, resolved.options)
        body = await packed(len(generated), lambda: encode.wrapped(served, request, resolved, generated))
        named = f'inline; filename="{encode.NAMES[request.format]}"'
        return Response(body, headers={"content-type": encode.MEDIA[request.format], "content-disposition": named})

    sample.__annotations__["request"] = with_options(Sample, served.options)
    app.post(
        "/sample", summary="Generate images: the same bytes as `condgen sample` writes.", response_class=Response,
        responses={**contents(*dict.fromkeys(encode.MEDIA.values())), **faults(*WORKING)},
    )(sample)  # fmt: skip


def add_points(app: FastAPI, served: Served, queue: Queue, limits: Limits, packed: Packer) -> None:
    most = min(limits.of(served.spec.pixels), limits.points)

    async def points(request: Points) -> Response:
        recipes, y = encode.resolve_points(served, request, most)
        generated = await queue.generate(recipes, y, served.values(request))
        body = await packed(len(generated), lambda: encode.as_points(generated))
        return Response(body, media_type="application/json")

    points.__annotations__["request"] = with_options(Points, served.options)
    app.post(
        "/points", summary="Generate images at points of the latent space, as pixel values.", response_class=Response,
        responses={**contents("application/json"), **faults(*WORKING)},
    )(points)  # fmt: skip


def add_document(app: FastAPI) -> None:
    @app.get("/openapi.json", summary="This document.", responses=faults())
    async def openapi() -> Response:
        return Response(json.dumps(app.openapi()).encode(), media_type="application/json")
