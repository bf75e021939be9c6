"""`condgen figure`: every figure of the source documents, with the right thing in the right place."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import condgen
from condgen import api, cli, figures, marker
from condgen.errors import CondgenError
from condgen.noise import draw_at, walk
from condgen.sampling import grids, latent
from condgen.sampling.canvas import GAP, SIDE, TITLE, read
from condgen.spec import Prior


def train(folder: Path, system: str, npz: Path, images: int = 640, **settings: Any) -> Path:
    condgen.train(system, data=npz, out=folder, images=images, batch=20, ema_half_life=0, quiet=True, **settings)
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Short runs: digits and attributes, with and without an encoder."""
    from conftest import toy_data

    place, npz = tmp_path_factory.mktemp("runs"), {}
    for kind in ("digits", "attributes"):
        found = toy_data(kind, 80)
        npz[kind] = place / f"{kind}.npz"
        arrays: dict[str, Any] = {
            "images": found.train.images,
            "labels": found.train.labels,
            "names": np.array(found.labels.names),
        }
        np.savez(npz[kind], **arrays)
    return {
        "digits": train(place / "digits", "cvae", npz["digits"], images=6400),
        "attributes": train(place / "attributes", "cvae", npz["attributes"]),
        "plane": train(place / "plane", "vae-2d", npz["digits"]),
        "gan": train(place / "gan", "cgan-multiply", npz["digits"]),
    }


def cells(path: Path, rows: int, columns: int, side: bool = False) -> np.ndarray:
    """The images of a grid, (rows, columns, h, w), without titles and gaps."""
    sheet = np.asarray(read(path).convert("L"))
    left = SIDE if side else 0
    height, width = (sheet.shape[0] - TITLE - GAP) // rows, (sheet.shape[1] - left - GAP) // columns
    inside = sheet[TITLE : TITLE + rows * height, left + GAP : left + GAP + columns * width]
    return inside.reshape(rows, height, columns, width).swapaxes(1, 2)[:, :, : height - GAP, : width - GAP]


def test_titled_has_a_title_over_each_of_two_rows_of_five(runs: dict[str, Path]) -> None:
    sheet = np.asarray(read(figures.titled(runs["digits"], seed=3)).convert("L"))
    height = (sheet.shape[0] - GAP) // 2
    assert sheet.shape[1] == 5 * (56 + GAP) + GAP
    for row in range(2):
        assert sheet[row * height : row * height + TITLE].min() < 128, "a title is dark ink"
    first = sheet[TITLE : TITLE + 56 : 2, GAP : GAP + 56 : 2]
    assert np.array_equal(first, condgen.load(runs["digits"]).sample(0, seed=3)[0])
    ninth = sheet[height + TITLE : height + TITLE + 56 : 2, GAP + 3 * (56 + GAP) : GAP + 3 * (56 + GAP) + 56 : 2]
    assert np.array_equal(ninth, condgen.load(runs["digits"]).sample(8, seed=3)[0])


def test_same_z_is_image_i_of_every_label(runs: dict[str, Path]) -> None:
    found = cells(figures.same_z(runs["digits"], count=3), 3, 10)
    generated = condgen.load(runs["digits"]).sample(7, count=3)
    assert np.array_equal(found[:, 7, ::2, ::2], generated)


def test_one_attribute_is_switched_at_a_time(runs: dict[str, Path]) -> None:
    found = cells(figures.same_z(runs["attributes"], base="Hat", count=2), 2, 5)
    sampler = condgen.load(runs["attributes"])
    step = found.shape[2] // 12
    for column, wanted in enumerate(["Hat", "Smiling+Hat", "none", "Hat+Blond_Hair", "Hat+Glasses"]):
        assert np.array_equal(found[:, column, ::step, ::step], sampler.sample(wanted, count=2)), wanted


def test_a_walk_begins_and_ends_at_drawn_images(runs: dict[str, Path]) -> None:
    found = cells(figures.walk(runs["digits"], labels="2,5", columns=7), 2, 7, side=True)[..., ::2, ::2]
    generated = condgen.load(runs["digits"]).sample("2,5", count=2).reshape(2, 2, 28, 28)
    assert np.abs(found[:, 0].astype(int) - generated[:, 0]).max() <= 1
    assert np.abs(found[:, -1].astype(int) - generated[:, 1]).max() <= 1
    assert not np.array_equal(found[:, 0], found[:, 3])


def test_a_walk_through_labels_keeps_z(runs: dict[str, Path]) -> None:
    path = figures.walk(runs["digits"], start="3", end="8", columns=5, count=4)
    found, sampler = cells(path, 4, 5)[..., ::2, ::2], condgen.load(runs["digits"])
    assert np.array_equal(found[:, 0], sampler.sample(3, count=4))
    assert np.array_equal(found[:, 4], sampler.sample(8, count=4))
    y = torch.zeros(1, 10)
    y[0, 3] = y[0, 8] = 0.5
    half = sampler.decode(draw_at(sampler.prior, 0, [1]), y)[0, ..., 0]
    assert np.array_equal(found[1, 2], half)


def test_arcs_keep_the_length_of_normal_points() -> None:
    prior = Prior(200)
    start, end = draw_at(prior, 0, [0, 1])
    points = walk(prior, start, end, 9)
    assert torch.allclose(points[0], start, atol=1e-5)
    assert torch.allclose(points[-1], end, atol=1e-5)
    lengths = points.norm(dim=1)
    assert lengths.min() > 0.95 * min(start.norm(), end.norm())
    straight = walk(Prior(200, "uniform"), start, end, 3)
    assert torch.allclose(straight[1], (start + end) / 2)
    assert torch.equal(walk(prior, start, start, 3)[1], start)


def test_reconstructions_stand_beside_their_originals(runs: dict[str, Path]) -> None:
    found = cells(figures.reconstructions(runs["digits"], count=16), 8, 4)[..., ::2, ::2]
    system, data = api.reopen(runs["digits"])
    assert np.array_equal(found[0, [0, 2]], data.train.images[:2, ..., 0])
    assert np.array_equal(found[7, [0, 2]], data.train.images[14:16, ..., 0])
    again = latent.View(system, data).reconstructions(16)[..., 0]
    assert np.array_equal(found[:, [1, 3]].reshape(16, 28, 28), again)
    distances = np.abs(again[:, None].astype(int) - data.train.images[None, :16, ..., 0]).mean((2, 3))
    assert (distances.argmin(1) % 10 == np.arange(16) % 10).mean() > 0.8, "a copy looks like the class of its original"


def test_an_image_is_decoded_under_other_labels(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The columns: the image as the training would read it, its reconstruction, and its z under each other label."""
    system, data = api.reopen(runs["attributes"])
    real, own = data.train.images[5], data.train.labels[5]
    label = data.labels.title(tuple(own.tolist()))
    shape = real.shape[:2]
    Image.fromarray(real[..., 0] if real.shape[2] == 1 else real).convert("RGBA").save(tmp_path / "a.png")
    words = ["--label", label, "--to", "Hat,Glasses"]
    cli.main(["figure", "switched", str(runs["attributes"]), str(tmp_path / "a.png"), *words])
    done = capsys.readouterr()
    assert re.search(r"differ from the images by [\d.]+ of 255 grey levels on average", done.err)
    found = cells(Path(done.out.strip()), 1, 4)[0]
    step = found.shape[1] // shape[0]
    found = found[:, ::step, ::step]

    def grey(images: Any) -> Any:
        return np.stack([np.asarray(Image.fromarray(x.squeeze()).convert("L")) for x in images])

    flips = [own ^ np.eye(len(own), dtype=own.dtype)[data.labels.names.index(name)] for name in ("Hat", "Glasses")]
    y = torch.from_numpy(data.labels.encode(np.stack([own, *flips])))
    z = latent.Encoder(system).encoded(real[None], y[:1])
    again = latent.Encoder(system).decoded(z.expand(3, -1), y, {})
    assert np.array_equal(found, grey([real, *again]))
    assert not np.array_equal(found[2], found[3])
    with pytest.raises(CondgenError, match=r"names 'Smiling\+Hat'; give single attributes"):
        figures.switched(runs["attributes"], tmp_path / "a.png", label=label, to="Smiling+Hat")


def test_a_manifold_lies_on_quantiles(runs: dict[str, Path]) -> None:
    found = cells(figures.manifold(runs["plane"], side=5), 5, 5, side=True)[..., ::2, ::2]
    sampler = condgen.load(runs["plane"])
    low, high = torch.special.ndtri(torch.tensor([0.1, 0.9])).tolist()
    corners = torch.tensor([[low, high], [high, high], [low, low], [high, low]])  # up is up
    generated = sampler.decode(corners, torch.zeros(4, 10))[..., 0]
    assert np.array_equal(found[[0, 0, 4, 4], [0, 4, 0, 4]], generated)
    with pytest.raises(CondgenError, match=r"the latent plane needs a normal z of 2 dimensions; .* has 20"):
        figures.manifold(runs["digits"])


@pytest.mark.parametrize(("name", "dim"), [("plane", 2), ("digits", 20), ("attributes", 20)])
def test_codes_and_groups(runs: dict[str, Path], name: str, dim: int) -> None:
    view = latent.View(*api.reopen(runs[name]))
    points, groups = view.codes(50)
    assert (view.dim, points.shape, groups.shape) == (dim, (50, 2), (50,))
    assert set(groups.tolist()) <= set(range(len(view.names)))
    assert np.array(read(figures.scatter(runs[name]))).std() > 1
    if dim > 2:  # the two main directions: nothing varies more, and they do not vary together
        spread = np.cov(points.T)
        assert spread[0, 0] >= spread[1, 1]
        assert abs(spread[0, 1]) < 1e-3 * spread[0, 0]


def test_curves_and_growth(runs: dict[str, Path], tmp_path: Path) -> None:
    assert read(figures.curves(runs["gan"])).size == (800, 600)
    first = read(sorted((runs["gan"] / "samples").glob("0*.png"))[0])
    sheet = read(figures.growth(runs["gan"], count=4, columns=2))
    assert sheet.size == (2 * (first.width + GAP) + GAP, 2 * (first.height + TITLE) + GAP)
    for name in ("a.jpg", "a.WEBP"):
        with Image.open(figures.curves(runs["gan"], out=tmp_path / name)) as image:
            assert (image.format, image.size) == ("JPEG" if name == "a.jpg" else "WEBP", (800, 600))
        assert marker.is_sheet(tmp_path / name)
    with Image.open(figures.growth(runs["gan"], out=tmp_path / "film.gif")) as film:
        assert (film.format, getattr(film, "n_frames", 1)) == ("GIF", 21)


def test_every_image_is_a_command(runs: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    for function in figures.FIGURES:
        name = function.__name__.replace("_", "-")
        run = runs["digits" if name == "switched" else "plane"]  # which needs a label
        cli.main(["figure", name, str(run)])
        path = Path(capsys.readouterr().out.strip())
        assert path.parent == run / "figures"
        assert read(path).size > (50, 50)


MISTAKES = [
    ("titled RUN --columns 0", "--columns should be 1 or more, found 0"),
    ("walk RUN --start 3", "needs both --start and --end"),
    ("walk RUN --start 3 --end 4,5", "--end '4,5' names 2 labels"),
    ("walk RUN --columns 1", "--columns should be 2 or more"),
    ("reconstructions RUN --count 9", "multiple of 8, found 9"),
    ("reconstructions RUN --count 800", "there are only 80 images"),
    ("reconstructions GAN", "a CGAN cannot encode images"),
    ("scatter GAN", "a CGAN cannot encode images; this needs a run of vae, vae-2d, cvae or flow"),
    ("switched GAN", "a CGAN cannot encode images"),
    ("switched PLANE", "takes no label that could be switched; condgen figure reconstructions shows"),
    ("switched RUN a.png", "the label of 'a.png' is missing: --label, such as 0"),
    ("switched RUN nothing.png --label 3", "'nothing.png' is missing"),
    ("switched RUN --label 3", "--label '3' is the label of an image file, and none is given"),
    ("switched RUN a.png --label 3,4", "--label '3,4' names 2 labels; give one"),
    ("growth RUN --out x.svg", "should end in .png or .jpg"),
    ("titled nowhere", "is not a run"),
    ("curves nowhere", "has no log.jsonl"),
    ("growth nowhere", "has no samples"),
    ("titld RUN", "titled"),
]


@pytest.mark.parametrize(("words", "said"), MISTAKES)
def test_a_mistake_is_one_line(
    words: str, said: str, runs: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    words = (
        words.replace("RUN", str(runs["digits"])).replace("GAN", str(runs["gan"])).replace("PLANE", str(runs["plane"]))
    )
    with pytest.raises(SystemExit) as ended:
        cli.main(["figure", *words.split()])
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert re.search(re.escape(said), err)


def test_sheets_need_no_square_images(runs: dict[str, Path]) -> None:
    """12 x 8 images keep their shape: a whole factor, the same both ways."""
    sampler = condgen.load(runs["attributes"])
    sheet = grids.class_grid(sampler, rows=1)
    assert sheet.size == (4 * (5 * 8 + GAP) + GAP, TITLE + 5 * 12 + GAP + GAP)
