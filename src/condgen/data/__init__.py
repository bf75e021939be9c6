"""Reads labelled images as a `Dataset`. layouts.py has the tables of what can be read.

layouts.py          SOURCES, the data sets known by name, and LAYOUTS, the supported layouts of files
reading.py          name or path -> store -> layout -> listing
paths.py            how a run records the source of its data

store.py            a folder, read file by file; archive.py a zip, tar_store.py a tar; stores.py opens a path as one
found.py            which of the files are data: not hidden ones, excluded ones, or those that condgen wrote
listing.py          the image files of a data set with their labels and splits, before any file is opened
words.py            words in the names of folders, files and arrays: splits, containers, masks
file_kinds.py       endings of images, notes, arrays and archives
file_names.py       the names of many files in little memory
encodings.py        names of files in other encodings than UTF-8

mnist.py            the embedded 70,000 digits
fashion_mnist.py    found on the machine, or downloaded once
downloads.py        fetched once by name: CIFAR, SVHN, KMNIST, EMNIST, MedMNIST (medmnist.py)

array_files.py      .npz, .npy (npz.py), .mat (matlab.py) and HDF5 (hdf5.py); array_roles.py finds images and labels
idx.py              the files of MNIST and EMNIST
cifar.py            CIFAR's own files; plain_pickle.py reads arrays from pickles without unpickling them
stl10.py            STL-10's binary files
pixel_table.py      tables with a column per pixel
folders.py          one folder per class; roles.py understands the tree (tree.py), questions.py asks in doubt,
                    label_pattern.py reads labels from paths
table.py            images and tables of their labels, which these modules understand:
  table_text.py     bytes -> rows: encoding, delimiter, JSON
  table_files.py  file_column.py  image_names.py    which tables there are, and the images that they name
  joining.py        several tables -> one
  columns.py  label_columns.py  label_values.py  label_cells.py    columns -> classes or attributes
  table_checks.py   questions about tables that can be read in several ways
celeba.py           CelebA's layout: faces, attributes, splits
stylegan.py         StyleGAN's dataset.json
generated.py        images written by condgen itself; tars.py reads the shards among them
parquet.py          Parquet files of images; hugging_face.py reads what `datasets` saved
                    (typed_columns.py finds their labels)
raw_arrays.py       images and labels of any usual shape, range and kind -> Dataset
unread.py           what to say about files of other kinds
choice.py           which of several data sets in one folder is read; bundles.py asks
outline.py          folders with numbers of images, to show what is there

memory.py           objects: arrays.py reads arrays and PIL images, items.py torch's data sets and lists of pairs
hub.py              data sets on the Hugging Face Hub, and objects of `datasets`

merging.py          --merge, and names that seem to be one label; classes.py numbers -> classes; for every source
foreign_images.py   converts DICOM, NIfTI, HEIC, AVIF and JPEG 2000 while they are read
decode.py           decodes one file to pixels, or gives the reason why that is impossible
held_out.py         test images of data without splits
window.py           which values of images with more than 8 bits are black and white; depth.py asks
transparency.py     images with a fourth channel, or composited over a colour
ingest.py           a listing of image files -> Dataset:
  survey.py         looks at every file before it is decoded
  pixels.py         decodes all into one memory-mapped array in the cache, by shards (shard.py); helpers.py runs it in
                    parallel
originals.py        format, depth and range of the files before decoding
dataset.py          the result of every reader
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from condgen.data import foreign_images, held_out, hub, ingest, memory, merging, reading, transparency
from condgen.data.arrays import from_arrays
from condgen.data.dataset import Dataset, Split, choosing
from condgen.data.layouts import LAYOUTS, SOURCES, Layout, Source
from condgen.data.listing import Listing, without_labels
from condgen.data.paths import absolute, is_missing, is_name, where
from condgen.data_options import AS_THEY_ARE, DataOptions, DataSource
from condgen.errors import CondgenError
from condgen.former import DATA, current_names

__all__ = [
    "LAYOUTS", "SOURCES", "DataOptions", "DataSource", "Dataset", "Layout", "Source", "Split", "absolute",
    "from_arrays", "is_missing", "is_name", "load", "where",
]  # fmt: skip


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
    if isinstance(source, str | Path):
        found = reading.read(str(source), options)
    else:
        reading.no_columns(options, "the data are in memory")
        found = memory.read(source)
    found = without_labels(found) if options.kind == "none" else merging.merged(found, options.merge)
    size = options.size
    if isinstance(found, Listing):
        data = ingest.dataset(foreign_images.converting(found, options), options)
    else:
        data = transparency.of_arrays(found, options)
        if size is not None and size not in data.train.images.shape[1:3]:
            height, width = data.train.images.shape[1:3]
            raise CondgenError(f"--size scales image files; {data.name!r} is arrays of {height}x{width}.")
        data = held_out.divided(data) if options.held_out == "per_class" else data
    data = replace(data, remarks=(*data.remarks, *transparency.remarks(data, options)))
    return data if options.attributes is None else choosing(data, options.attributes)
