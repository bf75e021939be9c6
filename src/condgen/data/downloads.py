"""Data sets that are known by name and fetched once: CIFAR, SVHN, KMNIST, EMNIST and MedMNIST.

Each file has the checksum that its publisher, torchvision or medmnist states. CONDGEN_MIRROR, a folder or an address,
replaces the original addresses; the checksums stay the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from condgen import disk, download
from condgen.data import array_files, cifar, idx, matlab
from condgen.data.archive import Archive
from condgen.data.dataset import Dataset
from condgen.data.medmnist import FLAGS, URL
from condgen.data.raw_arrays import Raw, dataset
from condgen.data.store import Folder
from condgen.data.tar_store import TarStore
from condgen.data_options import AS_THEY_ARE, DataOptions
from condgen.download import MIRROR, mirror_folders, mirrored
from condgen.errors import CondgenError

FAMILIES = ("emnist", "medmnist")
"""Names before the slash of those data sets that are several in one."""
TORONTO = "https://www.cs.toronto.edu/~kriz"
STANFORD = "http://ufldl.stanford.edu/housenumbers"
CODH = "http://codh.rois.ac.jp/kmnist/dataset/kmnist"
NIST = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"
KMNIST = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")


@dataclass(frozen=True)
class File:
    """A file of a data set. md5: its published checksum."""

    url: str
    md5: str
    name: str


@dataclass(frozen=True)
class Remote:
    """A data set that is fetched by name. read: makes a data set of the paths of its files."""

    name: str
    files: tuple[File, ...]
    read: Callable[[str, list[Path]], Dataset]
    summary: str

    def load(self) -> Dataset:
        """Find or fetch the files, and read them. Raises CondgenError, which says what to do offline."""
        return replace(self.read(self.name, [fetched(file, self.name) for file in self.files]), name=self.name)


def fetched(file: File, name: str) -> Path:
    """The path of a verified file: where it is already, or in the cache after it was fetched."""
    for place in [folder(name), *mirror_folders(name), *_places()]:
        path = place / file.name
        if path.is_file() and download.digest(path, "md5") == f"md5:{file.md5}":
            return path
    if mirrors := mirror_folders(name):
        raise CondgenError(f"{MIRROR} has no {file.name!r} with MD5 {file.md5} in {str(mirrors[0])!r}.")
    return _download(mirrored(file.url, name, file.name), file, name)


def folder(name: str) -> Path:
    """The folder in the cache for the files of a data set."""
    return disk.cache() / "downloads" / name.split("/")[0]


def _download(url: str, file: File, name: str) -> Path:
    target = folder(name)
    try:
        return download.fetch(url, target / file.name, name, f"md5:{file.md5}")
    except download.Unreachable as error:
        raise CondgenError(
            f"{name} is not on this machine, and {url} cannot be reached ({error.reason}). Put {file.name!r} into "
            f"{str(target)!r}, or set {MIRROR} to a folder or an address that has it."
        ) from None


def _places() -> list[Path]:
    """Folders where other tools may have stored the same files."""
    roots = [Path("data"), Path.home() / "data"]
    inside = ("", "KMNIST/raw", "EMNIST/raw")
    return [root / part for root in roots for part in inside] + [Path.home() / ".medmnist"]


def _cifar(options: DataOptions, name: str, paths: list[Path]) -> Dataset:
    return cifar.read(TarStore(paths[0]), options)


def _svhn(name: str, paths: list[Path]) -> Dataset:
    arrays = [matlab.arrays(Folder(path.parent), path.name) for path in paths]
    raws = [Raw(found["X"](), found["y"](), path.name) for found, path in zip(arrays, paths, strict=True)]
    return dataset(name, dict(zip(("train", "test"), raws, strict=True)), AS_THEY_ARE, name)


def _kmnist(name: str, paths: list[Path]) -> Dataset:
    train, test = (
        Raw(idx.read(images), idx.read(labels), f"{images.name}, {labels.name}")
        for images, labels in (paths[:2], paths[2:])
    )
    return dataset(name, {"train": train, "test": test}, AS_THEY_ARE, name, KMNIST)


def _emnist(name: str, paths: list[Path]) -> Dataset:
    return idx.load_set(Archive(paths[0]), f"emnist-{name.split('/')[1]}-", name)


def _medmnist(name: str, paths: list[Path]) -> Dataset:
    return array_files.load_npz(paths[0], name, FLAGS[name.split("/")[1]].names)


def _remotes() -> dict[str, Remote]:
    tens = File(f"{TORONTO}/cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a", "cifar-10-python.tar.gz")
    hundreds = File(f"{TORONTO}/cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85", "cifar-100-python.tar.gz")
    svhn = {"train": "e26dedcc434d2e4c54c9b2d4a06d8373", "test": "eb5a983be6a315427106f1b164d9cef3"}
    kmnist = {
        "train-images-idx3-ubyte.gz": "bdb82020997e1d708af4cf47b453dcf7",
        "train-labels-idx1-ubyte.gz": "e144d726b3acfaa3e44228e80efcd344",
        "t10k-images-idx3-ubyte.gz": "5c965bf0a639b31b8f53240b1b52f4d7",
        "t10k-labels-idx1-ubyte.gz": "7320c461ea6c1c855c0b718fb2a4b134",
    }
    emnist = File(NIST, "58c8d27c78d21e728a6bc7b3cc06412e", "gzip.zip")
    fine = AS_THEY_ARE.with_overrides({"label_column": "fine_labels"})
    svhn_files = tuple(File(f"{STANFORD}/{s}_32x32.mat", md5, f"{s}_32x32.mat") for s, md5 in svhn.items())
    kmnist_files = tuple(File(f"{CODH}/{file}", md5, file) for file, md5 in kmnist.items())
    found = [
        Remote("cifar10", (tens,), partial(_cifar, AS_THEY_ARE), "60,000 photos, 32x32 colour, 10 classes (163 MB)"),
        Remote("cifar100", (hundreds,), partial(_cifar, fine), "60,000 photos, 32x32 colour, 100 classes (161 MB)"),
        Remote("svhn", svhn_files, _svhn, "99,289 house digits, 32x32 colour, 10 classes (235 MB)"),
        Remote("kmnist", kmnist_files, _kmnist, "70,000 Kuzushiji characters, 28x28 grey, 10 classes (21 MB)"),
    ]
    for kind, names in idx.EMNIST.items():
        summary = f"handwritten characters, 28x28 grey, {len(names)} classes (562 MB for all of EMNIST)"
        found.append(Remote(f"emnist/{kind}", (emnist,), _emnist, summary))
    for flag, about in FLAGS.items():
        file = File(URL.format(flag), about.md5, f"{flag}.npz")
        found.append(Remote(f"medmnist/{flag}", (file,), _medmnist, f"{about.summary}, 28x28, CC BY 4.0"))
    return {remote.name: remote for remote in found}


REMOTES = _remotes()
"""The data sets by name."""
