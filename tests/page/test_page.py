"""The page over `condgen serve`, as a person in a browser meets it."""

import hashlib
import io
import json
import re
import shlex
import subprocess
import urllib.request
import zipfile
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import condgen
from condgen import api, cli, data
from condgen.judging import judge
from condgen.noise import between, draw_at
from condgen.sampling.sampler import Sampler
from page.browser import Seen, looking, serving
from page.conftest import MARKUP

DARK = "getComputedStyle(document.body).backgroundColor"


def seen_by_the_judge(digits: NDArray[np.uint8]) -> list[int]:
    found = judge.find(data.load("mnist"))
    assert found
    return [int(label) for label in found.predict(digits[..., :1]).labels]


def grey(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """As the browser has grey images."""
    return np.repeat(images[..., None], 3, -1)


def exact(sampler: Sampler, **asked: object) -> NDArray[np.uint8]:
    return grey(sampler.sample(**asked))  # type: ignore[arg-type]


def test_a_class_is_picked_and_drawn(digits: Path, digits_at: str) -> None:
    """The images of `condgen.load(...).sample`, to the bit."""
    sampler = condgen.load(digits)
    with looking() as seen:
        seen.open(digits_at)
        for digit in (8, 3, 1):
            seen.page.get_by_role("radio", name=str(digit), exact=True).click()
            assert np.array_equal(seen.generated().pixels(), exact(sampler, labels=str(digit), count=24))
        seen.page.get_by_role("spinbutton", name="Seed").fill("7")
        assert np.array_equal(seen.generated().pixels(), exact(sampler, labels="1", count=24, seed=7))
        seen.page.get_by_role("button", name="Next seed").click()
        assert np.array_equal(seen.generated().pixels(), exact(sampler, labels="1", count=24, seed=8))
        assert seen.page.evaluate("location.hash") == "#label=1&seed=8"
        seen.page.get_by_role("slider", name="Truncation").fill("0.5")
        images = sampler.sample("1", count=24, seed=8, truncation=0.5)
        assert np.array_equal(seen.generated().pixels(), grey(images))
        assert seen.page.evaluate("location.hash") == "#label=1&seed=8&truncation=0.5"
        assert "--truncation 0.5" in seen.code("command")
        assert set(seen.paths) - {p for p in seen.paths if p.startswith("/page/")} == {"/", "/about", "/points"}


@pytest.mark.slow
def test_a_trained_run_draws_the_digit_that_is_asked_for(tmp_path: Path) -> None:
    """95 of 100 by the judge, and by the first ten images of each digit that the page shows."""
    run = api.train("swift", data="mnist", images=60_000, evaluate_every=0, out=tmp_path / "run", quiet=True).folder
    with serving(run) as (address, _), looking() as seen:
        seen.open(f"{address}#view=grid")
        generated = seen_by_the_judge(seen.pixels())
        assert sum(shown == n % 10 for n, shown in enumerate(generated)) >= 95


def test_the_same_noise_stands_under_every_label_and_along_every_row(digits: Path, digits_at: str) -> None:
    sampler = condgen.load(digits)
    with looking() as seen:
        seen.open(f"{digits_at}#view=same&label=4&seed=5")
        assert np.array_equal(seen.pixels(), exact(sampler, labels="all", count=1, seed=5))
        seen.page.get_by_role("tab", name="Grid").click()
        columns = exact(sampler, labels="all", count=10, seed=5).reshape(10, 10, 28, 28, 3)
        assert np.array_equal(seen.generated().pixels(), columns.swapaxes(0, 1).reshape(100, 28, 28, 3))


def test_the_slider_walks_from_seed_to_seed(digits: Path, digits_at: str) -> None:
    sampler = condgen.load(digits)
    ends = [draw_at(sampler.prior, seed, [0])[0] for seed in (0, 9)]
    with looking() as seen:
        seen.open(f"{digits_at}#view=walk&label=6&to=9")
        slider = seen.page.get_by_label("Position between the seeds")
        for part in (0, 30, 100):
            slider.fill(str(part))
            z = between(sampler.prior, ends[0], ends[1], torch.tensor([part / 100]))
            y = torch.from_numpy(sampler.spec.labels.encode([6]))
            assert np.array_equal(seen.generated().pixels()[:1], grey(sampler.decode(z, y)[..., 0]))
        slider.press("ArrowLeft")
        assert "part=99" in seen.page.evaluate("location.hash")


def test_attributes_are_switched_and_names_with_markup_are_text(switches: Path, switches_at: str) -> None:
    sampler = condgen.load(switches)
    with looking() as seen:
        page = seen.open(switches_at).page
        assert page.locator(".chip").all_inner_texts() == ["Blond Hair", *MARKUP]
        for name in ("Blond Hair", MARKUP[0]):
            page.get_by_role("button", name=name, exact=True).click()
        on = f"Blond_Hair+{MARKUP[0]}"
        assert np.array_equal(seen.generated().pixels(), exact(sampler, labels=on, count=24))
        assert seen.text(".tells") == f"Images of “{on}”, each from different noise."
        page.get_by_role("tab", name="Same noise").click()
        others = [on, MARKUP[0], "Blond_Hair", f"{on}+{MARKUP[1]}", f"{on}+{MARKUP[2]}"]
        expected = np.concatenate([exact(sampler, labels=label) for label in others])
        assert np.array_equal(seen.generated().pixels(), expected)
        for view in ("grid", "walk", "samples"):
            page.locator(f"#tab-{view}").click()
            seen.generated()
        page.locator(".stage .gallery button").first.click()
        assert seen.text("dialog h2") == f"{on}, seed 0, image 0"
        assert page.locator("img, script:not([src])").count() == 0


def test_the_plane_is_dragged_on(digits: Path, digits_at: str) -> None:
    """The sheet is the one of `condgen figure manifold`, coarser; the point is generated where it lies."""
    sampler = condgen.load(digits)
    quantiles = torch.special.ndtri((torch.arange(15) + 0.5) / 15)
    z = torch.cartesian_prod(quantiles.flip(0), quantiles).flip(1)
    y = torch.from_numpy(sampler.spec.labels.encode([3])).expand(len(z), -1)
    cells = sampler.decode(z, y).reshape(15, 15, 28, 28).swapaxes(1, 2).reshape(420, 420)
    with looking() as seen:
        page = seen.open(f"{digits_at}#view=plane&label=3").page
        sheet = seen.pixels(".plane canvas")[0, ..., 0]
        assert np.abs(sheet.astype(int) - cells).max() <= 1
        box = page.locator(".plane").bounding_box()
        page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"], steps=4)
        page.mouse.up()
        assert near_level(seen.generated().pixels(".hero canvas")[0, ..., 0], cells[196:224, 196:224])
        page.locator(".plane").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowUp")
        assert page.evaluate("location.hash") == "#label=3&view=plane&right=0.52&up=0.52"


def near_level(generated: NDArray[np.uint8], expected: NDArray[np.uint8]) -> bool:
    """Equal to one grey level."""
    return int(np.abs(generated.astype(int) - expected).max()) <= 1


def test_a_image_is_enlarged_told_apart_and_saved(digits: Path, digits_at: str, tmp_path: Path) -> None:
    sampler = condgen.load(digits)
    with looking() as seen:
        seen.open(f"{digits_at}#label=2")
        seen.page.locator(".stage .gallery button").nth(5).click()
        dialog = seen.page.get_by_role("dialog", name="2, seed 0, image 5")
        dialog.wait_for()
        seen.page.wait_for_selector("dialog canvas.blank", state="detached")
        expected = sampler.sample("2", count=6)[5]
        assert np.array_equal(seen.pixels("dialog .shown canvas"), grey(expected[None]))
        with seen.page.expect_download() as saved:
            seen.page.get_by_role("button", name="Download PNG").click()
        assert saved.value.suggested_filename == "2_seed0_00005.png"
        with Image.open(saved.value.path()) as image:
            assert np.array_equal(np.array(image), expected)
            told = json.loads(image.info["condgen"])
        assert (told["label"], told["seed"], told["index"], told["weights"]) == ("2", 0, 5, sampler.card.sha256)
        near = seen.pixels("dialog .near canvas")
        assert len(np.unique(near, axis=0)) == 8
        seen.page.locator("dialog .near button").nth(3).click()
        seen.page.get_by_role("dialog", name="2, similar to seed 0, image 5").wait_for()
        seen.page.get_by_role("button", name="Back").click()
        dialog.wait_for()
        seen.page.keyboard.press("Escape")
        assert not seen.page.locator("dialog[open]").count()
        assert seen.page.evaluate("document.activeElement.title") == "2, seed 0, image 5"


def test_the_zip_is_what_the_command_line_draws(digits: Path, digits_at: str, tmp_path: Path) -> None:
    api.sample(digits, labels="all", count=3, seed=4, out=tmp_path / "generated")
    with looking() as seen:
        seen.open(f"{digits_at}#seed=4")
        seen.page.get_by_label("Images per class").fill("3")
        with seen.page.expect_download() as saved:
            seen.page.get_by_role("button", name="Download zip").click()
        assert saved.value.suggested_filename == "digits_labels-all_count-3_seed-4.zip"
        content = Path(saved.value.path()).read_bytes()
        seen.page.get_by_text("Saved 30 images").wait_for()
    check_zip(content, tmp_path / "generated", condgen.load(digits))


def check_zip(content: bytes, generated: Path, sampler: Sampler) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files.pop("manifest.json"))
    assert files == {path.name: path.read_bytes() for path in generated.iterdir()}
    del files[".condgen.json"]
    assert manifest["weights"] == sampler.card.sha256
    assert {entry["file"]: entry["sha256"] for entry in manifest["images"]} == {
        name: hashlib.sha256(content).hexdigest() for name, content in files.items()
    }
    assert {(entry["label"], entry["seed"], entry["index"]) for entry in manifest["images"]} == {
        (label, 4, index) for label in sampler.spec.labels.names for index in range(3)
    }


def test_the_code_that_is_shown_draws_what_is_shown(
    digits: Path, digits_at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command, the Python and the curl of each view, run as they are written."""
    monkeypatch.chdir(digits.parent)
    with looking() as seen:
        for view in ("samples", "walk", "same", "grid"):
            page = seen.open(f"{digits_at}#view={view}&label=7&seed=3&to=4&part=25").page
            page.reload()
            shown, (space, curled) = seen.generated().pixels(), run_code(seen, tmp_path)
            if view == "walk":
                assert np.array_equal(grey(space["image"][None, ..., 0]), shown[:1])
                assert json.loads(curled)["shape"] == [1, 28, 28, 1]
                continue
            generated = grey(space["images"])
            columns = 1 if view == "samples" else 10
            by_row = generated.reshape(columns, -1, 28, 28, 3).swapaxes(0, 1).reshape(generated.shape)
            assert np.array_equal(by_row, shown)
            cli.main(shlex.split(seen.code("command"))[1:])
            if view == "samples":
                with zipfile.ZipFile(io.BytesIO(curled)) as archive:
                    made = {path.name: path.read_bytes() for path in (digits.parent / "images").iterdir()}
                    assert {name: archive.read(name) for name in archive.namelist() if name != "manifest.json"} == made
            else:
                assert curled == (digits.parent / "sheet.png").read_bytes()


def run_code(seen: Seen, place: Path) -> tuple[dict[str, Any], bytes]:
    """What the Python that is shown leaves in its names, and what curl writes."""
    space: dict[str, Any] = {}
    exec(seen.code("python"), space)
    done = subprocess.run(["sh", "-c", seen.code("curl")], cwd=place, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    (written,) = place.iterdir()
    content = written.read_bytes()
    written.unlink()
    return space, content


def test_both_languages_and_both_themes_are_kept(digits_at: str) -> None:
    with looking(color_scheme="light") as seen:
        page = seen.open(digits_at).page
        assert (page.evaluate("document.documentElement.lang"), page.evaluate(DARK)) == ("en", "rgb(251, 250, 247)")
        page.get_by_role("button", name="中文").click()
        seen.generated()
        assert page.evaluate("document.documentElement.lang") == "zh-CN"
        assert seen.text("#tab-grid") == "网格"
        page.get_by_role("button", name="深色").click()
        assert page.evaluate(DARK) == "rgb(19, 20, 23)"
        page.reload()
        seen.generated()
        assert (page.evaluate("document.documentElement.lang"), page.evaluate(DARK)) == ("zh-CN", "rgb(19, 20, 23)")
        page.get_by_role("button", name="English").click()
        assert page.get_by_role("button", name="中文").evaluate("button => button === document.activeElement")


@pytest.mark.parametrize(("locale", "scheme", "lang", "colour"), [("zh-TW", "dark", "zh-CN", "rgb(19, 20, 23)")])
def test_it_begins_as_the_browser_is_set(digits_at: str, locale: str, scheme: str, lang: str, colour: str) -> None:
    with looking(locale=locale, color_scheme=scheme) as seen:
        page = seen.open(digits_at).page
        assert (page.evaluate("document.documentElement.lang"), page.evaluate(DARK)) == (lang, colour)


def test_the_keyboard_is_enough(digits: Path, digits_at: str) -> None:
    """From the address bar to a saved image: tabulator, arrows, Enter, Escape; what has the focus shows it."""
    sampler = condgen.load(digits)
    with looking() as seen:
        page, press = seen.open(digits_at).page, seen.page.keyboard.press
        stops = walked_by_tab(seen, 12)
        assert stops[:5] == ["Skip to the images", "中文", "Dark", "0", "Images"]
        page.get_by_role("radio", name="0", exact=True).focus()
        for _ in range(3):
            press("ArrowRight")
        assert page.get_by_role("radio", name="3", exact=True).get_attribute("aria-checked") == "true"
        assert np.array_equal(seen.generated().pixels(), exact(sampler, labels="3", count=24))
        page.locator(".stage .gallery button").first.focus()
        press("ArrowDown")
        press("ArrowRight")
        press("Enter")
        page.get_by_role("dialog", name="3, seed 0, image 7").wait_for()
        press("ArrowRight")
        page.get_by_role("dialog", name="3, seed 0, image 8").wait_for()
        press("ArrowLeft")
        page.get_by_role("dialog", name="3, seed 0, image 7").wait_for()
        page.wait_for_selector("dialog canvas.blank", state="detached")
        with page.expect_download():
            press("Enter")
        press("Escape")
        assert page.evaluate("document.activeElement.title") == "3, seed 0, image 7"
        page.locator("#tab-samples").focus()
        press("End")
        assert "view=plane" in page.evaluate("location.hash")


def walked_by_tab(seen: Seen, steps: int) -> list[str]:
    """What the tabulator reaches, each with an outline that can be seen."""
    found = []
    for _ in range(steps):
        seen.page.keyboard.press("Tab")
        at = "document.activeElement"
        assert seen.page.evaluate(f"getComputedStyle({at}).outlineStyle") == "solid"
        found.append(seen.page.evaluate(f"({at}.textContent || {at}.title || {at}.tagName).trim()"))
    return found


def test_a_phone_shows_it_without_scrolling_sideways(digits_at: str, switches_at: str) -> None:
    with looking(viewport={"width": 400, "height": 800}, has_touch=True, is_mobile=True) as seen:
        for address, view in product((digits_at, switches_at), ("samples", "walk", "same", "grid")):
            page = seen.open(f"{address}#view={view}").page
            assert page.evaluate("document.documentElement.scrollWidth") <= 400
            page.locator(".stage .gallery button").first.tap()
            page.locator("dialog[open]").wait_for()
            assert page.evaluate("document.querySelector('dialog').scrollWidth") <= 400
            page.get_by_role("button", name="Close").tap()


def test_reduced_motion_is_respected(digits_at: str) -> None:
    with looking(reduced_motion="reduce") as seen:
        seen.open(digits_at)
        moving = (
            "[...document.querySelectorAll('*')].filter(e => getComputedStyle(e).transitionDuration !== '0s').length"
        )
        assert seen.page.evaluate(moving) == 0


def test_an_address_that_makes_no_sense_is_the_beginning(digits: Path, digits_at: str) -> None:
    with looking() as seen:
        seen.open(f"{digits_at}#view=nowhere&label=<b>&seed=-1&part=1e9&right=NaN")
        assert np.array_equal(seen.pixels(), exact(condgen.load(digits), labels="0", count=24))


def test_the_images_are_crisp(digits_at: str) -> None:
    with looking() as seen:
        seen.open(digits_at)
        styles = "[...document.querySelectorAll('.stage canvas')].map(c => getComputedStyle(c).imageRendering)"
        assert set(seen.page.evaluate(styles)) == {"pixelated"}


def test_served_under_a_policy_without_inline_code(digits_at: str) -> None:
    with urllib.request.urlopen(digits_at) as answer:
        policy, body = answer.headers["Content-Security-Policy"], answer.read().decode()
    assert "'unsafe" not in policy
    assert re.search(r"default-src '(self|none)'", policy)
    assert not re.search(r"<script>|<style| style=", body)
