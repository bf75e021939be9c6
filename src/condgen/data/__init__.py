"""Reads labelled images as a `Dataset`. SOURCES lists the data sets known by name, LAYOUTS the supported layouts.

mnist.py            the embedded 70,000 digits
fashion_mnist.py    found on the machine, or downloaded once

idx.py  npz.py      arrays
folders.py          one folder per class
table.py            images and a CSV, TSV or JSON-lines table of labels
celeba.py           CelebA's layout: faces, attributes, splits
stylegan.py         StyleGAN's dataset.json
generated.py        images written by condgen itself; tars.py reads the shards among them
parquet.py          Parquet files of images; hugging_face.py reads what `datasets` saved

store.py            a folder or a zip archive, read file by file
listing.py          the image files of a data set with their labels and splits, before any file is opened
decode.py           decodes one file to pixels, or gives the reason why that is impossible
depth.py            asks which values of images with more than 8 bits are black and white
transparency.py     images with a fourth channel, or composited over a colour
ingest.py           decodes all files into one memory-mapped array in the cache; helpers.py runs it in parallel
dataset.py          the result of every reader
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from condgen.data import (
    celeba,
    fashion_mnist,
    folders,
    generated,
    hugging_face,
    idx,
    ingest,
    mnist,
    npz,
    parquet,
    stylegan,
    table,
    transparency,
)
from condgen.data.dataset import Dataset, Split, choosing
from condgen.data.listing import Listing
from condgen.data.store import Store, shown, store_at
from condgen.data_options import AS_THEY_ARE, DataOptions
from condgen.errors import CondgenError, unknown
from condgen.former import DATA, current_names
from condgen.marker import FILE

__all__ = ["LAYOUTS", "SOURCES", "DataOptions", "Dataset", "Layout", "Source", "Split", "load"]


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
}

LAYOUTS = {
    "generated": Layout(
        generated.fits, generated.read, "what condgen sample --out FOLDER, --shard or augment wrote; WebDataset's .tar"
    ),
    "CelebA": Layout(celeba.fits, celeba.read, "list_attr_celeba.txt, img_align_celeba or its zip, perhaps splits"),
    "StyleGAN": Layout(stylegan.fits, stylegan.read, "images and dataset.json"),
    "Hugging Face": Layout(hugging_face.fits, hugging_face.read, "what `datasets` wrote with save_to_disk"),
    "idx": Layout(idx.fits, idx.read_store, "the four idx files of MNIST's layout, plain or .gz; or IMAGES,LABELS"),
    "table": Layout(table.fits, table.read, "images and a table .csv, .tsv or .jsonl: file, label or attributes"),
    "folders": Layout(folders.fits, folders.read, "a folder per class, perhaps inside train and test"),
    "Parquet": Layout(parquet.fits, parquet.read, "FILE.parquet, or a folder of them: images as bytes, and labels"),
    "npz": Layout(
        npz.fits,
        npz.read_store,
        "FILE.npz with x_train, y_train (x_test, y_test) as in Keras' mnist.npz, or images and labels; 2-D labels of 0 "
        "and 1 are attributes; optional names",
    ),
}
"""The layouts are tried in this order on every path; each may also be in a zip archive. Arrays come last, because a
folder of images may also contain arrays."""


def load(name_or_path: str | Path, options: DataOptions = AS_THEY_ARE, **given: Any) -> Dataset:
    """Load a data set by name or path; see SOURCES and LAYOUTS. The user's files are only read.

    given: fields of `DataOptions`, such as size=32, which replace those of `options`.

    Raises CondgenError if the path does not exist or its layout is not supported.
    """
    options = options.with_overrides(current_names(given, DATA))
    size = options.size
    found = _read(str(name_or_path), options)
    if isinstance(found, Listing):
        data = ingest.dataset(found, options)
    else:
        data = transparency.of_arrays(found, options)
        if size is not None and size not in data.train.images.shape[1:3]:
            height, width = data.train.images.shape[1:3]
            raise CondgenError(f"--size scales image files; {data.name!r} is arrays of {height}x{width}.")
    data = replace(data, remarks=(*data.remarks, *transparency.remarks(data, options)))
    return data if options.attributes is None else choosing(data, options.attributes)


def _read(text: str, options: DataOptions) -> Listing | Dataset:
    if text in SOURCES:
        return SOURCES[text].load()
    if idx.is_pair(text):
        return idx.load_pair(text)
    path = Path(text).expanduser()
    if not path.exists():
        if path.suffix or len(path.parts) > 1:
            raise CondgenError(f"no data at {text!r}: there is no such file or folder.")
        raise unknown("data set", text, [*SOURCES, "a path to your own"])
    if not path.is_dir() and not path.is_file():
        raise CondgenError(f"{text!r} is neither a file nor a folder.")
    store = store_at(path)
    if store.mark and not store.mark.is_data:
        raise CondgenError(
            f"{text!r} was written by {store.mark.wrote} and is no data; if yours lie in it, remove {FILE} from it."
        )
    layout = next((layout for layout in LAYOUTS.values() if layout.fits(store, options)), None)
    if layout is None:
        raise CondgenError(
            f"cannot read {text!r} as data; condgen list data shows the layouts that are understood." + _but_own(store)
        )
    found = layout.read(store, options)
    own = {} if layout is LAYOUTS["generated"] else store.own
    if isinstance(found, Listing):
        return replace(found, own={**own, **found.own})
    return replace(found, own={shown(name): wrote for name, wrote in own.items()} | dict(found.own))


def _but_own(store: Store) -> str:
    """A sentence on files that condgen wrote, for the error about a source that contains nothing else."""
    name, wrote = next(iter(store.own.items()), ("", ""))
    return f" What condgen wrote is left out, such as {shown(name)} ({wrote})." if name else ""
