"""Counts and mixes per label, and where the images go: the same request gives the same bytes everywhere."""

import json
import re
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from condgen import marker
from condgen.errors import CondgenError
from condgen.labels import Labels
from condgen.mixes import Mix
from condgen.sampling import canvas, files, shards
from condgen.sampling.request import SampleRequest
from serving.stand import sampler

DIGITS = Labels(tuple("0123456789"))
FACES = Labels(("Smiling", "Hat", "Blond"), "attributes")


@pytest.mark.parametrize("labels", ["3=2,8=5,1", {"3": 2, 8: 5, "1": 4}, "3 = 2, 8=5 ,1,1"])
def test_labels_may_have_counts_of_their_own(labels: Any) -> None:
    request = SampleRequest.resolve(DIGITS, labels, count=4, seed=7)
    assert request == SampleRequest((3, 8, 1), (2, 5, 4), 7)


def test_every_label_of_a_word_has_its_count() -> None:
    assert SampleRequest.resolve(DIGITS, "all=3").counts == (3,) * 10
    assert SampleRequest.resolve(DIGITS, "0-2=3,5").counts == (3, 3, 3, 1)
    assert SampleRequest.resolve(FACES, "Hat+Smiling=2,none=3").counts == (2, 3)
    assert SampleRequest.resolve(Labels(("x=2", "x")), "x=2,x=3").counts == (1, 3), "a name may contain the sign"


@pytest.mark.parametrize(
    ("labels", "mix", "says"),
    [
        ("3=0", None, "the count in '3=0' should be a whole number from 1"),
        ("3=2.5", None, "the count in '3=2.5' should be a whole number"),
        ("3=", None, "the count in '3=' should be a whole number"),
        ("12=2", None, "unknown label '12'"),
        ("3=2,3=5", None, "'3' is requested with the counts 2 and 5; name it once, such as 3=5"),
        ("3=2,0-4", None, "counts 2 and 1"),
        ("3:.5,8:.5", None, "labels '3:.5,8:.5' have weights; a mix is --mix 3:.5,8:.5."),
        ("3:0.5+8:0.5", None, "a mix is --mix 3:0.5,8:0.5."),
        ({"3": 0}, None, "the count 0 of label '3' should be a whole number, 1 or more"),
        ({3: 1.5}, None, "should be a whole number"),
        ({}, None, "no labels in {}"),
        ("3", "3:.5,8:.5", "give labels or a mix, not both"),
        ("all", "3:x", "the weight in '3:x' should be a number"),
        ("all", "3:-1,8:2", "should be a number, 0 or more"),
        ("all", "3:nan", "should be a number"),
        ("all", "3:0", "a mix needs a label with a weight above 0"),
        ("all", "0-9:.1", "'0-9:.1' names 10 labels"),
        ("all", "", "no labels in ''"),
        ("all", {"3": "half"}, "the weight 'half' of label '3' should be a number"),
        ("all", 3, "neither text nor a dictionary"),
    ],
)
def test_a_request_that_cannot_be_met_says_why(labels: Any, mix: Any, says: str) -> None:
    with pytest.raises(CondgenError, match=re.escape(says)):
        SampleRequest.resolve(DIGITS, labels, mix)


@pytest.mark.parametrize("mix", ["3:.5,8:1.5", "8:.75,3:.25", {"3": 1, 8: 3}, "3,8,8,8"])
def test_weights_of_a_mix_are_normalised(mix: Any) -> None:
    (found,) = SampleRequest.resolve(DIGITS, mix=mix).labels
    assert isinstance(found, Mix)
    assert DIGITS.encode([found])[0].tolist() == [0, 0, 0, 0.25, 0, 0, 0, 0, 0.75, 0]
    again = SampleRequest.resolve(DIGITS, mix=DIGITS.title(found)).labels
    assert again == (found,), "the title of a mix requests it"


def test_a_mix_of_attributes_is_the_mean_of_their_vectors() -> None:
    (found,) = SampleRequest.resolve(FACES, mix="Smiling+Hat:.75,none:.25").labels
    assert FACES.encode([found, (0, 0, 1)]).tolist() == [[0.75, 0.75, 0], [0, 0, 1]]


def test_slugs_of_mixes_are_file_names_and_differ() -> None:
    mixes = ["3:.5,8:.5", "3:.25,8:.75", "3:1,8:2", "8:1,3:2", "3,8,1", "3:1,8:2.0001"]
    for known in (DIGITS, Labels(DIGITS.names, "attributes")):
        slugs = [known.slug(SampleRequest.resolve(known, mix=mix).labels[0]) for mix in mixes]
        assert len(set(slugs)) == len(mixes)
        assert all(re.fullmatch(r"[\w+-]+", slug) for slug in slugs)


@pytest.mark.parametrize("kind", ["digits", "attributes", "colour"])
def test_images_do_not_depend_on_how_they_are_requested(kind: str) -> None:
    ours = sampler(kind)
    first, second = (ours.spec.labels.spelling(label) for label in ours.spec.labels.each[:2])
    each = np.concatenate([ours.sample(first, count=2, seed=5), ours.sample(second, count=5, seed=5)])
    assert (ours.sample(f"{first}=2,{second}=5", seed=5) == each).all()
    assert (ours.sample({first: 2, second: 5}, seed=5) == each).all()
    halves = ours.sample(mix=f"{first}:.5,{second}:.5", count=3, seed=5)
    assert (ours.sample(mix={first: 1, second: 1}, count=3, seed=5) == halves).all()
    assert (halves[1:2] != ours.sample(first, count=2, seed=5)[1:2]).any()
    assert (ours.sample(mix={first: 2, second: 0}, count=3, seed=5) == ours.sample(first, count=3, seed=5)).all()


def test_a_mix_of_one_label_is_written_as_that_label(tmp_path: Path) -> None:
    ours = sampler()
    for name, request in (("label", ours.request("3", count=2)), ("mix", ours.request(mix="3:.7", count=2))):
        for out in ("folder", "grid.png", "arrays.npz"):
            files.write(ours, request, out=tmp_path / name / out, grid=out == "grid.png")
        shards.write(ours, request, out=tmp_path / name / "shards", each=2)
    names = [path.relative_to(tmp_path / "mix") for path in (tmp_path / "mix").rglob("*") if path.is_file()]
    assert len(names) == 3 + 2 + 3
    for place in names:
        if place.suffix != ".npz":  # zip files contain the time
            assert (tmp_path / "mix" / place).read_bytes() == (tmp_path / "label" / place).read_bytes()


def test_images_of_a_mix_say_its_weights_and_are_no_data(tmp_path: Path) -> None:
    ours = sampler()
    request = ours.request(mix="3:.5,8:.5", count=2, seed=4)
    files.write(ours, request, out=tmp_path / "a")
    assert sorted(path.name for path in tmp_path.glob("a/*.png")) == [f"3x50+8x50_seed4_0000{i}.png" for i in range(2)]
    with Image.open(tmp_path / "a/3x50+8x50_seed4_00001.png") as image:
        told = json.loads(image.info["condgen"])
    assert (told["mix"], told["seed"], told["index"]) == ({"3": 0.5, "8": 0.5}, 4, 1)
    assert "label" not in told
    note = marker.note((tmp_path / "a/3x50+8x50_seed4_00001.png").read_bytes())
    assert note == marker.Note("image", "condgen sample", None)
    mark = marker.of(tmp_path / "a")
    assert mark
    assert not mark.is_data
    files.write(ours, request, out=tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as arrays:
        assert "labels" not in arrays
        assert arrays["mixes"][:, [3, 8]].tolist() == [[0.5, 0.5]] * 2
    shards.write(ours, request, out=tmp_path / "s", each=2)
    with tarfile.open(tmp_path / "s/00000.tar") as shard:
        assert {Path(name).suffix for name in shard.getnames()} == {".png", ".json"}


def test_a_grid_of_uneven_counts_has_white_cells(tmp_path: Path) -> None:
    ours = sampler()
    files.write(ours, ours.request("3=1,8=3"), out=tmp_path / "g.png", grid=True)
    with Image.open(tmp_path / "g.png") as sheet:
        side = (sheet.height - canvas.TITLE - canvas.GAP) // 3
        cells = np.asarray(sheet)[canvas.TITLE + side + canvas.GAP :, : sheet.width // 2]
        assert json.loads(sheet.info["condgen"])["counts"] == {"3": 1, "8": 3}
    assert (cells == 255).all()


def test_shards_of_other_counts_are_another_request(tmp_path: Path) -> None:
    ours = sampler()
    shards.write(ours, ours.request("3=2,8=4"), out=tmp_path / "s", each=3)
    for other in (ours.request("3,8", count=4), ours.request("3=4,8=2"), ours.request("3=3,8=4")):
        with pytest.raises(CondgenError, match="holds shards with another counts"):
            shards.write(ours, other, out=tmp_path / "s", each=3)


def test_a_generator_of_whole_labels_takes_no_mix() -> None:
    ours = sampler()
    ours.takes_mixes = False
    for labels in (ours, sampler("any")):
        with pytest.raises(CondgenError, match=r"takes (whole labels only|no label)"):
            labels.request(mix="3:.5,8:.5")
    assert len(ours.sample("3")) == 1


@pytest.mark.parametrize("name", ["x.jpg", "x.JPEG", "x.webp", "x.png", "x.PNG"])
@pytest.mark.parametrize("grid", [False, True])
def test_an_image_is_written_in_the_format_of_its_ending(name: str, grid: bool, tmp_path: Path) -> None:
    ours, out = sampler(), tmp_path / name
    request = ours.request("3,8" if grid else "3", count=2 if grid else 1, seed=6)
    files.write(ours, request, out=out, grid=grid)
    with Image.open(out) as image:
        assert image.format == canvas.FORMATS[out.suffix.lower()]
    note = marker.note(out.read_bytes())
    assert note
    assert (note.kind, note.label) == (("sheet", None) if grid else ("image", "3"))
    before = out.read_bytes()
    files.write(ours, request, out=out, grid=grid)
    assert out.read_bytes() == before, "the same request gives the same bytes, over one's own file"
    plain = Image.new("RGB", (8, 8))
    plain.save(out)
    with pytest.raises(CondgenError, match="condgen did not write it"):
        files.write(ours, request, out=out, grid=grid)


def test_a_file_that_is_not_written_is_no_folder(tmp_path: Path) -> None:
    for name in ("x.tiff", "x.npy", "x.tar", "x.csv"):
        with pytest.raises(CondgenError, match=rf"{name[1:]} files are not written.* for a folder: '.*{name}/'"):
            files.checked_out(tmp_path / name)
        assert files.checked_out(f"{tmp_path / name}/") == tmp_path / name
        (tmp_path / name).mkdir()
        assert files.checked_out(tmp_path / name) == tmp_path / name
    for name in ("v1.5", "x", "x.jpg", "x.Webp", "x.npz", "sC++", "a.b c"):
        assert files.checked_out(tmp_path / name) == tmp_path / name
