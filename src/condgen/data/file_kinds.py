"""Which files of a data set are images, and which are notes, tables, archives or strangers."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from posixpath import basename, splitext

from condgen.data.store import Bad, Store
from condgen.data.words import word_set

IMAGES = word_set(".png .jpg .jpeg .jpe .jfif .jif .bmp .dib .gif .webp .tif .tiff .ppm .pgm .pbm .pnm .apng .mpo")
"""Endings of images that are read."""
UNREADABLE = word_set(".heic .heif .avif .jxl .jp2 .dcm .dicom .nii .cr2 .nef .arw .dng .tga .exr")
"""Endings of images that are not read, or only with a library; decoding says why."""
IMAGE_ENDINGS = (*sorted(IMAGES | UNREADABLE), ".nii.gz")
"""Endings of all images, which tell them from other files in lists of names."""
READ_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
"""Endings of archives that are read without unpacking them."""
ARCHIVES = (*READ_ARCHIVES, ".7z", ".rar")
ARRAYS = word_set(
    ".npz .npy .parquet .arrow .mat .h5 .hdf5 .pkl .pickle .pt .pth .bin .idx .tfrecord .safetensors .onnx"
)
"""Endings of files of arrays, which may be data of their own, or models."""
ARRAY = "is a file of arrays"
NOTES = word_set(
    ".txt .md .rst .csv .tsv .json .jsonl .xml .yaml .yml .html .htm .py .ipynb .log .rtf .bib .toml .ini .cfg .sh"
)
"""Endings of texts, which may be beside images and are not counted as left out."""
LABELS = word_set(".csv .tsv .json .jsonl .xml .txt .mat .npy .npz .pkl .xls .xlsx .parquet .yaml .yml")
"""Endings of files that may contain labels."""
OTHERS = (
    *sorted(NOTES | ARRAYS | LABELS), *ARCHIVES, "-ubyte", ".gz", ".tab", ".psv", ".ndjson", ".xlsm", ".ods",
    ".numbers", ".pdf", ".doc", ".docx", ".ckpt", ".db", ".sqlite",
)  # fmt: skip
"""Endings of files that are no images. A file with another ending, or none, may be an image."""
NOTE_NAMES = word_set("license licence readme notice copying authors changelog citation checksums md5sums")
HEAD = 16
"""Number of bytes from which an image is recognised if its name does not tell."""
MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"P4", b"P5", b"P6")


def ending(name: str) -> str:
    """The ending in lower case, with the dot: '.jpg'; .nii.gz counts as .nii."""
    last = name.rpartition("/")[2].lower().removesuffix(".gz" if name.lower().endswith(".nii.gz") else "")
    stem, dot, end = last.rpartition(".")
    return dot + end if stem.strip(".") else ""


def is_note(name: str) -> bool:
    return ending(name) in NOTES or splitext(basename(name).lower())[0] in NOTE_NAMES


@lru_cache(maxsize=4)
def images_in(store: Store) -> tuple[Sequence[str], Mapping[str, str]]:
    """The images of a store, by ending, else by content; and the other files, with the reason why they are left out.

    Notes are in neither. The result is kept, since several layouts ask, and each unknown file has to be opened.
    """
    images, others = list[str](), dict[str, str]()
    for name in store.names():
        if ending(name) in IMAGES | UNREADABLE:
            images.append(name)
        elif name.lower().endswith(ARCHIVES):
            others[name] = "is an archive beside the images"
        elif ending(name) in ARRAYS or name.lower().endswith("-ubyte"):
            others[name] = ARRAY
        elif not is_note(name):
            if _begins_as_image(store, name):
                images.append(name)
            else:
                others[name] = "is no image"
    return images, others


def may_hold_labels(name: str) -> bool:
    """Whether a text or array file may contain the labels of the images, according to its name."""
    return ending(name) in LABELS and splitext(basename(name).lower())[0] not in NOTE_NAMES


def archives_in(names: Iterable[str]) -> list[str]:
    """The archives that are read without unpacking them."""
    return [name for name in names if name.lower().endswith(READ_ARCHIVES)]


def _begins_as_image(store: Store, name: str) -> bool:
    """Whether a file without an image's ending is an image, according to its first bytes."""
    try:
        head = store.read(name, HEAD)
    except Bad:
        return True  # decoding says what is wrong with it
    return head.startswith(MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
