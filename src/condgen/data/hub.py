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
from condgen.errors import CondgenError, needs, notice
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
        from huggingface_hub import HfApi, snapshot_download
    repository, revision = found["repository"], found["revision"]
    owner, _, own = repository.partition("/")
    folder = disk.cache() / "hub" / owner / (revision or "main").replace("/", "-") / own
    with cache.writing(folder.parent), in_one_line(text, "load"):
        try:
            commit = HfApi().dataset_info(repository, revision=revision).sha
            if _downloaded(folder) != commit:
                shutil.rmtree(folder, ignore_errors=True)  # files that the repository no longer has are not data
                snapshot_download(repository, repo_type="dataset", revision=commit, local_dir=folder)
                disk.write_bytes(_note(folder), str(commit).encode())
        except Exception:
            if not _downloaded(folder):
                raise
            notice(f"{text!r} cannot be looked up on the hub; the files that were downloaded before are read.")
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


def _downloaded(folder: Path) -> str:
    """The commit whose files were all downloaded to the folder; '' if there is none."""
    with suppress(OSError):
        return _note(folder).read_text("utf-8") if folder.is_dir() else ""
    return ""


def _note(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.commit")
