"""Pictures for people: PNG files, titled grids, loss curves."""

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from condgen.disk import write_bytes

CELL = 56
"""Small pictures are enlarged, by a whole factor, to about this many pixels."""
GAP, TITLE = 2, 18
PAPER, INK = (255, 255, 255), (32, 32, 32)


def image(picture: NDArray[np.uint8]) -> Image.Image:
    """One picture, uint8 (h, w, 1 or 3), as it is."""
    return Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)


def grid(pictures: NDArray[np.uint8], titles: Sequence[str]) -> Image.Image:
    """A sheet of pictures uint8 (rows, columns, h, w, 1 or 3) with one title above each column."""
    rows, columns, height, width, _ = pictures.shape
    scale = max(1, round(CELL / max(height, width)))
    cell_w, cell_h = width * scale + GAP, height * scale + GAP
    sheet = Image.new("RGB", (columns * cell_w + GAP, TITLE + rows * cell_h + GAP), PAPER)
    pen = ImageDraw.Draw(sheet)
    for column, title in enumerate(titles):
        left = GAP + column * cell_w
        words, font = _fitted(pen, title, cell_w)
        pen.text((left + cell_w // 2, TITLE // 2), words, fill=INK, font=font, anchor="mm")
        for row in range(rows):
            picture = image(pictures[row, column]).convert("RGB")
            picture = picture.resize((width * scale, height * scale), Image.Resampling.NEAREST)
            sheet.paste(picture, (left, TITLE + row * cell_h))
    return sheet


def save_png(path: Path, picture: Image.Image, about: Mapping[str, Any] | None = None) -> None:
    """Write a PNG whole or not at all; `about` travels inside it as JSON under the key 'condgen'."""
    note = PngInfo()
    if about:
        note.add_text("condgen", json.dumps(about))
    buffer = BytesIO()
    picture.save(buffer, "PNG", pnginfo=note)
    write_bytes(path, buffer.getvalue())


def curves(log: Sequence[Mapping[str, float]], title: str) -> bytes:
    """The logged numbers against images seen, as a PNG: losses in one panel, every other group in its own."""
    from matplotlib.figure import Figure  # half a second: only when there is something to plot

    keys = sorted({key for line in log for key in line} - {"images"}, key=lambda key: (not key.startswith("loss"), key))
    groups = sorted({key.split("/")[0] for key in keys}, key=lambda group: (group != "loss", group))
    figure = Figure(figsize=(8, 3 * max(1, len(groups))), layout="constrained")
    figure.suptitle(title)
    for place, group in enumerate(groups, start=1):
        panel = figure.add_subplot(len(groups), 1, place)
        for key in (key for key in keys if key.split("/")[0] == group):
            points = [(line["images"], line[key]) for line in log if key in line]
            panel.plot(*zip(*points, strict=True), label=key, linewidth=1)
        panel.set(ylabel=group, xlabel="images seen")
        panel.grid(alpha=0.3)
        panel.legend(frameon=False)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()


def _fitted(
    pen: ImageDraw.ImageDraw, title: str, width: int
) -> tuple[str, ImageFont.FreeTypeFont | ImageFont.ImageFont]:
    """The title in the largest type that fits, cut short if none does."""
    for size in (13, 12, 11, 10, 9):
        font = ImageFont.load_default(size)
        if pen.textlength(title, font) <= width:
            return title, font
    while title and pen.textlength(title + "…", font) > width:
        title = title[:-1]
    return title + "…", font
