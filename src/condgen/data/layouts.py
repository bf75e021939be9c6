"""The tables of what can be read: SOURCES lists the data sets known by name, LAYOUTS the supported layouts of files."""

from collections.abc import Callable
from dataclasses import dataclass

from condgen.data import (
    array_files,
    celeba,
    cifar,
    downloads,
    fashion_mnist,
    folders,
    generated,
    hugging_face,
    idx,
    mnist,
    parquet,
    pixel_table,
    stl10,
    stylegan,
    table,
)
from condgen.data.dataset import Dataset
from condgen.data.listing import Listing
from condgen.data.store import Store
from condgen.data_options import DataOptions


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
    has_columns: bool = False
    """Whether --label-column and --file-column name columns of it."""


SOURCES = {
    "mnist": Source(mnist.load, "70,000 handwritten digits, 28x28 grey, 10 classes; inside the package"),
    "fashion-mnist": Source(
        fashion_mnist.load, "70,000 clothes, 28x28 grey, 10 classes; from this machine, or fetched once (30 MB)"
    ),
} | {name: Source(remote.load, remote.summary) for name, remote in downloads.REMOTES.items()}

LAYOUTS = {
    "generated": Layout(
        generated.fits,
        generated.read,
        "what condgen sample --out FOLDER, --shard or augment wrote; WebDataset's .tar",
        has_columns=True,
    ),
    "CelebA": Layout(celeba.fits, celeba.read, "list_attr_celeba.txt, img_align_celeba or its zip, perhaps splits"),
    "StyleGAN": Layout(stylegan.fits, stylegan.read, "images and dataset.json"),
    "Hugging Face": Layout(
        hugging_face.fits, hugging_face.read, "what `datasets` wrote with save_to_disk", has_columns=True
    ),
    "CIFAR": Layout(
        cifar.fits, cifar.read, "CIFAR-10 or CIFAR-100 as distributed: Python batches or binary files", has_columns=True
    ),
    "STL-10": Layout(stl10.fits, stl10.read, "the binary version: train_X.bin, train_y.bin, test_X.bin, test_y.bin"),
    "pixels": Layout(
        pixel_table.fits,
        pixel_table.read,
        "a table of pixels: label,pixel0,... or emotion,pixels,Usage",
        has_columns=True,
    ),
    "idx": Layout(idx.fits, idx.read_store, "the four idx files of MNIST's layout, plain or .gz; or IMAGES,LABELS"),
    "table": Layout(
        table.fits,
        table.read,
        "images and tables .csv, .tsv, .txt, .json or .jsonl of files and labels",
        has_columns=True,
    ),
    "folders": Layout(folders.fits, folders.read, "a folder per class, perhaps inside train and test"),
    "Parquet": Layout(
        parquet.fits, parquet.read, "FILE.parquet, or a folder of them: images as bytes, and labels", has_columns=True
    ),
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
