"""Opens a path as a store: a folder, a zip or tar archive, or the folder around one file."""

import zipfile
from pathlib import Path

from condgen.data import tar_store
from condgen.data.archive import Archive
from condgen.data.store import Folder, Store


def store_at(path: Path, exclude: str = "") -> Store:
    """The store for a path: a folder, a zip archive, or the folder around one file.

    exclude: names and patterns of files and folders to leave out, separated by commas.
    """
    path = path.resolve() if path.name in ("", "..") else path  # the data set is named after its folder
    if path.is_dir():
        return Folder(path, exclude=exclude)
    is_zip = path.suffix.lower() == ".zip" or (not path.suffix and zipfile.is_zipfile(path))
    if is_zip:
        return Archive(path, exclude)
    folder = path.parent if path.parent.name not in ("", "..") else path.parent.resolve()
    return tar_store.store_of(path, exclude) or Folder(folder, only=path.name)
