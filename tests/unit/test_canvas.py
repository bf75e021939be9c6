import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from condgen.data import Split
from condgen.inspection import findings
from condgen.labels import Labels
from condgen.sampling import canvas, plots
from condgen.tables import as_table
from conftest import toy_data as toy


def patch(sheet: Image.Image, row: int, column: int, size: int) -> np.ndarray:
    """The pixels of one cell of a grid, shrunk back to the image that was put there."""
    scale = max(1, round(canvas.CELL / size))
    cell = size * scale + canvas.GAP
    left, top = canvas.GAP + column * cell, canvas.TITLE + row * cell
    whole = np.asarray(sheet.convert("L"))[top : top + size * scale, left : left + size * scale]
    assert (whole == whole[::scale, ::scale].repeat(scale, 0).repeat(scale, 1)).all()
    return whole[::scale, ::scale]


@pytest.mark.parametrize("size", [7, 28, 64, 100])
def test_a_grid_holds_every_image_where_it_belongs(size: int) -> None:
    cells = np.random.default_rng(0).integers(0, 256, (3, 4, size, size, 1), np.uint8)
    sheet = canvas.grid(cells, list("abcd"))
    for row in range(3):
        for column in range(4):
            assert (patch(sheet, row, column, size) == cells[row, column, ..., 0]).all()


def test_a_grid_writes_its_titles_above_the_columns() -> None:
    cells = np.zeros((1, 2, 28, 28, 1), np.uint8)
    titles = np.asarray(canvas.grid(cells, ["8", ""]).convert("L"))[: canvas.TITLE]
    half = titles.shape[1] // 2
    assert titles[:, :half].min() < 100
    assert titles[:, half:].min() == 255


def test_long_titles_stay_within_their_column() -> None:
    cells = np.zeros((1, 2, 28, 28, 3), np.uint8)
    titles = np.asarray(canvas.grid(cells, ["an extraordinarily long class name", ""]).convert("L"))[: canvas.TITLE]
    assert titles[:, titles.shape[1] // 2 + 2 :].min() == 255


def test_png_keeps_pixels_and_says_where_they_come_from(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    canvas.save_png(tmp_path / "x.png", canvas.to_pil(image), {"label": "猫", "seed": 3})
    with Image.open(tmp_path / "x.png") as found:
        assert (np.asarray(found) == image).all()
        assert json.loads(found.info["condgen"]) == {"label": "猫", "seed": 3}


def test_curves_draw_a_panel_for_each_group() -> None:
    log = [{"images": i, "loss/g": 1.0 / i, "loss/d": 2.0, "accuracy/d": 0.5} for i in range(1, 9)]
    sizes = [Image.open(io.BytesIO(plots.curves(lines, "t"))).size for lines in (log, [])]
    assert sizes == [(800, 600), (800, 300)]


def test_real_sheet_sorts_images_by_label_and_leaves_gaps_blank() -> None:
    images = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1).repeat(28, 1).repeat(28, 2)
    split = Split(images, np.array([1, 0, 1, 1, 0]))
    sheet = findings.real(split, Labels(("a", "b", "c")), rows=3)
    grey = [[int(patch(sheet, row, column, 28)[0, 0]) for column in range(3)] for row in range(3)]
    assert grey == [[1, 0, 255], [4, 2, 255], [255, 3, 255]]


def test_real_sheet_of_attributes() -> None:
    data = toy("attributes", 20)
    sheet = findings.real(data.train, data.labels, rows=2)
    has_hat = data.train.images[data.train.labels[:, 1] == 1]
    cell_w = 8 * 5 + canvas.GAP
    assert sheet.size[0] == 4 * cell_w + canvas.GAP
    found = np.asarray(sheet)[canvas.TITLE :: 5, canvas.GAP + cell_w :: 5, 0][:12, :8]
    assert (found == has_hat[0, ..., 0]).all()


def test_names_are_text_and_nothing_else() -> None:
    """No formula in a figure, no markup in a table, no second line in a title."""
    names = ["$\\x$", "[/red]", "a\nb", "\x1b[31m", "猫" * 300]
    assert plots.bars({"train": [1] * 5}, names, "$\\y$").startswith(b"\x89PNG")
    assert canvas.grid(np.zeros((1, 5, 8, 8, 1), np.uint8), names).width > 5 * 8
    table = as_table([{"label": name} for name in names[:4]])
    assert "[/red]" in table
    assert "\x1b" not in table
    assert len(table.splitlines()) == 5
