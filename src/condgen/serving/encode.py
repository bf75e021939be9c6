"""Encodes generated images for responses, with the same bytes as the files of `condgen sample`."""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from condgen import marker
from condgen.disk import as_json
from condgen.errors import CondgenError, shortened
from condgen.labels import ANY, Labels, Untrained
from condgen.lookup import UnknownLabel
from condgen.options import Values
from condgen.sampling import canvas, provenance
from condgen.sampling.request import Item, SampleRequest, TooMany
from condgen.serving.model_info import Served
from condgen.serving.problems import Problem
from condgen.serving.schemas import Points, Sample

MEDIA = {"png": "image/png", "grid": "image/png", "zip": "application/zip", "npy": "application/octet-stream"}
NAMES = {"png": "image.png", "grid": "grid.png", "zip": "images.zip", "npy": "images.npy"}


def unprocessable(message: str) -> Problem:
    return Problem(422, "invalid", message)


@dataclass(frozen=True)
class ResolvedRequest:
    """A request with its labels and latent vectors resolved."""

    images: SampleRequest
    recipes: list[dict[str, Any]]
    """How to compute z of every image (schemas.Point), label by label."""
    y: "Vectors"
    options: Values
    """A value for each sampling option."""


@dataclass(frozen=True)
class Vectors:
    """The label vectors of a request, float32 (K,) each, computed when they are read.

    One thousand vectors of 20,000 labels would take 80 MB.
    """

    known: Labels
    items: Sequence[Item]

    def __getitem__(self, place: int) -> NDArray[np.float32]:
        row: NDArray[np.float32] = self.known.encode([self.items[place].label])[0]
        return row


def resolve(served: Served, request: Sample, most: int) -> ResolvedRequest:
    """Resolve a request. Raises Problem 422 for unknown labels or more than `most` images."""
    known = served.spec.labels
    too_many = unprocessable(f"count: at most {most:,} images per request, over all labels.")
    each = request.count * (canvas.COLUMNS if request.format == "grid" and known == ANY else 1)
    try:
        images = SampleRequest.resolve(
            known, request.labels, request.mix, count=each, seed=request.seed, most=most, empty=served.empty
        )
    except TooMany:
        raise too_many from None
    except CondgenError as error:
        raise unprocessable(_refusal(known, request, error)) from None
    if images.has_mixes and not served.takes_mixes:
        raise unprocessable("mix: this generator takes whole labels only.")
    if len(images) > most:
        raise too_many
    if request.format == "png" and len(images) != 1:
        raise unprocessable("format: png holds one image; request grid, zip or npy.")
    items = list(images)
    recipes = [{"seed": images.seed, "index": item.number} for item in items]
    return ResolvedRequest(images, recipes, Vectors(known, items), served.values(request))


def _refusal(known: Labels, request: Sample, error: CondgenError) -> str:
    """Why labels or a mix cannot be resolved. It repeats nothing of the request but names of labels."""
    field = "labels" if request.mix is None else "mix"
    if isinstance(error, Untrained):
        return f"{field}: {error}"
    if not isinstance(error, UnknownLabel):
        return f"{field}: not understood; write labels like 3,5,8 or 3=2,8=5, or a mix like 3:.5,8:.5."
    names = ", ".join(map(shortened, known.names[:20]))
    return f"{field}: unknown; available: {names}{', ...' if len(known) > 20 else ''}."


def resolve_points(served: Served, request: Points, most: int) -> tuple[list[dict[str, Any]], NDArray[np.float32]]:
    """z and y, float32 (n, K), of the requested points. Raises Problem 422 if they do not fit the generator."""
    if len(request.points) > most:
        raise unprocessable(f"points: at most {most:,} per request.")
    if any(len(point.y) != len(served.spec.labels) for point in request.points):
        raise unprocessable(f"points: y has {len(served.spec.labels)} numbers, one per label.")
    if any(point.y[number] for point in request.points for number in served.empty):
        raise unprocessable("points: y names a label without training images, see `empty` of /about.")
    recipes = [point.recipe for point in request.points]
    if any(len(recipe["at"]) != served.prior.dim for recipe in recipes if "at" in recipe):
        raise unprocessable(f"points: at has {served.prior.dim} numbers.")
    return recipes, np.array([point.y for point in request.points], np.float32)


def wrapped(served: Served, request: Sample, resolved: ResolvedRequest, generated: NDArray[np.uint8]) -> bytes:
    """The body of a response to /sample. generated: uint8 (n, h, w, c)."""
    if request.format == "npy":
        return _npy(generated[..., 0] if served.spec.channels == 1 else generated)
    if request.format == "grid":
        return _grid(served, resolved, generated)
    if request.format == "zip":
        return _zip(served, resolved, _files(served, resolved, generated))
    return next(_files(served, resolved, generated))[1]


def as_points(generated: NDArray[np.uint8]) -> bytes:
    """The body of a response to /points. generated: uint8 (n, h, w, c)."""
    return json.dumps({"shape": generated.shape, "pixels": base64.b64encode(generated.tobytes()).decode()}).encode()


def _files(
    served: Served, resolved: ResolvedRequest, generated: NDArray[np.uint8]
) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    """File name, PNG bytes and metadata (label, seed, index) of every image."""
    known, requested, card = served.spec.labels, resolved.images, served.card_under(resolved.options)
    for item, image in zip(requested, generated, strict=True):
        metadata = requested.metadata(known, item)
        png = canvas.png(canvas.to_pil(image), provenance.about(card, served.micro_batch, **metadata))
        yield f"{requested.name(known, item)}.png", png, metadata


def _grid(served: Served, resolved: ResolvedRequest, generated: NDArray[np.uint8]) -> bytes:
    known = served.spec.labels
    if known == ANY:
        sheet = canvas.unlabelled(generated)
    else:
        titles = [known.title(label) for label in resolved.images.labels]
        sheet = canvas.columns(generated, titles, resolved.images.counts)
    card = served.card_under(resolved.options)
    return canvas.png(sheet, provenance.about(card, served.micro_batch, **resolved.images.whole(known)))


def _zip(served: Served, resolved: ResolvedRequest, files: Iterator[tuple[str, bytes, dict[str, Any]]]) -> bytes:
    """A zip of the PNG files, their marker and manifest.json.

    It contains no dates, so that equal requests give equal bytes.
    """
    buffer, listed = BytesIO(), []
    with ZipFile(buffer, "w", ZIP_STORED) as archive:
        for name, png, metadata in files:
            archive.writestr(ZipInfo(name), png)
            listed.append({"file": name, **metadata, "sha256": hashlib.sha256(png).hexdigest()})
        mark = resolved.images.mark(served.spec.labels, "condgen sample")  # marks the unpacked folder as condgen's own
        archive.writestr(ZipInfo(marker.FILE), as_json(mark.to_json()))
        about = provenance.about(served.card_under(resolved.options), served.micro_batch)
        archive.writestr(ZipInfo("manifest.json"), as_json({**about, "images": listed}))
    return buffer.getvalue()


def _npy(generated: NDArray[np.uint8]) -> bytes:
    buffer = BytesIO()
    np.save(buffer, generated, allow_pickle=False)
    return buffer.getvalue()
