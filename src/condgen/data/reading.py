"""Reads a name or a path: finds the store, chooses its layout from the table, and adds what the whole source says."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from condgen.data import array_files, bundles, downloads, hub, idx, table, unread
from condgen.data.dataset import Dataset
from condgen.data.file_kinds import archives_in
from condgen.data.layouts import LAYOUTS, SOURCES
from condgen.data.listing import Listing
from condgen.data.outline import outline
from condgen.data.store import Store, shown
from condgen.data.stores import store_at
from condgen.data_options import AS_THEY_ARE, DataOptions, is_memory
from condgen.errors import CondgenError, unknown
from condgen.marker import FILE


def read(text: str, options: DataOptions) -> Listing | Dataset:
    """Read a data set by its name or path."""
    if text in SOURCES:
        no_columns(options, f"{text!r} has none")
        return SOURCES[text].load()
    if hub.is_hub(text):
        text = str(hub.fetched(text))
    if idx.is_pair(text) or array_files.is_pair(text):
        no_columns(options, f"{text!r} are arrays")
    if idx.is_pair(text):
        return idx.load_pair(text, options)
    if array_files.is_pair(text):
        return array_files.load_pair(text, options)
    path = Path(text).expanduser()
    if is_memory(text) and not path.exists():
        raise CondgenError(f"{text!r} names images that were in memory; give them from Python, or a path to them.")
    if not path.exists():
        if path.suffix or (len(path.parts) > 1 and path.parts[0] not in downloads.FAMILIES):
            raise CondgenError(f"no data at {text!r}: there is no such file or folder.")
        raise unknown("data set", text, [*SOURCES, "a path to your own"])
    if not path.is_dir() and not path.is_file():
        raise CondgenError(f"{text!r} is neither a file nor a folder.")
    store = store_at(path, options.exclude or "")
    if store.mark and not store.mark.is_data:
        raise CondgenError(
            f"{text!r} was written by {store.mark.wrote} and is no data; if yours lie in it, remove {FILE} from it."
        )
    with _outlined(store):
        return from_store(store, options)


@contextmanager
def _outlined(store: Store) -> Iterator[None]:
    """Add an outline of the files to a CondgenError, so that `condgen inspect` can show what it is about."""
    try:
        yield
    except CondgenError as error:
        error.outline = error.outline or outline(store.names(), store.path.name)
        raise


def from_store(store: Store, options: DataOptions = AS_THEY_ARE) -> Listing | Dataset:
    """Read a folder or an archive in the layout that it has."""
    bundles.check(store)
    layout = next((name for name, layout in LAYOUTS.items() if layout.fits(store, options)), None)
    if layout is None:
        return _archive_in(store, options)
    if not LAYOUTS[layout].has_columns:
        no_columns(options, f"{str(store.path)!r} is read as {layout} ({LAYOUTS[layout].summary})")
    found = LAYOUTS[layout].read(store, options)
    if layout == "folders" and isinstance(found, Listing) and (tables := table.unused(store, options)):
        said = tuple(f"{name} is {what}." for name, what in tables)
        found = replace(found, structure=(*found.structure, *tables), remarks=(*found.remarks, *said))
    own = {} if layout == "generated" else store.own
    if isinstance(found, Listing):
        excluded = dict.fromkeys(store.excluded, "matches --exclude")
        remarks, ignored = (*store.remarks, *found.remarks), {**excluded, **found.ignored}
        return replace(found, own={**own, **found.own}, ignored=ignored, remarks=remarks, layout=layout)
    return replace(found, own={shown(name): wrote for name, wrote in own.items()} | dict(found.own), layout=layout)


def no_columns(options: DataOptions, why: str) -> None:
    """Raise CondgenError if an option names a column of a source that has none."""
    for option, column in (("--label-column", options.label_column), ("--file-column", options.file_column)):
        if column:
            raise CondgenError(f"{option} {column!r} names a column of a table, but {why}; leave it out.")


def _archive_in(store: Store, options: DataOptions) -> Listing | Dataset:
    """Read the only archive in a folder without other data. Raises CondgenError if there is none, or more than one."""
    archives = archives_in(store.names())
    if store.path.is_dir() and len(archives) == 1:
        found = read(str(store.path / archives[0]), options)
        return replace(
            found, remarks=(f"{str(store.path)!r} contains {archives[0]!r}, which was read.", *found.remarks)
        )
    path = store.path / store.only if store.only else store.path
    raise CondgenError(f"cannot read {str(path)!r} as data: {_seen(store)}{_but_own(store)}")


def _seen(store: Store) -> str:
    """What a source without known data contains, and what to do about it."""
    archives = archives_in(store.names())
    if len(archives) > 1:
        some = " or ".join(f"--data {shlex.quote(str(store.path / name))}" for name in archives[:3])
        return f"it contains {len(archives)} archives; name one ({some}), or unpack them."
    return unread.sentence(store)


def _but_own(store: Store) -> str:
    """A sentence on files that condgen wrote, for the error about a source that contains nothing else."""
    name, wrote = next(iter(store.own.items()), ("", ""))
    return f" What condgen wrote is left out, such as {shown(name)} ({wrote})." if name else ""
