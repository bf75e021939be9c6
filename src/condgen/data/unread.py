"""Says what was seen in a source that no layout fits, and what to do about it: a sentence per kind of file."""

from collections import Counter
from collections.abc import Callable
from posixpath import basename, splitext
from typing import NamedTuple

from condgen.data.store import Bad, Store, shown

AS_ARRAYS = "save images and labels as arrays with numpy.savez('data.npz', images=..., labels=...)"


class Kind(NamedTuple):
    """A kind of file that is not read: endings, how it begins, what it is called, and what to do."""

    endings: tuple[str, ...]
    magic: tuple[bytes, ...]
    called: str
    remedy: str


KINDS = (
    Kind((".7z",), (b"7z\xbc\xaf",), "a 7z archive", "unpack it and name the folder"),
    Kind((".rar",), (b"Rar!",), "a RAR archive", "unpack it and name the folder"),
    Kind((".zst", ".lz4"), (b"\x28\xb5\x2f\xfd",), "a zstd or lz4 archive", "decompress it first"),
    Kind((".pt", ".pth", ".ckpt"), (), "a PyTorch file, which is not loaded since that can run code", AS_ARRAYS),
    Kind((".pkl", ".pickle", ".p", ".joblib"), (), "a pickle, which is not loaded since that can run code", AS_ARRAYS),
    Kind((".rds", ".rdata", ".rda"), (), "a file of R", AS_ARRAYS),
    Kind((".tfrecord", ".tfrecords"), (), "a TFRecord of TensorFlow", "export the images as files, a folder per class"),
    Kind((".lmdb", ".mdb"), (), "an LMDB database", "export the images as files, a folder per class"),
    Kind((".rec",), (), "a RecordIO file of MXNet", "export the images as files, a folder per class"),
    Kind((".beton",), (), "a file of FFCV", "export the images as files, a folder per class"),
    Kind(
        (".arrow", ".feather"), (b"ARROW1",), "an Arrow file", "name the folder that `datasets` saved, or use Parquet"
    ),
    Kind((".sqlite", ".db"), (b"SQLite format",), "a database", "export the images as files, and labels.csv"),
    Kind((".xlsx", ".xls", ".ods"), (), "a spreadsheet", "save it as labels.csv beside the images"),
    Kind((".mp4", ".avi", ".mov", ".mkv", ".webm"), (), "a video", "extract frames, a folder per class"),
    Kind((".nrrd", ".mha", ".mhd"), (), "a medical volume", "save the slices that are meant as images"),
    Kind((".pdf",), (b"%PDF",), "a PDF", "extract the images, a folder per class"),
    Kind((".safetensors", ".onnx"), (), "a model", "name the data, not the model"),
    Kind((".zip",), (b"PK\x03\x04",), "a zip archive", "name the archive itself: --data FOLDER/NAME.zip"),
    Kind((".tar", ".tgz", ".gz", ".bz2", ".xz"), (b"\x1f\x8b",), "an archive", "name the archive itself, or unpack it"),
    Kind((".txt", ".md", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".html"), (), "a text", ""),
)
"""Kinds of files, the first that matches decides."""
EXAMPLE = "condgen list data shows the layouts that are understood."


def sentence(store: Store) -> str:
    """What the files of a source are, counted, and what to do about the most frequent kind."""
    names = store.names()
    if not names:
        odd = "; ".join(f"{shown(name)} {why}" for name, why in list(store.odd.items())[:3])
        return f"it is empty, apart from {odd}." if odd else f"it is empty. {EXAMPLE}"
    kinds = Counter(found.called if (found := kind_of(store, name)) else _ending(name) for name in names[:1000])
    first = next((found for name in names[:1000] if (found := kind_of(store, name)) and found.remedy), None)
    seen = ", ".join(_counted(called, count) for called, count in kinds.most_common(4))
    remedy = f" {first.remedy[0].upper()}{first.remedy[1:]}." if first else ""
    return f"it holds {seen}.{remedy} {EXAMPLE}"


def kind_of(store: Store, name: str) -> Kind | None:
    """The kind of a file, by its ending, else by its first bytes; None if it is unknown."""
    ending = splitext(basename(name).lower())[1]
    for matches in _by_ending(ending), _by_content(store, name):
        if found := next((kind for kind in KINDS if matches(kind)), None):
            return found
    return None


def _by_ending(ending: str) -> Callable[[Kind], bool]:
    return lambda kind: ending in kind.endings


def _by_content(store: Store, name: str) -> Callable[[Kind], bool]:
    try:
        head = store.read(name, 16)
    except Bad:
        head = b""
    return lambda kind: bool(kind.magic) and head.startswith(kind.magic)


def _ending(name: str) -> str:
    return f"a file {splitext(basename(name))[1] or 'without ending'}"


def _counted(called: str, count: int) -> str:
    return called if count == 1 else f"{count:,} times {called}"
