"""The page inspect.html about a data set. The template is templates/inspect.html; this file collects its content."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from condgen import templates
from condgen.data.dataset import Dataset
from condgen.inspection import findings, understood
from condgen.inspection.copies import ListedCopy, ListedImage
from condgen.inspection.facts import Facts
from condgen.inspection.words import CHANNELS
from condgen.sampling import canvas
from condgen.tables import in_one_line
from condgen.version import __version__

PER_LABEL, LABELS, ROWS = 8, 20, 30
"""Number of images of each label, maximum number of labels with images, and of rows of a table that are shown."""
PAIRS, FILES = 24, 20
"""Maximum numbers of pairs of duplicates, and of files that were left out."""


def page(data: Dataset, found: Facts) -> bytes:
    """The page as bytes. found: `findings.facts(data)`."""
    return templates.render("inspect.html", content(data, found))


def content(data: Dataset, found: Facts) -> dict[str, Any]:
    """The content of the page, as plain data."""
    copies = found.duplicates.copies
    two_labels, others = ([copy for copy in copies if copy.two_labels == wanted] for wanted in (True, False))
    return {
        "found": found,
        "version": __version__,
        "summary": found.summary.removeprefix(f"{found.name}: "),
        "alarms": findings.sentences(found),
        "notes": list(data.remarks),
        "tree": understood.text(data),
        "channels": CHANNELS,
        "rows": label_rows(found),
        "shown_rows": ROWS,
        "panels": panels(data),
        "means": means(data),
        "two_labels": pairs(data, two_labels),
        "two_labels_count": len(two_labels),
        "copies": pairs(data, others),
        "copies_count": len(others),
        "left_out": left_out(data),
    }


@dataclass(frozen=True)
class Count:
    """A number of images, and its share of the largest number."""

    count: int
    share: float


@dataclass(frozen=True)
class LabelRow:
    label: str
    cells: Sequence[Count]
    """One per split."""


def label_rows(found: Facts) -> list[LabelRow]:
    """The number of images of each label in each split."""
    counts = found.per_label
    most = max(1, *(max(values) for values in counts.values()))
    return [
        LabelRow(name, [Count(values[i], values[i] / most) for values in counts.values()])
        for i, name in enumerate(found.labels.names)
    ]


def panels(data: Dataset) -> list[dict[str, str]]:
    """The first training images of each label."""
    found = []
    for number, name in enumerate(data.labels.names[:LABELS]):
        rows = findings.members(data.train, data.labels, number)[:PER_LABEL]
        if len(rows):
            mosaic = canvas.mosaic(data.train.images[rows], columns=4)
            found.append({"title": name, "image": templates.data_url(canvas.png(mosaic))})
    return found


def means(data: Dataset) -> list[dict[str, str]]:
    """The mean training image of each label."""
    images = findings.means(data.train, data.labels, LABELS)
    return [
        {"title": name, "image": templates.data_url(canvas.png(canvas.enlarged(canvas.to_pil(image))))}
        for name, image in zip(data.labels.names, images, strict=False)
    ]


@dataclass(frozen=True)
class ShownImage:
    image: str
    """Data URL."""
    name: str
    label: str
    split: str


@dataclass(frozen=True)
class Pair:
    places: Sequence[ShownImage]
    kind: str
    """How similar they are, in words."""


def pairs(data: Dataset, copies: Sequence[ListedCopy]) -> list[Pair]:
    """The first copies beside the images that they are copies of."""
    return [Pair([_shown(data, copy.of), _shown(data, copy.image)], _kind(copy)) for copy in copies[:PAIRS]]


@dataclass(frozen=True)
class LeftOut:
    """Files that were left out."""

    total: int
    reasons: Sequence[tuple[str, int]]
    """The most frequent reasons, with their numbers of files."""
    first: Sequence[tuple[str, str]]
    """The first files, with their reasons."""


def left_out(data: Dataset) -> LeftOut:
    """Files that were left out: their number by reason, and the first of them."""
    own = {name: f"was written by {wrote}" for name, wrote in data.own.items()}
    every = {**data.left_out, **own}
    reasons = Counter(map(in_one_line, every.values())).most_common(FILES)
    return LeftOut(
        len(every), reasons, [(in_one_line(name), in_one_line(why)) for name, why in [*every.items()][:FILES]]
    )


def _shown(data: Dataset, image: ListedImage) -> ShownImage:
    url = templates.data_url(canvas.png(canvas.enlarged(canvas.to_pil(image.pixels(data)))))
    return ShownImage(url, image.name, image.label, image.split)


def _kind(copy: ListedCopy) -> str:
    return "equal in every pixel" if copy.kind == "exact" else f"nearly equal ({copy.similarity:.3f})"
