"""How a run records the source of its data: by name, by absolute path, or as data in memory."""

import os
from pathlib import Path

from condgen.data import hub, idx
from condgen.data.dataset import Dataset
from condgen.data.layouts import SOURCES
from condgen.data_options import MEMORY, DataSource, is_memory


def where(source: DataSource, data: Dataset) -> str:
    """What a run records about the source of its data: a name, an absolute path, or that the data were in memory."""
    if not isinstance(source, str | Path):
        return MEMORY if data.name == MEMORY else f"{MEMORY}:{data.name}"
    return absolute(str(source))


def absolute(text: str) -> str:
    """A path as an absolute one, whatever its spelling. Names of data sets, also those on the Hub, stay names."""
    if is_name(text):
        return text
    if idx.is_pair(text):
        return ",".join(map(absolute, text.split(",")))
    return os.path.abspath(Path(text).expanduser())


def is_name(text: str) -> bool:
    """Whether a recorded source is no path: the name of a data set, also on the Hub, or data in memory."""
    return text in SOURCES or hub.is_hub(text) or is_memory(text)


def is_missing(text: str) -> bool:
    """Whether a recorded path leads nowhere now."""
    paths = text.split(",") if idx.is_pair(text) else [text]
    return not is_name(text) and not all(Path(path).exists() for path in paths)
