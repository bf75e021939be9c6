"""Make src/condgen/data/embedded/mnist.npz from the four original idx files.

    python tools/embed_mnist.py FOLDER

The archive is an ordinary .npz in Keras' layout whose members use zip's LZMA method, which numpy.load opens. Python's
zipfile fixes the encoder's settings; the ones below (literal context 4, no position bits, the largest match finder)
were the smallest of those tried. Reading needs no settings: the stream carries them.
"""

import hashlib
import lzma
import struct
import sys
import zipfile
from pathlib import Path

import numpy as np

from condgen.data import idx

ENCODER = {"id": lzma.FILTER_LZMA1, "preset": 9 | lzma.PRESET_EXTREME, "lc": 4, "lp": 0, "pb": 0, "dict_size": 1 << 26}
TARGET = Path(__file__).parents[1] / "src/condgen/data/embedded/mnist.npz"


class Compressor(zipfile.LZMACompressor):
    """zipfile's own, with ENCODER in place of its fixed preset."""

    def _init(self) -> bytes:
        properties = lzma._encode_filter_properties(ENCODER)
        self._comp = lzma.LZMACompressor(lzma.FORMAT_RAW, filters=[ENCODER])
        return struct.pack("<BBH", 9, 4, len(properties)) + properties


def main(folder: Path) -> None:
    data = idx.load_folder(folder)
    zipfile.LZMACompressor = Compressor
    with zipfile.ZipFile(TARGET, "w", zipfile.ZIP_LZMA) as archive:
        for name, split in (("train", data.train), ("test", data.test)):
            labels = split.labels.astype(np.uint8)
            write(archive, f"x_{name}", split.images[..., 0])
            write(archive, f"y_{name}", labels)
            print(name, hashlib.sha256(split.images.tobytes() + labels.tobytes()).hexdigest())
    print(TARGET, TARGET.stat().st_size, "bytes")


def write(archive: zipfile.ZipFile, name: str, array: np.ndarray) -> None:
    """One member, with a fixed date so that the archive is the same bytes every time."""
    member = zipfile.ZipInfo(f"{name}.npy", date_time=(1998, 11, 1, 0, 0, 0))
    member.compress_type = zipfile.ZIP_LZMA
    with archive.open(member, "w") as file:
        np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
