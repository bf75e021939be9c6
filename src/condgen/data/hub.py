"""Data sets of Hugging Face: `hf://owner/name` on the Hub, and the objects of the library `datasets`.

A data set on the Hub is downloaded once to the cache as the files that it consists of; HF_ENDPOINT names a mirror. An
object is written to a temporary folder by `save_to_disk`. Both are then read as any other folder, so that the labels
mean the same wherever they come from. Code in a repository is never run.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from condgen import cache, disk
from condgen.errors import CondgenError, needs
from condgen.hub_errors import NAME, in_one_line

SCHEME = "hf://"


def is_hub(text: str) -> bool:
    return text.startswith(SCHEME)


def fetched(text: str) -> Path:
    """The folder with the files of a data set on the Hub, downloaded if necessary."""
    name = text.removeprefix(SCHEME).removeprefix("datasets/")
    found = NAME.fullmatch(name)
    if found is None:
        raise CondgenError(f"{text!r} is no name on the hub; wanted hf://OWNER/NAME or hf://OWNER/NAME@REVISION.")
    with needs("hub"):
        from huggingface_hub import snapshot_download
    owner, _, own = found["repository"].partition("/")
    folder = disk.cache() / "hub" / owner / (found["revision"] or "main").replace("/", "-") / own
    with cache.writing(folder.parent), in_one_line(text, "load"):
        try:
            snapshot_download(found["repository"], repo_type="dataset", revision=found["revision"], local_dir=folder)
        except Exception:
            if not _is_complete(folder):
                raise
    _complete(folder)
    return folder


def is_object(source: object) -> bool:
    """Whether `source` is a Dataset or a DatasetDict of `datasets`, or a streamed one."""
    if "datasets" not in sys.modules:  # then nothing can be an object of it
        return False
    return any(kind.__module__.split(".")[0] == "datasets" for kind in type(source).__mro__)


@contextmanager
def on_disk(source: Any) -> Iterator[Path]:
    """Context manager that writes the object to a folder, whose name is that of the data set."""
    parts = list(source.values()) if isinstance(source, Mapping) else [source]
    for part in parts:
        if not hasattr(part, "save_to_disk"):
            raise CondgenError(
                f"data is an {type(part).__name__}, which is streamed; load it without streaming=True, or take some "
                "images of it: datasets.Dataset.from_list(list(data.take(1000)), features=data.features)."
            )
    name = next((part.info.dataset_name for part in parts if part.info.dataset_name), "memory")
    with cache.writing(disk.cache()):
        folder = Path(tempfile.mkdtemp(prefix="datasets-", dir=disk.cache()))
    try:
        with cache.writing(folder), _quiet():
            source.save_to_disk(str(folder / Path(name).name))
        yield folder / Path(name).name
    except CondgenError as error:
        raise type(error)(str(error).replace(f"{folder}/", "")) if type(error) is CondgenError else error from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Context manager that hides the progress bars of `datasets`."""
    datasets: Any = sys.modules["datasets"]
    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()


def _complete(folder: Path) -> None:
    """Note that all files were downloaded, so that the folder can be read offline."""
    with suppress(OSError):
        _note(folder).touch()


def _is_complete(folder: Path) -> bool:
    return _note(folder).exists()


def _note(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.complete")
