"""What the columns of a table are, by their names and by their values."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from condgen.data.listing import MISSING, OFF, ON
from condgen.data.table_text import NESTED
from condgen.data.words import split_of

FILES = {
    "file", "files", "filename", "filenames", "filepath", "fname", "image", "images", "img", "imagefile",
    "imagefilename", "imageid", "imageindex", "imagename", "imagepath", "imgid", "imgname", "imgpath", "imgfile",
    "path", "paths", "relpath", "relativepath", "imagerelpath", "picture", "pictureid", "picturename", "photo",
    "photoid", "pic", "frame", "id", "idcode", "isicid", "文件", "文件名", "图片", "图像",
    "图片名", "图像名", "dateiname", "datei", "bild",
}  # fmt: skip
"""Names of columns of image files, as `normal` writes them."""
MASKS = {"mask", "masks", "maskpath", "maskfile", "segmentation", "segmentationpath"}
LABELS = {
    "label", "labels", "labelname", "labelid", "labeltext", "class", "classes", "classname", "classid", "classlabel",
    "classnames", "classindex", "classidx", "category", "categories", "categoryname", "categoryid", "target", "targets",
    "cls", "lbl", "truth", "annotation", "annotations", "classification", "klasse", "y", "groundtruth", "gt",
    "标签", "类别", "分类",
}  # fmt: skip
SUBJECTS = {
    "tags", "breed", "species", "diagnosis", "dx", "findinglabels", "findinglabel", "emotion", "expression", "digit",
    "letter", "variety", "cultivar", "disease", "defect", "genre", "level", "dogbreed", "catbreed", "expertconsensus",
}  # fmt: skip
"""Names of columns of labels: those that mean a label anywhere, and those that usually do."""
GENERIC = {
    "type", "kind", "group", "grade", "stage", "result", "outcome", "value", "code", "number", "answer", "style",
}  # fmt: skip
"""Names that do not say what a value of 1 means."""
PARTS = {
    "split", "partition", "part", "subset", "datasplit", "splitname", "traintest", "set", "usage", "phase", "dataset",
}  # fmt: skip
SURELY_PARTS = {"split", "partition", "datasplit"}
FLAGGED_PARTS = {"istrain": "train", "isvalid": "validation", "isval": "validation", "istest": "test"}
NUMBERED_PARTS = {"0": "train", "1": "validation", "2": "test"}
"""What the numbers in a column `partition` mean, as in CelebA."""
ASIDE = {
    "url", "uri", "link", "imageurl", "license", "licence", "copyright", "source", "w", "h", "width", "height", "size",
    "filesize", "date", "time", "datetime", "timestamp", "year", "photographer", "credit", "md5", "sha1", "sha256",
    "hash", "checksum", "comment", "comments", "note", "notes", "bbox", "confidence", "lat", "lon", "latitude",
    "longitude", "index", "idx", "rownumber", "patientid", "lesionid", "followup", "fold", "kfold", "extension",
    "format", "mode", "channels", "userid", "subjectid", "sizebytes", "lang", "language", "scoreweight",
    "validationweight",
}  # fmt: skip
"""Names of columns that say something else about an image. They are used only if --label-column names them."""
ABOUT = {
    "age", "sex", "gender", "agegroup", "frontallateral", "appa", "patientage", "patientgender", "patientsex",
    "viewposition", "view", "anatomsite", "anatomsitegeneral", "anatomsitegeneralchallenge", "localization", "dxtype",
}  # fmt: skip
"""Names of columns about the person or the photograph. They are labels only where there are no others."""
COORDINATE = re.compile(
    r"(roi|bbox|box)?[xywh](\d|min|max|c|center|centre)?|(left|top|right|bottom)(x|y)?|.*(eye|nose|mouth)[xy]|"
    r".*(width|height|pixels?|spacingx?)"
)
CAPTIONS = {"text", "caption", "captions", "description", "prompt", "title", "sentence", "alt", "alttext"}
MEASURES = {
    "age", "weight", "height", "width", "price", "score", "rating", "temperature", "year", "time", "count", "angle",
    "area", "length", "distance", "size", "bmi", "yaw", "pitch", "roll", "depth", "speed", "value", "brightness",
}  # fmt: skip
YES, NO = (*ON, "y", "present"), (*OFF, "n", "absent")
BLANK = (*MISSING, "<na>", "#n/a", "#na", "nat")
"""Values that mean that a label is not known, in lower case."""
Nature = Literal["empty", "nested", "flags", "constant", "measures", "captions", "unique", "values"]


def normal(name: str) -> str:
    """The name of a column in lower case, without spaces and other signs."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(sign for sign in folded if sign.isalnum())


def plain(text: str) -> str:
    """A value without spaces around it, in one Unicode spelling; whole numbers without ".0"."""
    word = unicodedata.normalize("NFC", text.strip())
    return re.sub(r"(?<=\d)\.0+$", "", word) if re.fullmatch(r"-?\d+\.0+", word) else word


def is_blank(word: str) -> bool:
    return word.strip().casefold() in BLANK


@dataclass(frozen=True)
class Column:
    """A column of labels, perhaps: its cells, and what they look like."""

    name: str
    cells: Sequence[str] = field(repr=False)

    @cached_property
    def raw(self) -> Counter[str]:
        return Counter(self.cells)

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each value occurs, blank cells left out."""
        found = Counter[str]()
        for cell, count in self.raw.items():
            if not is_blank(cell):
                found[plain(cell)] += count
        return found

    @property
    def total(self) -> int:
        return self.counts.total()

    @property
    def is_of_labels(self) -> bool:
        word = normal(self.name)
        return word in LABELS

    @property
    def is_of_a_subject(self) -> bool:
        return normal(self.name) in SUBJECTS

    @property
    def is_about(self) -> bool:
        return normal(self.name) in ABOUT

    @property
    def is_index(self) -> bool:
        """Whether the values count the rows."""
        return len(self.cells) > 2 and any(
            all(cell.strip() == str(number) for number, cell in enumerate(self.cells, start)) for start in (0, 1)
        )

    @property
    def is_aside(self) -> bool:
        """Whether the name says that the column is about something else."""
        word = normal(self.name)
        if self.is_of_labels:
            return False
        if word in ABOUT or self.is_index:
            return True
        return word in ASIDE | MASKS | FILES or bool(COORDINATE.fullmatch(word)) or word.startswith("unnamed")

    @cached_property
    def flags(self) -> set[str]:
        """The values in lower case if all of them mean yes or no; else empty."""
        lowered = {word.casefold() for word in self.counts}
        return lowered if lowered <= {*YES, *NO} else set()

    @property
    def is_nearly_of_flags(self) -> bool:
        """Whether most values mean yes or no, but for some words."""
        others = [word for word in self.counts if word.casefold() not in (*YES, *NO)]
        few = 5 * sum(self.counts[word] for word in others) <= self.total
        return bool(others) and few and not any(word.replace(".", "").isdigit() for word in others)

    @cached_property
    def numbers(self) -> list[float]:
        """The distinct values as numbers, in ascending order; empty if any is none."""
        try:
            found = [float(word) for word in self.counts]
        except ValueError:
            return []
        return sorted(found) if all(abs(number) < 2**53 for number in found) else []

    @cached_property
    def nature(self) -> Nature:
        if not self.counts:
            return "empty"
        if NESTED in self.counts:
            return "nested"
        if self.flags:
            return "flags"
        if self.numbers and self._are_measures():
            return "measures"
        if not self.numbers and self._are_sentences():
            return "captions"
        if len(self.counts) == 1:
            return "constant"
        return "unique" if self.total >= 20 and len(self.counts) > 0.9 * self.total else "values"

    def _are_measures(self) -> bool:
        """Whether the numbers are measurements: with fractions, or many, unless they count from 0 or 1."""
        distinct = len(self.numbers)
        if any(number % 1 for number in self.numbers):
            return True
        if distinct <= 10 or distinct == 1:
            return False
        counting = self.numbers[0] in (0, 1) and self.numbers[-1] - self.numbers[0] < 2 * distinct
        if normal(self.name) in MEASURES:
            return True
        return distinct > 20 and (2 * distinct > self.total or (not counting and 10 * distinct > self.total))

    def _are_sentences(self) -> bool:
        """Whether the values are sentences: long, and nearly all different."""
        words = sum(len(value.split()) for value in self.counts) / len(self.counts)
        sentences = words >= 4 or (words >= 2 and normal(self.name) in CAPTIONS)
        return sentences and self.total >= 4 and 2 * len(self.counts) >= self.total


def splits_of(column: Column) -> Mapping[str, str | None] | None:
    """The split that each value of a column means; None if it is no column of splits."""
    name = normal(column.name)
    if name in FLAGGED_PARTS and column.flags:
        inside, outside = FLAGGED_PARTS[name], "test" if name == "istrain" else "train"
        return {cell: inside if cell.strip().casefold() in YES else outside for cell in column.raw}
    if name not in PARTS:
        return None
    values = {cell.strip().casefold() for cell in column.raw}
    if values <= {*NUMBERED_PARTS, ""} and name in SURELY_PARTS:
        return {cell: NUMBERED_PARTS.get(cell.strip()) for cell in column.raw}
    parts = {cell: split_of(cell) for cell in column.raw}
    return parts if all(parts[cell] or not cell.strip() for cell in parts) else None
