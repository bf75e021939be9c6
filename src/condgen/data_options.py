"""Options for reading a data set, which every command on data shares."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from PIL import ImageColor
from pydantic import AfterValidator, Field, ValidationInfo

from condgen.former import DATA, current_names
from condgen.schema import Settings
from condgen.spec import Fit, HeldOut, OnBad

Kind = Literal["classes", "attributes", "none"]
Text = Annotated[str, Field(min_length=1, max_length=20_000)]
if TYPE_CHECKING:
    DataSource = Any
else:
    DataSource = str | Path  # what the command line can give, which makes its options from the annotations
"""A name, a path or hf://OWNER/NAME; in Python also arrays, lists, and data sets of torch and Hugging Face."""
MEMORY = "memory"
"""Name of a data set in memory that was given no name. Runs record memory, or memory:NAME."""
Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""
WHITE = "white"
HOW = ("on_bad",)
"""Options that change what is refused, and not what is read."""


def colour_of(text: str) -> Colour:
    """The colour with a name, or written as #RRGGBB. Raises ValueError if there is none, or if it is transparent."""
    try:
        red, green, blue, *alpha = ImageColor.getrgb(text.strip())
    except ValueError:
        raise ValueError("should be a colour: a name such as white, or #RRGGBB") from None
    if alpha and alpha[0] < 255:
        raise ValueError("should be an opaque colour: a name such as white, or #RRGGBB")
    return red, green, blue


def window_of(text: str) -> tuple[float, float]:
    """The two numbers of "LOW,HIGH". Raises ValueError if they are not two numbers, the lower one first."""
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        low, high = 0.0, 0.0
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError("should be two numbers LOW,HIGH, the lower one first, such as 0,4095")
    return low, high


def _one_spelling(text: str, others: ValidationInfo) -> str:
    """The same text for the same colour, so that it is the same option in a run's config and in the cache."""
    red, green, blue = colour_of(text)
    if red == green == blue == 255:
        return WHITE
    if others.data.get("alpha"):
        raise ValueError("should not be given together with --alpha, which keeps transparency")
    return f"#{red:02x}{green:02x}{blue:02x}"


def _as_window(text: str) -> str:
    """The same text for the same numbers, as short as possible."""
    return ",".join(repr(number).removesuffix(".0") for number in window_of(text))


class DataOptions(Settings):
    """Options for reading labelled images from disk."""

    attributes: Text | None = None
    """Which attributes to use, for data sets with attributes: names separated by commas, such as Blond_Hair,Smiling. A
    single one becomes two classes."""
    size: Annotated[int, Field(ge=1, le=2048)] | None = None
    """Side, in pixels, of the square that image files are scaled to. Default: 64, or the size of the images if all
    have the same, smaller size."""
    fit: Fit = "crop"
    """How image files that are not square become square: crop the middle, pad with black, or stretch."""
    on_bad: OnBad | None = None
    """What to do about files that cannot be used: skip them all, or stop at the first. By default up to 1 % of the
    files are left out, and more is an error."""

    kind: Kind | None = None
    """What the labels are: classes (one per image), attributes (each present or absent), or none, to ignore them. By
    default, this follows from the data."""
    label_column: Text | None = None
    """The column of a table that contains the label, or several, separated by commas: a column per class or attribute,
    or columns whose values together name the class."""
    file_column: Text | None = None
    """The column of a table that contains the names of the image files."""
    image_root: Text | None = None
    """The folder, inside the data, that contains the images. Other images are left out, and the paths in tables are
    relative to it."""
    label_pattern: Text | None = None
    """Where the label is in the path of an image: "{label}_{n}.jpg" in the file name, or "{split}/{label}/{n}.jpg".
    Other names in braces match anything."""
    merge: Text | None = None
    """Labels to merge: "similar", for names that differ only in case and spaces; or pairs such as Cat=cat,kitty=cat."""
    exclude: Text | None = None
    """Files and folders to leave out, separated by commas, such as masks,*_old.png."""
    alpha: bool = False
    """Keep transparency as a fourth channel."""
    background: Annotated[Text, AfterValidator(_one_spelling)] = WHITE
    """Colour behind transparent images, without --alpha: a name, or #RRGGBB."""
    held_out: HeldOut = "per_class"
    """How images are held out for testing if the data have no test split: a tenth of each class, none, or a tenth of
    all files, as earlier versions of condgen did."""
    window: Annotated[Text, AfterValidator(_as_window)] | None = None
    """The values LOW,HIGH that become black and white, for images that are not 8-bit: arrays of floating point numbers,
    16-bit files, DICOM, NIfTI. Write --window=-1,1 if LOW is negative."""

    @property
    def backdrop(self) -> Colour:
        """The colour behind transparent images."""
        return colour_of(self.background)

    @property
    def black_and_white(self) -> tuple[float, float] | None:
        """The values that become black and white; None by default."""
        return None if self.window is None else window_of(self.window)

    @property
    def chosen(self) -> dict[str, Any]:
        """The options that differ from their defaults and change what is read."""
        fields = type(self).model_fields
        return {name: value for name, value in self if name not in HOW and value != fields[name].default}

    @classmethod
    def taken_from(cls, given: Mapping[str, Any]) -> "tuple[DataOptions, dict[str, Any]]":
        """The data options among keyword arguments, and the rest. Raises CondgenError for a value out of range."""
        named: dict[str, Any] = current_names(given, DATA)
        own = {name: value for name, value in named.items() if name in cls.model_fields}
        return cls().with_overrides(own), {name: value for name, value in named.items() if name not in own}


AS_THEY_ARE = DataOptions()
"""The default options."""


def is_memory(source: str) -> bool:
    """Whether a run that recorded this source was trained on an object in memory."""
    return source == MEMORY or source.startswith(f"{MEMORY}:")


def name_of(source: str) -> str:
    """The name of recorded data for titles, folders and cards: without the path to them, which may be private."""
    return ",".join(Path(each).name for each in source.removeprefix(f"{MEMORY}:").split(",")) or source
