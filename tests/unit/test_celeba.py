"""CelebA's layout: faces, attributes and splits from a folder or a zip."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from condgen import data
from condgen.errors import CondgenError
from conftest import SHARED

HEADER = "6\nBald Smiling Hat\n"
ROWS = "".join(f"{i:06d}.jpg {' '.join(signs)}\n" for i, signs in enumerate(
    [("1", "-1", "-1"), ("-1", "1", "-1"), ("-1", "1", "1"), ("-1", "-1", "-1"), ("1", "1", "1"), ("-1", "1", "-1")]
))  # fmt: skip
PARTS = "".join(f"{i:06d}.jpg {part}\n" for i, part in enumerate([0, 0, 0, 1, 2, 2]))


def jpeg(number: int) -> bytes:
    """A bluish 20 x 30 face whose brightness is its number, with a white top that the central square leaves out."""
    pixels = np.full((30, 20, 3), 40 * number, np.uint8)
    pixels[..., 2] += 6
    pixels[:5] = 255
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


@pytest.fixture(params=["folder", "zip", "nested", "spread"])
def faces(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The four ways in which people have it on disk."""
    lists = tmp_path / "Anno" if request.param == "spread" else tmp_path
    lists.mkdir(exist_ok=True)
    (lists / "list_attr_celeba.txt").write_text(HEADER + ROWS)
    (lists / "list_eval_partition.txt").write_text(PARTS)
    if request.param == "zip":
        with zipfile.ZipFile(tmp_path / "img_align_celeba.zip", "w") as archive:
            for i in range(6):
                archive.writestr(f"img_align_celeba/{i:06d}.jpg", jpeg(i))
        return tmp_path
    folder = tmp_path / "img_align_celeba"
    folder = folder / folder.name if request.param == "nested" else folder
    folder.mkdir(parents=True)
    for i in range(6):
        (folder / f"{i:06d}.jpg").write_bytes(jpeg(i))
    return tmp_path


def test_images_attributes_and_splits(faces: Path) -> None:
    read = data.load(faces, size=8)
    assert read.labels.names == ("Bald", "Smiling", "Hat")
    assert read.labels.kind == "attributes"
    assert read.train.images.shape == (3, 8, 8, 3)
    assert read.train.labels.tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]
    assert read.test is not None
    assert read.test.labels.tolist() == [[1, 1, 1], [0, 1, 0]]
    brightness = read.train.images[:, 2:].mean((1, 2, 3))
    assert brightness == pytest.approx([0, 40, 80], abs=4)
    assert read.train.images.max() < 130, "the white top is outside the central square"


def test_the_usual_size_is_64(faces: Path) -> None:
    assert data.load(faces).spec.shape == (3, 64, 64)


def test_one_attribute_becomes_two_classes_and_several_stay_attributes(faces: Path) -> None:
    one = data.load(faces, labels="smiling", size=8)
    assert one.labels.names == ("not Smiling", "Smiling")
    assert one.train.labels.tolist() == [0, 1, 1]
    two = data.load(faces, labels="Hat,Bald", size=8)
    assert two.labels.names == ("Hat", "Bald")
    assert two.train.labels.tolist() == [[0, 1], [0, 0], [1, 0]]


def test_a_zip_with_its_lists_beside_it(tmp_path: Path) -> None:
    (tmp_path / "list_attr_celeba.txt").write_text(HEADER + ROWS)
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        for i in range(6):
            archive.writestr(f"{i:06d}.jpg", jpeg(i))
    read = data.load(tmp_path / "faces.zip", size=8)
    assert len(read.train) == 6, "without a partition all images are training images"
    assert read.test is None


def broken(folder: Path, how: str) -> None:
    attributes, image = folder / "list_attr_celeba.txt", folder / "img_align_celeba" / "000001.jpg"
    if how == "missing":
        image.unlink()
    elif how == "damaged":
        image.write_bytes(jpeg(1)[:150])
    elif how == "columns":
        attributes.write_text(HEADER + ROWS.replace("000002.jpg -1", "000002.jpg"))
    elif how == "empty":
        attributes.write_text("6\n")
    elif how == "partition":
        (folder / "list_eval_partition.txt").write_text("000001.jpg train\n")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("missing", "1 of 6 images .* cannot be used: '000001.jpg' is missing. Mend them"),
        ("damaged", "000001.jpg' cannot be read: Truncated"),
        ("columns", "line 5: wanted 3 times -1 or 1"),
        ("empty", "has 1 lines"),
        ("partition", "wanted lines such as '000001.jpg 0'"),
    ],
)
@pytest.mark.parametrize("faces", ["folder"], indirect=True)
def test_a_fault_is_named(faces: Path, how: str, said: str) -> None:
    broken(faces, how)
    with pytest.raises(CondgenError, match=said):
        data.load(faces, size=8)


@pytest.mark.parametrize("faces", ["folder"], indirect=True)
def test_wrong_wishes_are_named(faces: Path) -> None:
    with pytest.raises(CondgenError, match="did you mean 'Smiling'"):
        data.load(faces, labels="Smilling", size=8)
    with pytest.raises(CondgenError, match="--attributes chooses among attributes; 'mnist' has classes"):
        data.load("mnist", labels="3")
    with pytest.raises(CondgenError, match="--size scales image files; 'mnist' is arrays of 28x28"):
        data.load("mnist", size=32)
    with pytest.raises(CondgenError, match="size should be greater than or equal to 1"):
        data.load(faces, size=0)


@pytest.mark.skipif(not (SHARED / "data/cartoon-celeba").exists(), reason="the cartoon faces are not here")
def test_a_real_set_in_this_layout() -> None:
    read = data.load(SHARED / "data/cartoon-celeba", labels="Blond_Hair", size=32)
    assert read.spec.shape == (3, 32, 32)
    assert (len(read.train), len(read.test or [])) == (2400, 300)
    assert read.train.labels.mean() == pytest.approx(554 / 2400)
