"""What condgen wrote is never trained on by accident, and read back as data where it was written as data."""

import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from condgen import cli, data, marker
from condgen.augmentation.images import entries
from condgen.augmentation.images import write as write_augmented
from condgen.errors import CondgenError
from condgen.judging.reference import Samples
from condgen.labels import ANY, Label, Labels
from condgen.sampling import files, shards
from condgen.sampling.request import SampleRequest
from condgen.sampling.sampler import Sampler
from condgen.spec import Prior, Spec
from condgen.testing.toys import toy_card
from data_files import CLASSES, by_class, png, write, zipped


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDGEN_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's own data, the working folder."""
    folder = write(tmp_path / "photos", by_class())
    monkeypatch.chdir(folder)
    return folder


def run(*words: object) -> None:
    cli.main([str(word) for word in words])


WRITERS = {
    "inspect": "inspect .",
    "inspect, told where": "inspect . --out look",
    "train": "train cvae --data . --images 64 --batch 8 --quiet",
    "sample beside classes": "sample {run} --out generated",
    "sample inside a class": "sample {run} --count 3 --out cat/generated",
    "a grid at the top": "sample {run} --grid --out grid.png",
    "a grid in a class": "sample {run} --grid --out cat/grid.png",
    "one image in a class": "sample {run} --labels 1 --out dog/new.png",
    "an npz": "sample {run} --out generated.npz",
    "shards": "sample {run} --count 4 --shard 3 --out shards",
    "augment": "augment {data} --run {run} --per-class 3 --no-proof --out more",
    "audit": "audit {run} --data {data} --count 20",
    "export": "export {run} --out given",
    "export to a class": "export {run} --out newt/given",
    "image": "figure titled {run} --out newt/titled.png",
    "curves": "figure curves {run} --out dog/curves.png",
    "film": "figure growth {run} --out cat/film.gif",
    "a name of its own": "sample given --grid",
}


def test_whatever_condgen_writes_is_left_out_and_told(photos: Path, tiny_run: Path, pets: Path) -> None:
    """Each into the user's data, one after the other; also all of it as a zip."""
    before = data.load(".")
    assert before.labels.names == CLASSES
    for name, words in WRITERS.items():
        run(*words.format(run=tiny_run, data=pets).split())
        found = data.load(".")
        assert found.fingerprint == before.fingerprint, name
        assert set(found.left_out) <= {"'generated.npz'"}, name
        if name != "an npz":  # which is no image: nobody would take it for one
            assert len(found.own) > 0, name
    note = found.notes[-1]
    assert "since condgen wrote it: 9 folders, such as " in note
    assert " and 6 files, such as " in note
    whole = photos.parent / "whole.zip"
    with zipfile.ZipFile(whole, "w") as archive:
        for path in sorted(photos.rglob("*")):
            archive.write(path, path.relative_to(photos.parent))
    assert data.load(whole).fingerprint == before.fingerprint
    assert len(data.load(whole).own) == len(found.own)


def test_a_cache_inside_data_is_left_out(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDGEN_CACHE", "cache")
    before = data.load(".").fingerprint
    write(photos, {"hub/CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55", "hub/models/1.png": png(1)})
    found = data.load(".")
    assert (found.fingerprint, set(found.own)) == (before, {"'cache'", "'hub'"})


def test_a_class_of_nothing_but_output_is_none(photos: Path, tiny_run: Path) -> None:
    (photos / "old").mkdir()
    run("sample", tiny_run, "--grid", "--out", "old/grid.png")
    assert data.load(".").labels.names == CLASSES


def test_a_folder_of_output_alone_is_one_line(photos: Path) -> None:
    run("inspect", ".")
    with pytest.raises(CondgenError, match=r"was written by condgen inspect and is no data"):
        data.load("inspected/photos")
    (photos / "only").mkdir()
    (photos / "inspected").rename(photos / "only/inspected")
    with pytest.raises(CondgenError, match=r"is left out, such as 'inspected/photos' \(condgen inspect\)"):
        data.load("only")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"wrote": 3}', b"[" * 9999])
def test_a_damaged_marker_still_leaves_out(photos: Path, content: bytes) -> None:
    run("inspect", ".")
    (photos / "inspected/photos" / marker.FILE).write_bytes(content)
    assert data.load(".").labels.names == CLASSES


class Net(nn.Module):
    """Coloured stripes that z and y choose."""

    def __init__(self, shape: tuple[int, int, int], labels: int) -> None:
        super().__init__()
        self.shape = shape
        self.weight = torch.linspace(-2, 2, (3 + labels) * int(np.prod(shape))).sin().mul(3).reshape(3 + labels, -1)

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (torch.cat([z, y], 1) @ self.weight).tanh().reshape(-1, *self.shape)


LABELS = {
    "classes": Labels(("cat", "T-shirt/top", "猫", "10")),
    "attributes": Labels(("Smiling", "Hat", "Hat+Coat"), "attributes"),
    "no label": ANY,
}


def sampler(labels: Labels, channels: int = 3) -> Sampler:
    spec, prior = Spec((channels, 6, 6), labels), Prior(3)
    return Sampler(Net(spec.shape, len(labels)), spec, prior, card=toy_card(spec, prior))


def augmented(ours: Sampler, wanted: list[Label], out: Path) -> None:
    counts = [COUNT if label in wanted else 0 for label in ours.spec.labels.each]
    asked = [label for label, count in enumerate(counts) for _ in range(count)]
    images = np.concatenate(list(ours.batches(asked, 3)))
    write_augmented(ours, Samples(images, np.array(asked)), entries(ours, counts, 3), out)


def generated(ours: Sampler, wanted: list[Label], out: Path) -> None:
    files.write(ours, SampleRequest.of(wanted, COUNT, 3), out=out, grid=False)


def as_zip(ours: Sampler, wanted: list[Label], out: Path) -> None:
    generated(ours, wanted, out.with_suffix(""))
    zipped(out, {f"made/{path.name}": path.read_bytes() for path in out.with_suffix("").iterdir()})


COUNT = 5
DATA: dict[str, tuple[str, Callable[[Sampler, list[Label], Path], object]]] = {
    "a folder": ("made", generated),
    "a zip of it": ("made.zip", as_zip),
    "an npz": ("made.npz", generated),
    "shards": ("made", lambda ours, w, out: shards.write(ours, SampleRequest.of(w, COUNT, 3), out=out, each=4)),
    "augment": ("made", augmented),
}


CASES = [(writer, kind) for writer in DATA for kind in LABELS if writer != "augment" or kind == "classes"]
"""`augment` takes no attributes, which overlap."""


@pytest.mark.parametrize("some", [False, True], ids=["all", "some"])
@pytest.mark.parametrize(("writer", "kind"), CASES)
def test_what_was_written_as_data_is_read_with_its_labels(writer: str, kind: str, some: bool, tmp_path: Path) -> None:
    ours = sampler(LABELS[kind])
    wanted = list(ours.spec.labels.each[-1:] if some else ours.spec.labels.each)
    if kind == "attributes" and not some:
        wanted += [(0, 0, 0), (1, 1, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1)]
    name, write_it = DATA[writer]
    write_it(ours, wanted, tmp_path / name)
    found = data.load(tmp_path / name)
    assert (found.spec, found.left_out, found.own) == (ours.spec, {}, {})
    expected = [
        (image.tobytes(), str(np.array(label).tolist()))
        for label in wanted
        for batch in ours.batches([label] * COUNT, 3)
        for image in batch
    ]
    assert sorted(
        (x.tobytes(), str(y.tolist())) for x, y in zip(found.train.images, found.train.labels, strict=True)
    ) == (sorted(expected))


def test_images_without_their_marker_still_say_their_class(tmp_path: Path) -> None:
    """As in a zip of the server, or when hidden files were not copied; of attributes nobody knows the others."""
    for kind in ("classes", "attributes"):
        ours = sampler(LABELS[kind])
        generated(ours, list(ours.spec.labels.each), tmp_path / kind)
        (tmp_path / kind / marker.FILE).unlink()
        write(tmp_path / kind, {"manifest.json": "{}"})
    assert sorted(data.load(tmp_path / "classes").labels.names) == sorted(LABELS["classes"].names)
    with pytest.raises(CondgenError, match=r"images with attributes, and no \.condgen\.json"):
        data.load(tmp_path / "attributes")


def test_folders_that_were_written_side_by_side_are_data_together(tmp_path: Path) -> None:
    ours = sampler(LABELS["classes"])
    for label in (0, 1):
        generated(ours, [label], tmp_path / "both" / f"part{label}")
    found = data.load(tmp_path / "both")
    assert (found.labels, found.own) == (ours.spec.labels, {})
    assert np.bincount(found.train.labels).tolist() == [COUNT, COUNT]
    write(tmp_path / "both", by_class())
    assert data.load(tmp_path / "both").labels.names == CLASSES, "beside classes of the user's they are left out"


def test_another_generator_may_add_to_a_folder(tmp_path: Path) -> None:
    one, other = sampler(LABELS["classes"]), sampler(Labels(("dog", "cat")))
    generated(one, [0, 2], tmp_path / "made")
    generated(other, [0, 1], tmp_path / "made")
    for ending in ("png", "jpg", "webp"):
        files.write(one, SampleRequest.of([0, 1], 2, 0), out=tmp_path / f"made/grid.{ending}", grid=True)
    found = data.load(tmp_path / "made")
    assert found.labels.names == (*LABELS["classes"].names, "dog")
    assert sorted(found.own) == [repr(f"grid.{ending}") for ending in ("jpg", "png", "webp")]
    with pytest.raises(CondgenError, match="with other attributes; give another --out"):
        generated(sampler(LABELS["attributes"]), [(0, 0, 1)], tmp_path / "made")


@pytest.mark.parametrize(
    "words", ["sample {run} --out cat", "sample {run} --shard 2 --out cat", "inspect . --out cat", "inspect . --out ."]
)
def test_nothing_is_written_into_data_of_the_users(
    words: str, photos: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(photos.rglob("*"))
    with pytest.raises(SystemExit):
        run(*words.format(run=tiny_run).split())
    said = capsys.readouterr().err
    assert "0.png', which condgen did not write; give another --out, such as" in said
    assert sorted(photos.rglob("*")) == before


@pytest.mark.parametrize(
    "words",
    [
        "sample {run} --grid --out cat/0.png",
        "sample {run} --labels 1 --out cat/0.png",
        "sample {run} --out a.npz",
        "figure titled {run} --out cat/0.png",
    ],
)
def test_no_file_of_the_users_is_written_over(
    words: str, photos: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(photos / "a.npz", x=np.zeros(3))
    before = {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()}
    with pytest.raises(SystemExit):
        run(*words.format(run=tiny_run).split())
    assert "already exists, and condgen did not write it; give another --out" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()} == before


def test_a_trained_run_of_drawn_images_has_their_labels(tmp_path: Path) -> None:
    ours = sampler(LABELS["classes"])
    generated(ours, list(ours.spec.labels.each), tmp_path / "made")
    run(
        "train", "cvae", "--data", tmp_path / "made", "--images", 64, "--batch", 8, "--quiet", "--out", tmp_path / "run"
    )
    card = json.loads((tmp_path / "run/generator/card.json").read_text())
    assert card["spec"]["labels"] == {"names": list(LABELS["classes"].names), "kind": "classes"}


def tarred(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as shard:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            shard.addfile(entry, io.BytesIO(content))
    return path


def test_shards_of_other_tools_are_read(tmp_path: Path) -> None:
    files = {f"d/{i}.png": png(i) for i in range(12)} | {f"d/{i}.cls": f"{i % 3}\n".encode() for i in range(12)}
    named = {f"{i}.png": png(i) for i in range(6)} | {f"{i}.json": b'{"label": "%c"}' % b"ab"[i % 2] for i in range(6)}
    assert data.load(tarred(tmp_path / "one.tar", files)).train.labels.tolist() == [i % 3 for i in range(12)]
    assert data.load(tarred(tmp_path / "two.tar", named)).labels.names == ("a", "b")
    for cut in (0, 700, 2000):
        (tmp_path / "cut.tar").write_bytes((tmp_path / "two.tar").read_bytes()[:cut])
        with pytest.raises(CondgenError, match=r"cannot read 'cut.tar' of .* as (a shard|tar)"):
            data.load(tmp_path / "cut.tar")


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_an_npz_of_ours_beside_the_users_is_left_out(packed: bool, tmp_path: Path) -> None:
    ours = sampler(LABELS["classes"])
    (tmp_path / "own").mkdir()
    np.savez(tmp_path / "own/mine.npz", images=np.zeros((2, 4, 4), np.uint8), labels=[0, 1])
    generated(ours, [0], tmp_path / "own/made.npz")
    path = tmp_path / "own"
    if packed:
        path = zipped(tmp_path / "own.zip", {file.name: file.read_bytes() for file in path.iterdir()})
    found = data.load(path)
    assert (found.labels.names, found.own) == (("0", "1"), {"'made.npz'": "condgen sample"})


def test_generated_images_that_were_sorted_by_hand_are_data_and_told(tmp_path: Path) -> None:
    ours = sampler(LABELS["classes"])
    for label in (0, 1):
        generated(ours, [label], tmp_path / f"own/{'ab'[label]}")
        (tmp_path / f"own/{'ab'[label]}" / marker.FILE).unlink()
    found = data.load(tmp_path / "own")
    assert (found.labels.names, found.notes) == (("a", "b"), ["condgen generated all images of 'own'."])
    write(tmp_path / "own", {"a/mine.png": png(1, side=6)})
    found = data.load(tmp_path / "own")
    assert (found.labels.names, len(found.train), len(found.own)) == (("a",), 1, 2 * COUNT)
