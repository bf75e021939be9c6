"""Reads labelled images as a `Dataset`. SOURCES lists the data sets known by name, LAYOUTS the supported layouts.

mnist.py            the embedded 70,000 digits
fashion_mnist.py    found on the machine, or downloaded once

downloads.py        fetched once by name: CIFAR, SVHN, KMNIST, EMNIST, MedMNIST (medmnist.py)

array_files.py      .npz, .npy (npz.py), .mat (matlab.py) and HDF5 (hdf5.py); array_roles.py finds images and labels
idx.py              the files of MNIST and EMNIST
cifar.py            CIFAR's own files; plain_pickle.py reads arrays from pickles without unpickling them
stl10.py            STL-10's binary files
pixel_table.py      tables with a column per pixel
folders.py          one folder per class; roles.py understands the tree (tree.py), words.py the names of its folders,
                    questions.py asks if there is a doubt, label_pattern.py reads labels from paths
table.py            images and tables of their labels, which these modules understand:
  table_text.py     bytes -> rows: encoding, delimiter, JSON
  table_files.py  file_column.py  image_names.py    which tables there are, and the images that they name
  joining.py        several tables -> one
  columns.py  label_columns.py  label_values.py  label_cells.py    columns -> classes or attributes
merging.py          --merge, and names that seem to be one label; for every source
celeba.py           CelebA's layout: faces, attributes, splits
stylegan.py         StyleGAN's dataset.json
generated.py        images written by condgen itself; tars.py reads the shards among them
parquet.py          Parquet files of images; hugging_face.py reads what `datasets` saved
                    (typed_columns.py finds their labels)
unread.py           what to say about files of other kinds

memory.py           objects: arrays.py reads arrays and PIL images, items.py torch's data sets and lists of pairs
hub.py              data sets on the Hugging Face Hub, and objects of `datasets`

raw_arrays.py       images and labels of any usual shape, range and kind -> Dataset
choice.py           several data sets in one folder (bundles.py asks)    split_names.py   splits in names
foreign_images.py   converts DICOM, NIfTI, HEIC, AVIF and JPEG 2000 while they are read
unread.py           what to say about files of other kinds
store.py            a folder or a zip archive, read file by file; tar_store.py the same for tar
listing.py          the image files of a data set with their labels and splits, before any file is opened
decode.py           decodes one file to pixels, or gives the reason why that is impossible
held_out.py         test images of data without splits
ingest.py           decodes all files into one memory-mapped array in the cache; helpers.py runs it in parallel
dataset.py          the result of every reader
file_names.py       the names of many files in little memory
outline.py          folders with numbers of images, to show what is there
"""

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from condgen.data import (
    array_files,
    bundles,
    celeba,
    cifar,
    downloads,
    fashion_mnist,
    folders,
    foreign_images,
    generated,
    held_out,
    hub,
    hugging_face,
    idx,
    ingest,
    memory,
    merging,
    mnist,
    parquet,
    pixel_table,
    stl10,
    stylegan,
    table,
    unread,
)
from condgen.data.arrays import from_arrays
from condgen.data.dataset import Dataset, Split, choosing
from condgen.data.file_kinds import READ_ARCHIVES, archives_in
from condgen.data.listing import Listing, without_labels
from condgen.data.outline import outline
from condgen.data.store import Store, shown
from condgen.data.stores import store_at
from condgen.data_options import AS_THEY_ARE, MEMORY, DataOptions, DataSource, is_memory
from condgen.errors import CondgenError, unknown
from condgen.former import DATA, current_names
from condgen.marker import FILE

__all__ = [
    "LAYOUTS", "SOURCES", "DataOptions", "DataSource", "Dataset", "Layout", "Source", "Split", "absolute",
    "from_arrays", "is_missing", "is_name", "load", "where",
]  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A data set known by name."""

    load: Callable[[], Dataset]
    summary: str


@dataclass(frozen=True)
class Layout:
    """A supported layout of labelled images, in a folder or in a zip archive."""

    fits: Callable[[Store, DataOptions], bool]
    read: Callable[[Store, DataOptions], Listing | Dataset]
    summary: str


SOURCES = {
    "mnist": Source(mnist.load, "70,000 handwritten digits, 28x28 grey, 10 classes; inside the package"),
    "fashion-mnist": Source(
        fashion_mnist.load, "70,000 clothes, 28x28 grey, 10 classes; from this machine, or fetched once (30 MB)"
    ),
} | {name: Source(remote.load, remote.summary) for name, remote in downloads.REMOTES.items()}

LAYOUTS = {
    "generated": Layout(
        generated.fits, generated.read, "what condgen sample --out FOLDER, --shard or augment wrote; WebDataset's .tar"
    ),
    "CelebA": Layout(celeba.fits, celeba.read, "list_attr_celeba.txt, img_align_celeba or its zip, perhaps splits"),
    "StyleGAN": Layout(stylegan.fits, stylegan.read, "images and dataset.json"),
    "Hugging Face": Layout(hugging_face.fits, hugging_face.read, "what `datasets` wrote with save_to_disk"),
    "CIFAR": Layout(cifar.fits, cifar.read, "CIFAR-10 or CIFAR-100 as distributed: Python batches or binary files"),
    "STL-10": Layout(stl10.fits, stl10.read, "the binary version: train_X.bin, train_y.bin, test_X.bin, test_y.bin"),
    "pixels": Layout(pixel_table.fits, pixel_table.read, "a table of pixels: label,pixel0,... or emotion,pixels,Usage"),
    "idx": Layout(idx.fits, idx.read_store, "the four idx files of MNIST's layout, plain or .gz; or IMAGES,LABELS"),
    "table": Layout(table.fits, table.read, "images and tables .csv, .tsv, .txt, .json or .jsonl of files and labels"),
    "folders": Layout(folders.fits, folders.read, "a folder per class, perhaps inside train and test"),
    "Parquet": Layout(parquet.fits, parquet.read, "FILE.parquet, or a folder of them: images as bytes, and labels"),
    "images": Layout(folders.fits_loose, folders.read, "images without folders; labels may be in their names"),
    "arrays": Layout(
        array_files.fits,
        array_files.read_store,
        ".npz, .npy, .mat or HDF5 with x_train, y_train (x_test, y_test), or images and labels, or an array per class; "
        "2-D labels of 0 and 1 are attributes, or classes if each row has exactly one 1; optional names",
    ),
}
"""The layouts are tried in this order on every path; each may also be in a zip archive. Arrays come after
folders, because a folder of images may also contain arrays."""


def load(source: DataSource, options: DataOptions = AS_THEY_ARE, **given: Any) -> Dataset:
    """Load a data set: by name or path (see SOURCES and LAYOUTS), hf://OWNER/NAME, or an object (see data/memory.py).

    The user's files are only read.

    given: fields of `DataOptions`, such as size=32, which replace those of `options`.

    Raises CondgenError if the path does not exist or its layout is not supported.
    """
    options = options.with_overrides(current_names(given, DATA))
    if hub.is_object(source):
        with hub.on_disk(source) as folder:
            return load(folder, options)
    found = _read(str(source), options) if isinstance(source, str | Path) else memory.read(source)
    found = without_labels(found) if options.kind == "none" else merging.merged(found, options.merge)
    size = options.size
    if isinstance(found, Listing):
        found = foreign_images.converting(found, options)
        data = ingest.dataset(found, size, options.fit, options.on_bad, options.held_out)
    else:
        data = found
        if size is not None and size not in data.train.images.shape[1:3]:
            height, width = data.train.images.shape[1:3]
            raise CondgenError(f"--size scales image files; {data.name!r} is arrays of {height}x{width}.")
        data = held_out.divided(data) if options.held_out == "per_class" else data
    return data if options.attributes is None else choosing(data, options.attributes)


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


def _read(text: str, options: DataOptions) -> Listing | Dataset:
    if text in SOURCES:
        return SOURCES[text].load()
    if hub.is_hub(text):
        text = str(hub.fetched(text))
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
    bundles.check(store, options)
    layout = next((name for name, layout in LAYOUTS.items() if layout.fits(store, options)), None)
    if layout is None:
        return _archive_in(store, options)
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


def _archive_in(store: Store, options: DataOptions) -> Listing | Dataset:
    """Read the only archive in a folder without other data. Raises CondgenError if there is none, or more than one."""
    archives = [name for name in archives_in(store.names()) if name.lower().endswith(READ_ARCHIVES)]
    if store.path.is_dir() and len(archives) == 1:
        found = _read(str(store.path / archives[0]), options)
        return replace(
            found, remarks=(f"{str(store.path)!r} contains {archives[0]!r}, which was read.", *found.remarks)
        )
    path = store.path / store.only if store.only else store.path
    raise CondgenError(f"cannot read {str(path)!r} as data: {_seen(store)}{_but_own(store)}")


def _seen(store: Store) -> str:
    """What a source without known data contains, and what to do about it."""
    archives = [name for name in archives_in(store.names()) if name.lower().endswith(READ_ARCHIVES)]
    if len(archives) > 1:
        some = " or ".join(f"--data {shlex.quote(str(store.path / name))}" for name in archives[:3])
        return f"it contains {len(archives)} archives; name one ({some}), or unpack them."
    return unread.sentence(store)


def _but_own(store: Store) -> str:
    """A sentence on files that condgen wrote, for the error about a source that contains nothing else."""
    name, wrote = next(iter(store.own.items()), ("", ""))
    return f" What condgen wrote is left out, such as {shown(name)} ({wrote})." if name else ""
