"""Reads images in one folder per class, the most common layout; optionally with one folder per split around them.

cats-and-dogs/cat/1.jpg        or    cats-and-dogs/train/cat/1.jpg
              cat/more/2.jpg                       test/cat/2.jpg
              dog/3.png                            test/dog/3.jpg
"""

from condgen.data.listing import SPLITS, Listing, listing
from condgen.data.store import Store
from condgen.data_options import DataOptions
from condgen.errors import CondgenError

NOTES = (".txt", ".md", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".html", ".py", ".log")
ARRAYS = (".npz", ".npy", ".parquet")
"""Endings of files that may be beside images and are not images themselves."""


def fits(store: Store, options: DataOptions) -> bool:
    return any(len(path) > 1 for path in _images(store))


def read(store: Store, options: DataOptions) -> Listing:
    """List the images. Raises CondgenError if an image is in no class folder."""
    files = _images(store)
    shared = 0  # number of outer folders that contain everything, such as the folder that was zipped
    while all(len(path) > shared + 2 for path in files) and len({path[: shared + 1] for path in files}) == 1:
        shared += 1
    splits = all(path[shared].lower() in SPLITS for path in files)
    loose = [path for path in files if len(path) < shared + 2 + splits]
    if loose:
        raise CondgenError(
            f"{str(store.path)!r}: {'/'.join(loose[0])!r} lies in no folder of a class ({len(loose):,} such files); "
            "give each class a folder, or name the labels in a table labels.csv."
        )
    return listing(
        store,
        (("/".join(path), SPLITS[path[shared].lower()] if splits else None, path[shared + splits]) for path in files),
    )


def _images(store: Store) -> list[tuple[str, ...]]:
    return [tuple(name.split("/")) for name in store.names() if not name.lower().endswith(NOTES + ARRAYS)]
