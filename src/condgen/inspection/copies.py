"""The duplicates of a data set by split, index and file, and a sheet that shows them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from condgen.data.dataset import Dataset
from condgen.data.store import valid
from condgen.duplicates import ALIKE, BITS, Copy, Place, equal, exact_copies, importance, near_copies
from condgen.errors import shortened
from condgen.sampling import canvas

SHOWN, LONGEST = 20, 24
"""Number of pairs on a sheet; number of characters of a label, and of a file name, in a caption."""
WIDE = 240
"""Width, in pixels, of an image with its file name on a sheet."""


@dataclass(frozen=True)
class ListedImage:
    """An image of a data set."""

    split: str
    index: int
    file: str | None
    label: str

    @classmethod
    def at(cls, data: Dataset, place: Place) -> "ListedImage":
        split = data.splits[place.split]
        file = valid(split.files[place.number]) if split.files else None
        return cls(place.split, place.number, file, data.title(place.split, place.number))

    @property
    def name(self) -> str:
        """The file name, or split and index, such as "train 12"."""
        return shortened(self.file) if self.file else f"{self.split} {self.index}"

    @property
    def caption(self) -> str:
        """The label and the name. Long names are shortened at the beginning."""
        shown = self.name if len(self.name) <= LONGEST else f"…{self.name[-LONGEST:]}"
        return f"{self.label[:LONGEST]}: {shown}"

    def pixels(self, data: Dataset) -> NDArray[np.uint8]:
        found: NDArray[np.uint8] = data.splits[self.split].images[self.index]
        return found


@dataclass(frozen=True)
class ListedCopy:
    """An image that is equal or nearly equal to an earlier one."""

    kind: str
    """exact or near."""
    similarity: float
    two_labels: bool
    split: str
    index: int
    file: str | None
    label: str
    of: ListedImage
    """The earlier image."""

    @classmethod
    def listed(cls, data: Dataset, copy: Copy) -> "ListedCopy":
        later, kind = ListedImage.at(data, copy.later), "exact" if copy.exact else "near"
        of = ListedImage.at(data, copy.earlier)
        return cls(kind, round(copy.alike, 4), copy.two_labels, later.split, later.index, later.file, later.label, of)

    @property
    def image(self) -> ListedImage:
        return ListedImage(self.split, self.index, self.file, self.label)


@dataclass(frozen=True)
class NearDuplicates:
    """Numbers of near duplicates within the splits and across them."""

    rule: str
    within: Mapping[str, int]
    test_in_train: int

    @classmethod
    def among(cls, data: Dataset, copies: Sequence[Copy]) -> "NearDuplicates":
        across = {copy.later for copy in copies if copy.later.split != copy.earlier.split}
        inner = {copy.later for copy in copies if copy.later.split == copy.earlier.split}
        within = {title: sum(place.split == title for place in inner) for title in data.splits}
        rule = f"pHash differs in at most {BITS} of 64 bits, thumbnails correlate more than {ALIKE}"
        return cls(rule, within, len(across))


@dataclass(frozen=True)
class Duplicates:
    """Numbers of exact and near duplicates of an earlier image, and each of them by split, index and file."""

    within: Mapping[str, int]
    """Exact copies by split."""
    test_in_train: int
    groups: int
    near: NearDuplicates
    two_labels: Mapping[str, int]
    """Number of images that have a copy of another label, by the kind of copy: exact, near."""
    copies: Sequence[ListedCopy]


def duplicates(data: Dataset) -> Duplicates:
    """All duplicates of a data set, the most important first."""
    places = [Place(title, number) for title, split in data.splits.items() for number in range(len(split))]
    groups = equal(data, places)
    counts = [Counter(title for title, _ in group) for group in groups]
    copies = [*exact_copies(data, groups), *near_copies(data, places, groups)]
    return Duplicates(
        {title: sum(max(0, count[title] - 1) for count in counts) for title in data.splits},
        sum(min(count["train"], 1) * count["test"] for count in counts),
        len(groups),
        NearDuplicates.among(data, [copy for copy in copies if not copy.exact]),
        {kind: _of_two_labels(copies, exact) for kind, exact in (("exact", True), ("near", False))},
        [ListedCopy.listed(data, copy) for copy in sorted(copies, key=importance)],
    )


def _of_two_labels(copies: Sequence[Copy], exact: bool) -> int:
    return len({copy.later for copy in copies if copy.two_labels and copy.exact == exact})


def sheet(data: Dataset, copies: Sequence[ListedCopy]) -> Image.Image | None:
    """The first copies beside the images that they are copies of, one pair per row; None if there are none."""
    shown = [image for copy in copies[:SHOWN] for image in (copy.of, copy.image)]
    cells = [_widened(canvas.enlarged(canvas.to_pil(image.pixels(data)))) for image in shown]
    return canvas.captioned(cells, [image.caption for image in shown], 2) if shown else None


def _widened(image: Image.Image) -> Image.Image:
    """Place an image in the middle of a white one that has room for its caption."""
    cell = Image.new("RGB", (max(WIDE, image.width), image.height), canvas.PAPER)
    cell.paste(image, ((cell.width - image.width) // 2, 0))
    return cell
