"""All facts about a data set, and the files that `condgen inspect` writes about them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from condgen import marker
from condgen.data import transparency
from condgen.data.dataset import Dataset, Split
from condgen.disk import replacing_files, write_bytes, write_json
from condgen.inspection import tables
from condgen.inspection.copies import sheet
from condgen.inspection.counts import members as members
from condgen.inspection.counts import per_label as per_label
from condgen.inspection.facts import Facts
from condgen.inspection.words import sentences as sentences
from condgen.inspection.words import summary
from condgen.labels import Labels
from condgen.sampling import canvas, plots

MARK, NOTE = marker.Mark("condgen inspect"), marker.sheet("condgen inspect")
FILES = (
    *("facts.json", "inspect.html", "sheet.png", "labels.png", "means.png", "duplicates.png", "two_labels.png"),
    *("left_out.csv", "duplicates.csv"),
)
ROWS, COLUMNS = 5, 20
"""Maximum number of images per label, and of labels, in the sample grid. Further labels are not shown."""
MOST_MEANS = 500
"""Maximum number of labels whose mean image is shown."""


def facts(data: Dataset) -> Facts:
    """All facts about a data set."""
    return Facts.of(data, summary(data))


def check(folder: Path) -> None:
    """Raise CondgenError if `folder` contains files that `condgen inspect` did not write."""
    marker.check(folder, MARK, FILES)


def images(data: Dataset, found: Facts) -> dict[str, bytes]:
    """PNG files by name: a grid of samples, a chart of images per label, the mean image of each label, and, if there
    are any, duplicates and images under two labels."""
    titles = list(data.labels.names)
    cells = [canvas.enlarged(canvas.to_pil(image)) for image in means(data.train, data.labels, MOST_MEANS)]
    copies = found.duplicates.copies
    sheets = {
        "sheet.png": real(data.train, data.labels),
        "means.png": canvas.captioned(cells, titles[:MOST_MEANS], min(10, len(titles))),
        "duplicates.png": sheet(data, copies),
        "two_labels.png": sheet(data, [copy for copy in copies if copy.two_labels]),
    }
    chart = plots.bars(found.per_label, titles, f"{data.name}: images per label")
    return {"labels.png": chart} | {name: canvas.png(sheet, NOTE) for name, sheet in sheets.items() if sheet}


def write(data: Dataset, found: Facts, folder: Path, page: bytes = b"") -> list[str]:
    """Write facts.json, the images of `images`, the tables of `tables.files`, and inspect.html. Returns the names.

    page: the content of inspect.html.
    """
    files = images(data, found) | tables.files(data, found.duplicates.copies) | ({"inspect.html": page} if page else {})
    marker.claim(folder, MARK, FILES)
    with replacing_files(folder, old=FILES) as part:
        write_json(part / "facts.json", found.to_json())
        for name, content in files.items():
            write_bytes(part / name, content)
    return ["facts.json", *files]


def means(split: Split, labels: Labels, most: int | None = None) -> NDArray[np.uint8]:
    """The mean image of each label, or of the first `most`, uint8 (K, h, w, c); white for a label without images."""
    shape, count = split.images.shape[1:], min(len(labels), most or len(labels))
    found = np.full((count, *shape), 255, np.uint8)
    for number in range(count):
        some = split.images[members(split, labels, number)]
        if len(some):
            found[number] = transparency.mean(some)
    return found


def real(split: Split, labels: Labels, rows: int = ROWS) -> Image.Image:
    """A grid of the first `rows` images of each label, with one titled column per label. Missing images are white."""
    count = min(len(labels), COLUMNS)
    found = np.full((rows, count, *split.images.shape[1:]), 255, np.uint8)
    for column in range(count):
        some = split.images[members(split, labels, column)[:rows]]
        found[: len(some), column] = some
    return canvas.grid(found, labels.names[:count])
