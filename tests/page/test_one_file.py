"""The page as one file, opened from the disk: the same pictures, drawn by the browser itself."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import condgen
from condgen import cli
from condgen.errors import CondgenError
from condgen.sharing import bundle, runtime
from page.browser import looking

PAGE = Path(bundle.__file__).parents[1] / "page"


@pytest.fixture(scope="module")
def page(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digits' page as a file:// address."""
    path = tmp_path_factory.mktemp("web") / "demo.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONDGEN_CACHE", str(Path.home() / ".cache" / "condgen"))  # the person's own: 33 MB to fetch
        try:
            runtime.files()
        except CondgenError as error:
            pytest.skip(str(error))
        cli.main(["export", str(digits), "--format", "web", "--out", str(path)])
    return path.as_uri()


def differ(drawn: NDArray[np.uint8], expected: NDArray[np.uint8]) -> int:
    """The largest difference in grey levels."""
    assert len(drawn) == len(expected)
    return int(np.abs(drawn[..., 0].astype(int) - expected).max())


def test_it_draws_what_the_command_line_draws(page: str, digits: Path) -> None:
    """To one grey level: pictures of a class, of another seed, the grid; nobody is asked, not even this machine."""
    sampler = condgen.load(digits)
    with looking() as seen:
        seen.open(page)
        seen.page.get_by_role("radio", name="8", exact=True).click()
        assert differ(seen.drawn().pixels(), sampler.sample("8", count=24)) <= 1
        seen.page.get_by_role("spinbutton", name="Seed").fill("123456789012345")
        assert differ(seen.drawn().pixels(), sampler.sample("8", count=24, seed=123456789012345)) <= 1
        seen.page.get_by_role("tab", name="Grid").click()
        columns = sampler.sample("all", count=10, seed=123456789012345).reshape(10, 10, 28, 28)
        assert differ(seen.drawn().pixels(), columns.swapaxes(0, 1).reshape(100, 28, 28)) <= 1
        assert seen.page.locator(".stage .code [data-kind]:visible").all_inner_texts() == ["Command line", "Python"]
        assert [address.split(":")[0] for address in seen.asked] == ["file", "blob"]


def test_every_view_and_the_enlarged_picture_work(page: str) -> None:
    with looking() as seen:
        for view in ("walk", "same", "plane", "draw"):
            seen.open(f"{page}#view={view}&label=4")
        seen.page.locator(".stage .gallery button").nth(2).click()
        seen.page.wait_for_selector("dialog canvas.blank", state="detached")
        assert len(np.unique(seen.pixels("dialog .near canvas"), axis=0)) == 8


def test_its_zip_holds_the_same_pictures(page: str, digits: Path) -> None:
    from PIL import Image

    sampler = condgen.load(digits)
    with looking() as seen:
        seen.open(f"{page}#seed=6")
        seen.page.get_by_label("Images per class").fill("2")
        with seen.page.expect_download() as saved:
            seen.page.get_by_role("button", name="Download zip").click()
        content = Path(saved.value.path()).read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        manifest = json.loads(archive.read("manifest.json"))
        drawn = [np.array(Image.open(archive.open(entry["file"]))) for entry in manifest["pictures"]]
    assert differ(np.stack(drawn)[..., None], sampler.sample("all", count=2, seed=6)) <= 1
    assert [entry["file"] for entry in manifest["pictures"]][:3] == [
        "0_seed6_00000.png",
        "0_seed6_00001.png",
        "1_seed6_00000.png",
    ]
    assert manifest["weights"] == sampler.card["sha256"]


def test_it_carries_the_runtimes_licence(page: str) -> None:
    text = Path(page.removeprefix("file://")).read_text(encoding="utf-8")
    assert f"onnxruntime-web {runtime.VERSION}" in text
    assert "Copyright (c) Microsoft Corporation" in text
    assert 'http-equiv="Content-Security-Policy" content="default-src \'none\'' in text


@pytest.mark.parametrize("answer", ["nobody", "something else"])
def test_without_the_runtime_it_says_so(
    answer: str, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONDGEN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "package").write_bytes(b"something else")
    places = {"nobody": "http://127.0.0.1:9/package", "something else": (tmp_path / "package").as_uri()}
    monkeypatch.setattr(runtime, "PACKAGE", places[answer])
    with pytest.raises(SystemExit) as ended:
        cli.main(["export", str(digits), "--format", "web", "--out", str(tmp_path / "demo.html")])
    said = capsys.readouterr().err
    assert (ended.value.code, said.count("\n")) == (2, 1)
    assert ("try again with a network" if answer == "nobody" else "SHA-512") in said
    assert not (tmp_path / "demo.html").exists()
    assert not (tmp_path / "cache").exists()
