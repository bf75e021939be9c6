"""The page's modules one by one, in node, against what they say they are like."""

import io
import json
import random
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from PIL import Image

from condgen.labels import Labels
from condgen.noise import draw_at, walk
from condgen.sharing import bundle
from condgen.spec import Prior

PAGE = Path(bundle.__file__).parents[1] / "page"
SEEDS = (0, 1, 7, 12345, 2**31, 2**32 + 5, 2**53 - 1)
DIMS = (1, 2, 3, 10, 15, 16, 17, 31, 32, 33, 64, 100, 128, 200)


def in_node(module: str, body: str, given: Any = None) -> Any:
    """What `body`, an async function's, returns with the module as `m` and what was given as `given`."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed (apt install nodejs)")
    script = (
        f"import * as m from {json.dumps((PAGE / module).as_uri())};"
        "import { readFileSync } from 'node:fs';"
        "const given = JSON.parse(readFileSync(0));"
        f"process.stdout.write(JSON.stringify(await (async () => {{ {body} }})()));"
    )
    words = [node, "--input-type=module", "-e", script]
    done = subprocess.run(words, input=json.dumps(given), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_noise_in_the_browser_is_torchs() -> None:
    """Over seeds below and above 32 bits, both kinds, and all three of torch's paths to normal numbers."""
    rng = random.Random(0)
    kinds: tuple[Literal["normal", "uniform"], ...] = ("normal", "uniform")
    cases = [
        (kind, dim, rng.choice(SEEDS), rng.choice((0, 1, 23, rng.randrange(2**31))))
        for kind in kinds for dim in DIMS for _ in range(20)
    ]  # fmt: skip
    body = "return given.map(([kind, dim, seed, index]) => [...m.drawAt({ kind, dim }, seed, index)]);"
    for (kind, dim, seed, index), z in zip(cases, in_node("noise.js", body, cases), strict=True):
        np.testing.assert_allclose(z, draw_at(Prior(dim, kind), seed, [index])[0].numpy(), atol=1e-5)


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_walks_in_the_browser_are_torchs(kind: Any) -> None:
    prior = Prior(20, kind)
    start, end = draw_at(prior, 3, [0, 1])
    body = """const from = { seed: 3, index: 0 }, to = { seed: 3, index: 1 };
        return given.parts.map(part => [...m.pointOf({ kind: given.kind, dim: 20 }, { from, to, part })]);"""
    found = in_node("noise.js", body, {"kind": kind, "parts": [step / 10 for step in range(11)]})
    np.testing.assert_allclose(found, walk(prior, start, end, 11).numpy(), atol=1e-5)


def test_more_like_this_is_near() -> None:
    """Every near point, also of one that no seed names, is nearer to it than any other generated point is."""
    prior = {"kind": "normal", "dim": 32}
    body = """const { pointOf } = await import(given.noise);
        return given.points.map(z => ({
            here: [...pointOf(given.prior, z)],
            near: m.nearTo({ label: 0, z }, given.prior).map(item => [...pointOf(given.prior, item.z)]) }));"""
    points = [
        {"seed": 5, "index": 7},
        {"at": [0.5] * 32},
        {"near": {"seed": 1, "index": 2}, "seed": 3, "index": 4, "distance": 0.2},
    ]
    found = in_node("near.js", body, {"noise": (PAGE / "noise.js").as_uri(), "points": points, "prior": prior})
    others = draw_at(Prior(32), 9, range(200)).numpy()
    for point in found:
        distances = np.linalg.norm(np.array(point["near"]) - point["here"], axis=1)
        assert len(set(distances.round(6))) == 8
        assert distances.min() > 0.5
        assert distances.max() < np.linalg.norm(others - point["here"], axis=1).min()


def test_the_planes_quantiles_are_the_normal_ones() -> None:
    shares = [i / 1000 for i in range(1, 1000)]
    found = in_node("quantile.js", "return given.map(m.quantile);", shares)
    np.testing.assert_allclose(found, torch.special.ndtri(torch.tensor(shares, dtype=torch.float64)), atol=1e-7)


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (("0", "1", "2"), "classes"),
        (("T-shirt/top", "Ankle boot", "guinea pig"), "classes"),
        (("a,b", "all", " none", "猫", "é à"), "classes"),
        (("..", "a b", "a-b"), "classes"),
        (("Smiling", "Blond_Hair", "5_o_Clock_Shadow"), "attributes"),
        (("none", "a+b", "plain"), "attributes"),
        (("all", '"all"', "x=2", "3:4", "cat, small", "-x", "0-3", 'q"uo', "", "\x1b5", "8"), "classes"),
        (("a", "b", "a+b", "all", "none", '"a"+"b"', "x=2", "\u202e1"), "attributes"),
        (("con", "CON", "lpt1"), "classes"),
        (("ß", "ss", "İi"), "classes"),
        (("cafe\u0301", "Z" * 300, "猫" * 90, "\u202eabc", "a\nb"), "classes"),
        (tuple(f"attribute-{i}-{'x' * 20}" for i in range(40)), "attributes"),
    ],
)
def test_labels_are_named_as_the_command_line_names_them(names: tuple[str, ...], kind: Any) -> None:
    """What the page writes after --labels means the same label there; titles and file names are equal."""
    ours = Labels(names, kind)
    labels = list(ours.each)
    if kind == "attributes":
        labels += [tuple(0 for _ in names), tuple(1 for _ in names)]
    body = """const labels = new m.Labels(given.about);
        return given.labels.map(label => ({
            typed: labels.typed(label), title: labels.title(label), slug: labels.slug(label), y: labels.encode(label),
            again: labels.parse(labels.typed(label)) }));"""
    found = in_node("labels.js", body, {"about": {"names": names, "kind": kind}, "labels": labels})
    for label, said in zip(labels, found, strict=True):
        assert said["typed"] == ours.spelling(label)
        assert ours.parse(said["typed"]) == [label]
        assert (said["title"], said["slug"]) == (ours.title(label), ours.slug(label))
        assert said["y"] == ours.encode([label])[0].tolist()
        assert said["again"] == (list(label) if isinstance(label, tuple) else label)


def test_a_png_holds_the_pixels_and_the_note() -> None:
    rng = np.random.default_rng(0)
    for channels in (1, 3, 4):
        pixels = rng.integers(0, 256, (5, 7, channels), np.uint8)
        body = """const bytes = await m.png(Uint8Array.from(given.pixels), given.shape, { label: "猫 <b>" });
            return [...bytes];"""
        found = in_node("png.js", body, {"pixels": pixels.ravel().tolist(), "shape": pixels.shape})
        with Image.open(io.BytesIO(bytes(found))) as image:
            assert image.mode == {1: "L", 3: "RGB", 4: "RGBA"}[channels]
            assert np.array_equal(np.array(image).reshape(pixels.shape), pixels)
            assert json.loads(image.info["condgen"]) == {"label": "猫 <b>"}


def test_a_zip_is_one() -> None:
    files = {"a.png": [1, 2, 3], "名.txt": list(range(256)), "empty": []}
    body = "return [...m.zip(Object.entries(given).map(([name, bytes]) => [name, Uint8Array.from(bytes)]))];"
    with zipfile.ZipFile(io.BytesIO(bytes(in_node("zip.js", body, files)))) as archive:
        assert archive.testzip() is None
        assert {name: list(archive.read(name)) for name in archive.namelist()} == files


def test_both_languages_say_the_same_things() -> None:
    text = in_node("text.js", "return m.TEXT;")
    assert text["en"].keys() == text["zh-CN"].keys()
    for key, english in text["en"].items():
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", text["zh-CN"][key])), key


def test_every_word_that_is_asked_for_is_there() -> None:
    known = set(in_node("text.js", "return Object.keys(m.TEXT.en);"))
    sources = {path.name: path.read_text(encoding="utf-8") for path in PAGE.glob("*.js")}
    asked = {key for source in sources.values() for key in re.findall(r'\bt\("([\w-]+)"', source)}
    assert asked
    assert asked <= known


def test_markup_has_no_way_in() -> None:
    """Text enters by `append` and `textContent` alone, and no file runs or styles anything from a string."""
    for path in PAGE.glob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function", path.read_text()
        )
    assert not re.search(r"<style|style=|\son\w+=|<script(?! type=\"module\" src=)", (PAGE / "index.html").read_text())


def test_the_bundle_is_one_script(tmp_path: Path) -> None:
    """Modules in the order of their needs, each with names of its own; forms it does not know are refused."""
    script = bundle.script(PAGE / "static.js")
    assert not re.search(r"^\s*(import|export)\b", script, re.MULTILINE)
    (tmp_path / "deep.js").write_text('const WORD = "deep";\nexport const word = () => WORD;\n')
    (tmp_path / "entry.js").write_text(
        'import { word } from "./deep.js";\nconst WORD = "own";\nconsole.log(word() + WORD);\n'
    )
    (tmp_path / "one.js").write_text(bundle.script(tmp_path / "entry.js"))
    node = shutil.which("node")
    if node:
        said = subprocess.run([node, str(tmp_path / "one.js")], capture_output=True, text=True, check=True).stdout
        assert said == "deepown\n"
    (tmp_path / "entry.js").write_text('import word from "./deep.js";\n')
    with pytest.raises(ValueError, match=r"entry\.js imports or exports"):
        bundle.script(tmp_path / "entry.js")
