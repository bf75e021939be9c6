"""Fashion-MNIST (Xiao, Rasul, Vollgraf 2017, arXiv 1708.07747; MIT licence).

It is searched for where other tools store it, and otherwise downloaded once from its public address.
"""

import os
from pathlib import Path

from condgen import disk, download
from condgen.data import idx, mnist
from condgen.data.dataset import Dataset
from condgen.download import mirror_folders, mirrored
from condgen.errors import CondgenError

HOME = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion"
FILES = [f"{stem}-{kind}-ubyte.gz" for stem in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
SHA256 = {
    "train": "16d82e2b505296aa2b78bd5ea0992634f30419a4c97def7c907d154a35ac6157",
    "test": "9f1ec356a747bfe4ebab3cfb722d3694c9ca737e2570f6f90cf31d7b6fd689d4",
}
"""SHA-256 of the decoded arrays, images then labels, as bytes. It does not depend on the compression of the files."""


def places() -> list[Path]:
    """Folders that may contain Fashion-MNIST: of Debian's package, torchvision, Keras, and condgen's own cache."""
    home = Path.home()
    keras = Path(os.environ.get("KERAS_HOME", home / ".keras"))
    return [
        Path("/usr/share/datasets/fashion-mnist"),  # Debian: apt install dataset-fashion-mnist
        Path("data/FashionMNIST/raw"),  # torchvision.datasets.FashionMNIST("data")
        home / "data/FashionMNIST/raw",
        keras / "datasets/fashion-mnist",
        *mirror_folders("fashion-mnist")[:1],
        cache(),
    ]


def cache() -> Path:
    return disk.cache() / "fashion-mnist"


def load() -> Dataset:
    folder = next((place for place in places() if _complete(place)), None) or fetch(cache())
    try:
        return _read(folder)
    except CondgenError:
        if folder != cache():
            raise
        return _read(fetch(folder, anew=True))


def _read(folder: Path) -> Dataset:
    """Read the data set from a folder. Raises CondgenError if the decoded bytes differ from the originals."""
    dataset = idx.load_folder(folder, name="fashion-mnist", names=NAMES)
    mnist.verify(dataset, SHA256, f"remove {str(folder)!r} and try again")
    return dataset


def fetch(folder: Path, anew: bool = False) -> Path:
    """Download the four files into `folder`. Each file gets its final name only when it is complete.

    anew: also download existing files, because one of them is damaged.
    """
    for name in FILES:
        if anew or not (folder / name).exists():
            _fetch(name, folder / name)
    return folder


def _fetch(name: str, path: Path) -> None:
    url = mirrored(f"{HOME}/{name}", "fashion-mnist", name)
    try:
        download.fetch(url, path, f"Fashion-MNIST ({name})")
    except download.Unreachable as error:
        raise CondgenError(
            f"Fashion-MNIST is not on this machine and {url} gave: {error.reason}. On Debian: apt install "
            f"dataset-fashion-mnist; elsewhere put its four .gz files into {str(cache())!r}, or set CONDGEN_MIRROR."
        ) from None


def _complete(folder: Path) -> bool:
    """Whether a folder contains all four files, gzipped or not (torchvision decompresses them)."""
    return all((folder / name).exists() or (folder / name.removesuffix(".gz")).exists() for name in FILES)
