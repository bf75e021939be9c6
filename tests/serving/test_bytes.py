"""The same request gives the same bytes: over HTTP, on the command line, in Python; alone or in company."""

import asyncio
import base64
import hashlib
import io
import json
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from condgen.labels import ANY
from condgen.noise import between, draw_at
from condgen.sampling import files
from condgen.sampling.request import SampleRequest
from serving.stand import SHAPES, Stand, sampler, with_stand


@pytest.mark.parametrize("kind", SHAPES)
def test_http_gives_the_bytes_that_are_written_to_disk(kind: str, tmp_path: Path) -> None:
    ours, seed, count = sampler(kind), 7, 3
    labels = ours.labels("all")
    one = labels[:1]
    files.write(ours, SampleRequest.of(one, 1, seed), out=tmp_path / "one.png", grid=False)
    files.write(ours, SampleRequest.of(labels, count, seed), out=tmp_path / "grid.png", grid=True)
    files.write(ours, SampleRequest.of(labels, count, seed), out=tmp_path / "many", grid=False)
    first = ours.spec.labels.title(one[0])

    async def ask(stand: Stand) -> None:
        png = await stand.sample(first, seed=seed)
        assert png.body == (tmp_path / "one.png").read_bytes()
        grid = await stand.sample("all", count=count, seed=seed, format="grid")
        assert grid.body == (tmp_path / "grid.png").read_bytes()
        npy = await stand.sample("all", count=count, seed=seed, format="npy")
        assert np.array_equal(np.load(io.BytesIO(npy.body)), ours.sample("all", count=count, seed=seed))
        packed = await stand.sample("all", count=count, seed=seed, format="zip")
        with zipfile.ZipFile(io.BytesIO(packed.body)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        manifest = json.loads(files.pop("manifest.json"))
        assert files == {path.name: path.read_bytes() for path in (tmp_path / "many").iterdir()}
        del files[".condgen.json"]
        assert {each["file"]: each["sha256"] for each in manifest["images"]} == {
            name: hashlib.sha256(file).hexdigest() for name, file in files.items()
        }

    with_stand(ask, kind=kind)


@pytest.mark.parametrize(
    ("asked", "here"),
    [
        ({"labels": "3=2,8=5"}, {"labels": {"3": 2, "8": 5}}),
        ({"labels": {"3": 2, "8": 5}}, {"labels": "3=2,8=5"}),
        ({"mix": "3:.5,8:.5", "count": 3}, {"mix": {"3": 1, "8": 1}, "count": 3}),
        ({"mix": {"3": 0.5, "8": 0.5}, "count": 3}, {"mix": "3,8", "count": 3}),
    ],
)
def test_counts_and_mixes_give_the_bytes_of_the_command_line(
    asked: dict[str, Any], here: dict[str, Any], tmp_path: Path
) -> None:
    ours = sampler()
    request = ours.request(**here, seed=7)
    files.write(ours, request, out=tmp_path / "grid.png", grid=True)
    files.write(ours, request, out=tmp_path / "many")

    async def ask(stand: Stand) -> None:
        npy = await stand.ask("POST", "/sample", {**asked, "seed": 7, "format": "npy"})
        assert np.array_equal(np.load(io.BytesIO(npy.body)), ours.sample(**here, seed=7))
        grid = await stand.ask("POST", "/sample", {**asked, "seed": 7, "format": "grid"})
        assert grid.body == (tmp_path / "grid.png").read_bytes()
        packed = await stand.ask("POST", "/sample", {**asked, "seed": 7, "format": "zip"})
        with zipfile.ZipFile(io.BytesIO(packed.body)) as archive:
            found = {name: archive.read(name) for name in archive.namelist()}
        manifest = json.loads(found.pop("manifest.json"))
        assert found == {path.name: path.read_bytes() for path in (tmp_path / "many").iterdir()}
        if "mix" in asked:
            assert manifest["images"][0]["mix"] == {"3": 0.5, "8": 0.5}

    with_stand(ask)


def test_a_image_is_the_same_alone_and_in_any_company() -> None:
    ours, dice = sampler(), random.Random(0)

    async def ask(stand: Stand) -> None:
        asked = [(dice.randrange(10), dice.choice([1, 1, 2, 31, 32, 33, 50]), dice.randrange(3)) for _ in range(8)]
        replies = await asyncio.gather(
            *(stand.sample(str(label), count=count, seed=seed, format="npy") for label, count, seed in asked)
        )
        for (label, count, seed), reply in zip(asked, replies, strict=True):
            if reply.status == 429:  # the queue was full; nothing else may happen
                continue
            assert np.array_equal(np.load(io.BytesIO(reply.body)), ours.sample(label, count=count, seed=seed))
        assert sum(reply.status == 200 for reply in replies) >= 4
        assert any(size == 32 for size in stand.model.batches), "no forward pass was shared"

    for _ in range(5):
        with_stand(ask)


def points(reply: object) -> np.ndarray:
    found = reply.json  # type: ignore[attr-defined]
    return np.frombuffer(base64.b64decode(found["pixels"]), np.uint8).reshape(found["shape"])


def test_points_are_the_images_of_their_recipes() -> None:
    ours = sampler()
    start, end = draw_at(ours.prior, 5, [2, 3])
    part = torch.tensor([0.25])
    y = torch.zeros(5, 10)
    y[:, 4] = 1
    y[4, 7] = 0.5
    walked = between(ours.prior, start, end, part)
    at = torch.linspace(-2, 2, 6)[None]
    expected = ours.decode(torch.cat([start[None], walked, walked, at, end[None]]), y)
    ends = {"from": {"seed": 5, "index": 2}, "to": {"seed": 5, "index": 3}}
    recipes = [
        ends["from"],
        {**ends, "part": 0.25},
        {"near": ends["from"], **ends["to"], "distance": 0.25},
        {"at": at[0].tolist()},
        ends["to"],
    ]
    asked = {"points": [{"y": row.tolist(), "z": z} for row, z in zip(y, recipes, strict=True)]}
    reply = with_stand(lambda stand: stand.ask("POST", "/points", asked))
    assert np.array_equal(points(reply), expected)


def test_what_was_asked_for_twice_is_drawn_once() -> None:
    reply = with_stand(lambda stand: stand.sample("8,8,8", format="png"))
    assert reply.status == 200


@pytest.mark.parametrize(
    "asked",
    [
        {"labels": "10"},
        {"labels": "<script>"},
        {"labels": "0-9"},
        {"labels": "8", "count": 0},
        {"labels": "8", "count": 1025, "format": "npy"},
        {"labels": "all", "count": 103, "format": "npy"},
        {"labels": 8},
        {"labels": "8=0"},
        {"labels": "3=2,3=5", "format": "zip"},
        {"labels": {"8": 0}},
        {"labels": {}},
        {"labels": {"<script>": 1}},
        {"labels": "8=1025", "format": "npy"},
        {"labels": "8", "mix": "3:.5,8:.5"},
        {"mix": "3:.5,8:<script>"},
        {"mix": ""},
        {"mix": {"3": -1.0}},
        {"mix": {"3": 0.5, "8": 0.5}, "count": 2},
        {"labels": "8", "seed": 2**63},
        {"labels": "8", "seed": 1.0},
        {"labels": "8", "seed": True},
        {"labels": "8", "format": "gif"},
        {"labels": "8", "steps": 3},
        {"labels": "8" * 1001},
    ],
)
def test_a_request_that_cannot_be_met_is_refused_in_our_words(asked: dict[str, object]) -> None:
    reply = with_stand(lambda stand: stand.ask("POST", "/sample", asked))
    assert reply.status == 422
    assert set(reply.json["error"]) == {"code", "message"}
    assert "script" not in reply.body.decode()


@pytest.mark.parametrize(
    "point",
    [
        {"y": [0.0] * 9, "z": {"seed": 0, "index": 0}},
        {"y": [0.0] * 9 + [1.5], "z": {"seed": 0, "index": 0}},
        {"y": [0.0] * 10, "z": {"at": [0.0] * 5}},
        {"y": [0.0] * 10, "z": {"at": [0.0] * 5 + [2000.0]}},
        {"y": [0.0] * 10, "z": {"seed": 0, "index": -1}},
        {"y": [0.0] * 10, "z": {"from": {"seed": 0, "index": 0}, "to": {"seed": 0, "index": 1}, "part": 1.5}},
        {"y": [0.0] * 10, "z": {"seed": 0, "index": 0, "at": [0.0] * 6}},
        {"y": [0.0] * 10},
    ],
)
def test_a_point_outside_is_refused(point: dict[str, object]) -> None:
    assert with_stand(lambda stand: stand.ask("POST", "/points", {"points": [point]})).status == 422


def test_more_points_than_allowed_are_refused() -> None:
    many = {"points": [{"y": [0] * 10, "z": {}}] * 257}
    assert with_stand(lambda stand: stand.ask("POST", "/points", many)).status == 422


@pytest.mark.parametrize("kind", SHAPES)
def test_about_says_what_a_page_has_to_know(kind: str) -> None:
    about = with_stand(lambda stand: stand.ask("GET", "/about"), kind=kind).json
    (channels, height, width), labels = SHAPES[kind]
    assert about["image"] == {"channels": channels, "height": height, "width": width}
    assert about["names"] == list(labels.names)
    assert about["kind"] == ("any" if labels == ANY else labels.kind)
    assert (about["micro_batch"], about["scores"]) == (32, {"fd": 1.5})
    assert about["limits"] == {"images": 1024, "points": 256, "body": 65536, "seconds": 30.0}


def test_sampling_options_are_part_of_a_request_and_never_mix() -> None:
    """Requests under different options share the queue, not a micro-batch."""
    ours = sampler("digits")

    async def ask(stand: Stand) -> None:
        schema = (await stand.ask("GET", "/openapi.json")).json["components"]["schemas"]
        for model in ("Sample", "Points"):
            field = schema[model]["properties"]["truncation"]
            assert (field["minimum"], field["maximum"], field["default"]) == (0, 1, 1.0)
        assert (await stand.ask("GET", "/about")).json["options"][0]["name"] == "truncation"
        values = [1.0, 0.7, 0.3, 0.7, 1.0, 0.5]
        replies = await asyncio.gather(*(stand.sample("0-4", format="npy", truncation=v) for v in values))
        for value, reply in zip(values, replies, strict=True):
            assert np.array_equal(np.load(io.BytesIO(reply.body)), ours.sample("0-4", truncation=value))
        png = await stand.sample("8", truncation=0.7)
        told = dict(Image.open(io.BytesIO(png.body)).text)  # type: ignore[attr-defined]
        assert any('"sampling": {"truncation": 0.7}' in text for text in told.values())
        for wrong in (1.5, -1, "0.7", None, True):
            reply = await stand.sample("8", truncation=wrong)
            assert (reply.status, "truncation" in reply.body.decode()) == (422, True)

    with_stand(ask)
