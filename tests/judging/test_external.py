"""Images made by any tool: what is understood, and what is refused by name."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from condgen.data.transparency import cleared
from condgen.errors import CondgenError
from condgen.judging import external
from conftest import toy_data

DIGITS, COLOUR, ATTRIBUTES = toy_data("digits"), toy_data("colour"), toy_data("attributes")
ALPHA = toy_data("alpha")
GREY = np.full((28, 28), 7, np.uint8)


def save(path: Path, array: np.ndarray, mode: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path)


def test_a_subfolder_per_label(tmp_path: Path) -> None:
    for name in ("3", "8"):
        save(tmp_path / name / "a.png", GREY)
    found = external.read(tmp_path, DIGITS)
    assert found.images.shape == (2, 28, 28, 1)
    assert found.requested is not None
    assert found.requested.tolist() == [3, 8]


def test_labels_as_titles_or_as_file_names(tmp_path: Path) -> None:
    image = COLOUR.train.images[0]
    for name in ("cat", "t-shirt-top"):
        save(tmp_path / name / "a.png", image)
    assert external.read(tmp_path, COLOUR).requested.tolist() == [0, 2]  # type: ignore[union-attr]


def test_attributes_joined_by_plus(tmp_path: Path) -> None:
    image = ATTRIBUTES.train.images[0][..., 0]
    for name in ("Smiling+Glasses", "none"):
        save(tmp_path / name / "a.png", image)
    assert external.read(tmp_path, ATTRIBUTES).requested.tolist() == [[1, 0, 0, 1], [0, 0, 0, 0]]  # type: ignore[union-attr]


def test_images_without_any_label(tmp_path: Path) -> None:
    save(tmp_path / "a.png", GREY)
    assert external.read(tmp_path, DIGITS).requested is None


def test_grey_saved_as_colour_or_as_one_bit_is_grey(tmp_path: Path) -> None:
    save(tmp_path / "1" / "rgb.png", GREY, "RGB")
    save(tmp_path / "1" / "palette.png", GREY, "P")
    save(tmp_path / "1" / "bit.png", np.full((28, 28), 255, np.uint8), "1")
    assert [image.max() for image in external.read(tmp_path, DIGITS).images] == [255, 7, 7]


def test_transparent_images_may_be_among_opaque_ones(tmp_path: Path) -> None:
    image = cleared(ALPHA.train.images[0])
    image[0] = 9, 9, 9, 0
    save(tmp_path / "cat" / "a.png", image[..., :3])
    with pytest.raises(CondgenError, match=r"no image in .* is transparent, but the data are"):
        external.read(tmp_path, ALPHA)
    save(tmp_path / "dog" / "b.png", image)
    found = external.read(tmp_path, ALPHA)
    assert (found.images[0] == np.dstack([image[..., :3], np.full((8, 8), 255)])).all()
    assert (found.images[1, 0] == 0).all(), "invisible colours are 0"
    assert (found.images[1, 1:] == image[1:]).all()
    np.savez(tmp_path / "a.npz", images=image[None, ..., :3])
    with pytest.raises(CondgenError, match="in colour, but the data are in colour with alpha"):
        external.read(tmp_path / "a.npz", ALPHA)


def test_an_npz_with_numbers_words_names_or_no_labels(tmp_path: Path) -> None:
    path, images = tmp_path / "a.npz", COLOUR.train.images[:3]
    for labels in ({"labels": [2, 0, 1]}, {"labels": ["T-shirt/top", "cat", "dog"]},
                   {"labels": [0, 1, 2], "names": ["T-shirt/top", "cat", "dog"]}):  # fmt: skip
        np.savez(path, images=images, **{key: np.array(value) for key, value in labels.items()}, allow_pickle=False)
        assert external.read(path, COLOUR).requested.tolist() == [2, 0, 1]  # type: ignore[union-attr]
    np.savez(path, images=images)
    assert external.read(path, COLOUR).requested is None


def colourful(tmp_path: Path) -> None:
    save(tmp_path / "1" / "bad.png", np.random.default_rng(0).integers(0, 255, (28, 28, 3), dtype=np.uint8))


def wrong_size(tmp_path: Path) -> None:
    save(tmp_path / "1" / "a.png", GREY)
    save(tmp_path / "1" / "bad.png", np.zeros((32, 32), np.uint8))


def unknown_class(tmp_path: Path) -> None:
    save(tmp_path / "eleven" / "bad.png", GREY)


def half_labelled(tmp_path: Path) -> None:
    save(tmp_path / "1" / "a.png", GREY)
    save(tmp_path / "bad.png", GREY)


def broken(tmp_path: Path) -> None:
    whole = tmp_path / "1" / "a.png"
    save(whole, np.random.default_rng(0).integers(0, 255, (28, 28), dtype=np.uint8))
    (tmp_path / "1" / "bad.png").write_bytes(whole.read_bytes()[:400])


def transparent(tmp_path: Path) -> None:
    save(tmp_path / "1" / "bad.png", np.zeros((28, 28, 4), np.uint8))


def deep(tmp_path: Path) -> None:
    save(tmp_path / "1" / "bad.png", np.zeros((28, 28), np.uint16))


def text(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_text("this is no image")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (colourful, "in colour, but the data are in grey"),
        (wrong_size, "32x32 pixels, but the data have 28x28"),
        (unknown_class, "eleven"),
        (half_labelled, "no label, but other files have"),
        (broken, "cannot read"),
        (transparent, "mode RGBA"),
        (deep, "mode I;16"),
        (text, "cannot read"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_does_not_fit_is_named(make, words: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path)
    with pytest.raises(CondgenError) as error:
        external.read(tmp_path, DIGITS)
    assert words in str(error.value)
    assert ("bad.png" in str(error.value)) or make is unknown_class


def test_grey_images_before_colour_data_are_named(tmp_path: Path) -> None:
    save(tmp_path / "cat" / "bad.png", np.zeros((8, 8), np.uint8))
    with pytest.raises(CondgenError, match=r"bad\.png.*in grey, but the data are in colour"):
        external.read(tmp_path, COLOUR)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"faces": np.zeros(3)}, "expected images and labels"),
        ({"images": np.zeros((3, 28, 28), np.float32)}, "wanted uint8"),
        ({"images": np.zeros((3, 30, 28), np.uint8)}, "30x28 pixels"),
        ({"images": np.zeros((3, 28, 28), np.uint8), "labels": np.zeros(2, int)}, "3 images but 2 labels"),
        ({"images": np.zeros((3, 28, 28), np.uint8), "labels": np.array([1, 2, 10])}, "values from 1 to 10"),
        ({"images": np.zeros((1, 28, 28), np.uint8), "labels": np.array(["ten"])}, "'ten'"),
        ({"images": np.zeros((0, 28, 28), np.uint8), "labels": np.zeros(0, int)}, "no images"),
    ],
)
def test_an_npz_that_does_not_fit_is_named(arrays: dict[str, np.ndarray], words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, **arrays, allow_pickle=False)
    with pytest.raises(CondgenError) as error:
        external.read(path, DIGITS)
    assert words in str(error.value)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut short"])
def test_a_damaged_npz_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(CondgenError, match=r"cannot read .*a\.npz"):
        external.read(tmp_path / "a.npz", DIGITS)


def test_no_images_at_all(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere", tmp_path / "a.txt"):
        with pytest.raises(CondgenError, match=r"an \.npz with"):
            external.read(path, DIGITS)
