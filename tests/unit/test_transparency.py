"""Images with a fourth channel, from files and arrays to grids; and images with more than 8 bits."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from condgen import cli, data
from condgen.data import shard, transparency
from condgen.data.dataset import Dataset, Split
from condgen.data_options import DataOptions
from condgen.errors import CondgenError, Question
from condgen.inspection.copies import duplicates
from condgen.labels import Labels
from condgen.metrics import pixels
from condgen.nets import diffaugment
from condgen.sampling import canvas
from condgen.sampling.forward import to_uint8
from condgen.stream import to_range
from data_files import by_class, encoded, write

OPAQUE = np.array([[[200, 100, 50, 255]]], np.uint8)


def shapes(count: int, side: int = 12, seed: int = 0) -> np.ndarray:
    """Coloured squares on a transparent ground whose invisible colour is noise, with half transparent edges."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (count, side, side, 4), dtype=np.uint8)
    images[..., 3] = 0
    for number, image in enumerate(images):
        image[2:-2, 2:-2] = [random.integers(256), 10 * number % 256, 90, 128]
        image[3:-3, 3:-3, 3] = 255
    return images


def folder(path: Path, images: np.ndarray, **others: bytes) -> Path:
    files = {f"{'ab'[i % 2]}/{i:03}.png": encoded(Image.fromarray(image)) for i, image in enumerate(images)}
    return write(path, files | {f"a/{name}.png": content for name, content in others.items()})


def array(path: Path, images: np.ndarray) -> Path:
    """Six images in one array, in the order of their folder."""
    np.savez(path / "own.npz", images=images[[0, 2, 4, 1, 3, 5]], labels=[0, 0, 0, 1, 1, 1], names=["a", "b"])
    return path / "own.npz"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDGEN_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("largest", [shard.LARGEST, 1])
def test_grey_opaque_and_transparent_files_become_one_array(
    largest: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if each is alone in a shard of the cache."""
    monkeypatch.setattr(shard, "LARGEST", largest)
    images = shapes(4)
    grey, colour = images[0, ..., 0], images[1, ..., :3]
    own = folder(
        tmp_path / "own",
        images,
        u=encoded(Image.fromarray(grey)),
        v=encoded(Image.fromarray(np.ascontiguousarray(colour))),
    )
    found = data.load(own, alpha=True)
    opaque = np.full((12, 12, 1), 255, np.uint8)
    expected = {
        *(transparency.cleared(image).tobytes() for image in images),
        np.concatenate([grey[..., None].repeat(3, 2), opaque], 2).tobytes(),
        np.concatenate([colour, opaque], 2).tobytes(),
    }
    assert found.spec.shape == (4, 12, 12)
    assert {image.tobytes() for image in found.train.images} == expected
    assert not found.notes
    assert data.load(own, alpha=True).fingerprint == found.fingerprint


def test_held_out_images_are_the_same_in_shards_of_any_size_and_in_arrays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shard of opaque images has no alpha, unlike the same images beside transparent ones."""
    images = transparency.cleared(shapes(120))
    images[:60, ..., 3] = 255
    np.savez(tmp_path / "own.npz", images=[*images[::2], *images[1::2]], labels=np.repeat([0, 1], 60), names=["a", "b"])
    arrays = data.load(tmp_path / "own.npz", alpha=True)
    assert arrays.test
    for largest in (shard.LARGEST, 10 * images[0].size):
        monkeypatch.setenv("CONDGEN_CACHE", str(tmp_path / f"cache {largest}"))
        monkeypatch.setattr(shard, "LARGEST", largest)
        files = data.load(folder(tmp_path / f"{largest}" / "own", images), alpha=True)
        assert files.fingerprint == arrays.fingerprint


def test_without_transparency_alpha_changes_nothing_but_says_so(tmp_path: Path) -> None:
    own = write(tmp_path / "own", by_class())
    plain, asked = data.load(own), data.load(own, alpha=True)
    assert plain.fingerprint == asked.fingerprint
    assert not plain.notes
    assert asked.notes == ["--alpha: no image of 'own' is transparent; all are read as RGB, without a fourth channel."]
    assert "read as grey" in data.load("mnist", alpha=True).notes[-1]


@pytest.mark.parametrize(("background", "colour"), [("white", 255), ("#fff", 255), ("black", 0), ("rgb(9,9,9)", 9)])
def test_files_and_arrays_are_composited_alike(background: str, colour: int, tmp_path: Path) -> None:
    images = shapes(6)
    np.savez(tmp_path / "own.npz", images=images[[0, 2, 4, 1, 3, 5]], labels=[0, 0, 0, 1, 1, 1], names=["a", "b"])
    files, arrays = (
        data.load(path, background=background) for path in (folder(tmp_path / "f", images), tmp_path / "own.npz")
    )
    assert files.fingerprint == arrays.fingerprint
    assert (files.train.images[:, 0] == colour).all()
    assert files.train.images[0, 2, 2, 2] == pytest.approx((90 * 128 + colour * 127) / 255, abs=1)
    chosen = colour != 255
    assert len(files.notes) == (not chosen)
    assert chosen or "the transparent parts of 6 images of 'f' are read as white" in files.notes[0]
    assert "read as red, green, blue and alpha, over" in arrays.notes[0]


def test_arrays_with_alpha_are_kept_too(tmp_path: Path) -> None:
    images = shapes(6)
    both = folder(tmp_path / "f", images), array(tmp_path, images)
    files, arrays = (data.load(path, alpha=True) for path in both)
    assert arrays.spec.channels == 4
    assert arrays.fingerprint == files.fingerprint


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "no colour": ({"background": "blurple"}, "background should be a colour: a name such as white, or #RRGGBB"),
    "transparent": ({"background": "#ffffff00"}, "background should be an opaque colour"),
    "both": ({"alpha": True, "background": "red"}, "not be given together with --alpha"),
    "one number": ({"window": "7"}, "window should be two numbers LOW,HIGH"),
    "no numbers": ({"window": "a,b"}, "window should be two numbers LOW,HIGH"),
    "the wrong way round": ({"window": "9,1"}, "the lower one first"),
    "endless": ({"window": "0,inf"}, "window should be two numbers"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_line(name: str) -> None:
    given, says = MISTAKES[name]
    with pytest.raises(CondgenError, match=re.escape(says)) as found:
        data.load("mnist", **given)
    assert "\n" not in str(found.value)
    assert f"--{'background' if 'background' in given else 'window'}" in str(found.value)
    words = [f"--{option}" if value is True else f"--{option}={value}" for option, value in given.items()]
    with pytest.raises(CondgenError, match=re.escape(str(found.value))):
        cli.run(["inspect", "mnist", *words])


def test_one_colour_is_one_option() -> None:
    assert len({DataOptions(background=same) for same in ("red", "#F00", "#ff0000", "rgb(255, 0, 0)")}) == 1
    assert DataOptions(window="0, 4095").window == DataOptions(window="0.0,4095").window == "0,4095"


def test_to_the_network_and_back_nothing_is_lost() -> None:
    """Every colour at every alpha."""
    colour, alpha = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    images = transparency.cleared(np.stack([colour, colour, colour, alpha], 2)[None])
    x = to_range(torch.from_numpy(images))
    assert x.min() == -1
    assert x.max() == 1
    assert (x[:, :3] <= x[:, 3:]).all(), "colours are multiplied by alpha"
    assert (to_uint8(x).numpy() == images).all()


def test_what_cannot_be_seen_has_no_colour() -> None:
    x = torch.rand(9, 4, 5, 5) * 2 - 1
    x[:4, 3] = -1
    seen = to_uint8(x).numpy()
    assert (seen[:4] == 0).all()
    assert seen[4:].any()


def test_colour_changes_leave_alpha_alone() -> None:
    images = torch.from_numpy(np.concatenate([shapes(6), np.broadcast_to(OPAQUE, (2, 12, 12, 4))]))
    x = to_range(images)
    torch.manual_seed(1)
    changed = diffaugment.color(x)
    torch.manual_seed(1)
    opaque = diffaugment.color(x[:, :3])
    assert torch.equal(changed[:, 3], x[:, 3])
    assert torch.allclose(changed[:6, :3, 0], torch.tensor(-1.0)), "transparent parts stay so"
    torch.testing.assert_close(changed[6:, :3], opaque[6:])
    assert not torch.allclose(changed[:6, :3, 6], x[:6, :3, 6], atol=0.01)


def test_the_mean_counts_what_is_visible() -> None:
    half = np.stack([OPAQUE, np.zeros_like(OPAQUE)])
    assert transparency.mean(half).tolist() == [[[200, 100, 50, 128]]]
    assert (transparency.mean(np.zeros_like(half)) == 0).all()


def test_invisible_colours_have_no_weight_in_metrics() -> None:
    images = shapes(20)
    clean = transparency.cleared(images)
    assert (images != clean).any()
    assert pixels.greys(images) == pixels.greys(clean)
    assert pixels.sharpness(images, clean).value == pytest.approx(1)


def test_grids_show_a_chequerboard_and_files_keep_alpha(tmp_path: Path) -> None:
    image = shapes(1)[0]
    sheet = np.asarray(canvas.grid(image[None, None], ["a"]))
    corner = sheet[canvas.TITLE : canvas.TITLE + 16, canvas.GAP : canvas.GAP + 16]
    assert {tuple(pixel) for row in corner[:8] for pixel in row} == {canvas.LIGHT, canvas.DARK}
    assert (sheet[canvas.TITLE + 30, canvas.GAP + 30] == image[6, 6, :3]).all()
    canvas.save_png(tmp_path / "a.png", canvas.to_pil(image))
    with Image.open(tmp_path / "a.png") as file:
        np.testing.assert_array_equal(np.asarray(file), image)
    canvas.save(tmp_path / "a.jpg", canvas.to_pil(image))
    with Image.open(tmp_path / "a.jpg") as file:
        assert np.asarray(file)[0, 0].min() > 200, "JPEG is written over white"


def test_duplicates_are_judged_by_what_is_visible() -> None:
    """Here, all images have the same colours and differ only in alpha."""
    random = np.random.default_rng(0)
    images = np.repeat(random.integers(0, 256, (1, 32, 32, 4), np.uint8), 6, 0)
    images[..., 3] = np.kron(random.integers(0, 2, (6, 8, 8)) * 255, np.ones((4, 4)))
    both = Dataset("own", Labels(("a",)), Split(images, np.zeros(6, np.int64)))
    assert duplicates(both).copies == []


DEEP: dict[str, tuple[np.ndarray, str, str]] = {
    "12 of 16 bits": (np.arange(16, dtype=np.uint16) * 273, "16-bit values from 0 to 4095", "--window=0,4095"),
    "all alike": (np.full(16, 700, np.uint16), "16-bit values from 700 to 700", "--window=700,701"),
    "below zero": (np.linspace(-1000, 3071, 16).astype(np.int32), "32-bit integers", "--window=-1000,3071"),
    "unit": (np.linspace(0, 1, 16).astype(np.float32), "floating-point numbers from 0 to 1", "--window=0,1"),
}


@pytest.mark.parametrize("name", DEEP)
def test_doubtful_depth_is_a_question_whose_answer_works(name: str, tmp_path: Path) -> None:
    values, says, answer = DEEP[name]
    files = {
        f"{'ab'[i % 2]}/{i}.tif": encoded(Image.fromarray(np.roll(values, 4 * i).reshape(4, 4)), "TIFF")
        for i in range(4)
    }
    own = write(tmp_path / "own", files)
    with pytest.raises(Question, match=re.escape(f"4 images of 'own' hold {says}")) as found:
        data.load(own)
    assert found.value.answers[0] == answer
    read = data.load(own, window=answer.partition("=")[2]).train.images
    assert read.shape[1:] == (4, 4, 1)
    assert [read.min(), read.max()] == ([0, 0] if name == "all alike" else [0, 255])


def test_depth_that_fills_its_range_is_no_question(tmp_path: Path) -> None:
    wide = np.arange(16, dtype=np.uint16).reshape(4, 4) * 4369
    own = write(
        tmp_path / "own", {"a/1.png": encoded(Image.fromarray(wide)), "b/2.png": encoded(Image.fromarray(wide[::-1]))}
    )
    assert not data.load(own).notes
    narrow = data.load(own, window="0,655350")
    assert narrow.train.images.max() == 26


def test_a_window_for_8_bits_has_no_effect_and_says_so(tmp_path: Path) -> None:
    assert "--window has no effect" in data.load(write(tmp_path / "own", by_class()), window="0,9").notes[0]


def test_arrays_of_other_types_ask_for_a_window(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((4, 5, 5)).astype(np.float32)
    values[0, 0, :2] = 0, 1
    np.savez(tmp_path / "own.npz", images=values, labels=[0, 1, 0, 1])
    with pytest.raises(CondgenError, match=r"images are float32.*Add --window=0,1\."):
        data.load(tmp_path / "own.npz")
    images = data.load(tmp_path / "own.npz", window="0,1").train.images
    np.testing.assert_array_equal(images[..., 0], (values * 255).round())
