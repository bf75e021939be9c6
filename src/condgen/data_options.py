"""Options for reading a data set, which every command on data shares."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from condgen.former import DATA, current_names
from condgen.schema import Settings
from condgen.spec import Fit, OnBad


class DataOptions(Settings):
    """Options for reading labelled images from disk."""

    attributes: str | None = None
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

    @classmethod
    def taken_from(cls, given: Mapping[str, Any]) -> "tuple[DataOptions, dict[str, Any]]":
        """The data options among keyword arguments, and the rest. Raises CondgenError for a value out of range."""
        named: dict[str, Any] = current_names(given, DATA)
        own = {name: value for name, value in named.items() if name in cls.model_fields}
        return cls().with_overrides(own), {name: value for name, value in named.items() if name not in own}


AS_THEY_ARE = DataOptions()
"""The default options."""
