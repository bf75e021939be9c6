"""Sources of other tools: the same images and labels give one fingerprint; doubts are questions whose answers work."""

import bz2
import gzip
import io
import pickle
import shlex
import struct
import tarfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from condgen import data
from condgen.data import array_files, downloads, plain_pickle, tar_store
from condgen.data.choice import all_but, kept
from condgen.data.downloads import File, Remote
from condgen.data.idx import EMNIST
from condgen.data.medmnist import FLAGS
from condgen.data.tar_store import TarStore
from condgen.data_options import DataOptions
from condgen.errors import CondgenError, Question
from data_files import encoded, png, write, zipped

COUNT, SIDE = 12, 32
LABELS = np.repeat([0, 1, 2], COUNT // 3)
COLOUR = np.random.default_rng(0).integers(0, 256, (COUNT, SIDE, SIDE, 3), np.uint8)
GREY = COLOUR[..., 0]
PLANES = np.ascontiguousarray(COLOUR.transpose(0, 3, 1, 2))

Files = dict[str, bytes]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDGEN_CACHE", str(tmp_path / "cache"))


def npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def mat(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    pytest.importorskip("scipy.io").savemat(buffer, arrays)
    return buffer.getvalue()


def h5(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    with pytest.importorskip("h5py").File(buffer, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return buffer.getvalue()


def tar(files: Files, mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def parquet() -> bytes:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    buffer = io.BytesIO()
    cells = {"image": [encoded(Image.fromarray(image)) for image in COLOUR], "label": LABELS, "id": range(COUNT)}
    parquet.write_table(pyarrow.table(cells), buffer)
    return buffer.getvalue()


FOLDERS = {f"{label}/{i:02}.png": encoded(Image.fromarray(COLOUR[i])) for i, label in enumerate(LABELS)}
SHARD = {f"{i:02}.png": encoded(Image.fromarray(image)) for i, image in enumerate(COLOUR)} | {
    f"{i:02}.cls": str(label).encode() for i, label in enumerate(LABELS)
}
BATCH = {b"data": PLANES.reshape(COUNT, -1), b"labels": LABELS.tolist()}
HEAD = "label," + ",".join(f"pixel{i}" for i in range(SIDE**2)) + "\n"
ROWS = [f"{label}," + ",".join(map(str, image.ravel())) + "\n" for image, label in zip(GREY, LABELS, strict=True)]
IN_ONE_CELL = "emotion,pixels,Usage\n" + "".join(
    f"{label},{' '.join(map(str, image.ravel()))},Training\n" for image, label in zip(GREY, LABELS, strict=True)
)

COLOURED: dict[str, Callable[[], Files]] = {
    "a.npz": lambda: {"a.npz": npz(images=COLOUR, labels=LABELS)},
    "channels first": lambda: {"a.npz": npz(X=PLANES, Y=LABELS)},
    "one-hot": lambda: {"a.npz": npz(data=COLOUR, target=np.eye(3)[LABELS])},
    "savez(a, b)": lambda: {"a.npz": npz(arr_0=COLOUR, arr_1=LABELS)},
    "transparent": lambda: {"a.npz": npz(x=np.concatenate([COLOUR, np.full_like(COLOUR[..., :1], 255)], 3), y=LABELS)},
    "npy": lambda: {"images.npy": npy(COLOUR), "labels.npy": npy(LABELS)},
    "npz per array": lambda: {"train-imgs.npz": npz(arr_0=COLOUR), "train-labels.npz": npz(arr_0=LABELS)},
    "an npy per class": lambda: {f"{k}.npy": npy(COLOUR[k == LABELS]) for k in range(3)},
    "an npy per image": lambda: {f"{label}/{i:02}.npy": npy(COLOUR[i]) for i, label in enumerate(LABELS)},
    "mat": lambda: {"train_32x32.mat": mat(X=COLOUR.transpose(1, 2, 3, 0), y=np.where(LABELS, LABELS, 10)[:, None])},
    "hdf5": lambda: {"a.h5": h5(imgs=PLANES, labels=LABELS)},
    "parquet": lambda: {"a.parquet": parquet()},
    "tar": lambda: {"a.tar": tar(FOLDERS)},
    "tar.gz with ./": lambda: {"a.tar.gz": tar({f"./top/{name}": data for name, data in FOLDERS.items()}, "w:gz")},
    "tar.xz": lambda: {"a.txz": tar(FOLDERS, "w:xz")},
    "shard": lambda: {"a.tar": tar(SHARD)},
    "shard with texts": lambda: {"a.tar": tar({name.replace(".cls", ".txt"): data for name, data in SHARD.items()})},
    "packed shard": lambda: {"a.tgz": tar(SHARD, "w:gz")},
    "shards": lambda: {"wds/a-000.tar": tar(SHARD), "wds/README.md": b"x"},
    "CIFAR": lambda: {
        "c/data_batch_1": pickle.dumps(BATCH, 2),
        "c/batches.meta": pickle.dumps({"label_names": [*"012"]}),
    },
    "CIFAR in a tar.gz": lambda: {"cifar.tar.gz": tar({"c/data_batch_1": pickle.dumps(BATCH)}, "w:gz")},
    "CIFAR, binary": lambda: {
        "c/data_batch_1.bin": np.concatenate([LABELS[:, None].astype(np.uint8), BATCH[b"data"]], 1).tobytes(),
        "c/batches.meta.txt": b"0\n1\n2\n",
    },
    "STL-10": lambda: {
        "s/train_X.bin": COLOUR.transpose(0, 3, 2, 1).tobytes(),
        "s/train_y.bin": (LABELS + 1).astype(np.uint8).tobytes(),
        "s/class_names.txt": b"0\n1\n2\n",
    },
}
GREYS: dict[str, Callable[[], Files]] = {
    "a.npz": lambda: {"a.npz": npz(x_train=GREY, y_train=LABELS.astype(str).astype("S"))},
    "rows": lambda: {"X_train.npy": npy(GREY.reshape(COUNT, -1)), "y_train.npy": npy(LABELS[:, None])},
    "idx": lambda: {"raw/train-images-idx3-ubyte": idx(GREY), "raw/train-labels-idx1-ubyte": idx(LABELS)},
    "EMNIST": lambda: {
        "emnist-digits-train-images-idx3-ubyte.gz": gzip.compress(idx(GREY.swapaxes(1, 2))),
        "emnist-digits-train-labels-idx1-ubyte.gz": gzip.compress(idx(LABELS)),
    },
    "pixels": lambda: {"train.csv": (HEAD + "".join(ROWS)).encode()},
    "pixels without a head": lambda: {"mnist_train.csv": "".join(ROWS).encode()},
    "pixels in one cell": lambda: {"fer2013.csv": IN_ONE_CELL.encode()},
}


def path_of(folder: Path, files: Files) -> Path:
    """The folder, or the only archive in it."""
    write(folder, dict(files))
    archives = [folder / name for name in files if ".t" in name and "/" not in name and len(files) == 1]
    return archives[0] if archives else folder


@pytest.mark.parametrize("table", [COLOURED, GREYS], ids=["colour", "grey"])
def test_the_same_images_and_labels_have_one_fingerprint(table: dict[str, Callable[[], Files]], tmp_path: Path) -> None:
    found = {}
    for number, (name, make) in enumerate(table.items()):
        source = data.load(path_of(tmp_path / str(number), make()))
        assert source.structure or name in ("tar", "tar.gz with ./", "tar.xz", *SHARDS), name
        labels = [source.labels.names[label][-1:] for label in source.train.labels]
        found[name] = (source.train.images.tobytes(), labels, source.left_out)
        if name != "EMNIST":  # whose digits are ten, whichever occur
            found[name] += (source.fingerprint,)  # type: ignore[assignment]
    first = next(iter(found.values()))
    assert {name: entry == first[: len(entry)] for name, entry in found.items()} == dict.fromkeys(found, True)


SHARDS = ("shard", "shard with texts", "packed shard", "shards")


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return open, ("pwned", "w")


def test_pickles_are_never_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plain = BATCH | {"names": ["ä", b"b"], "scalars": [np.int64(3)], "words": np.array(["x", "yy"], object)}
    for protocol in range(6):
        read = plain_pickle.load(pickle.dumps(plain, protocol))
        assert (read["data"] == BATCH[b"data"]).all()
        assert (read["labels"], read["names"], read["scalars"]) == (BATCH[b"labels"], ["ä", b"b"], [3])
        assert read["words"].tolist() == ["x", "yy"]
        whole = pickle.dumps({"data": Evil()}, protocol)
        write(tmp_path / "c", {"data_batch_1": whole, "batches.meta": b""})
        with pytest.raises(CondgenError, match=r"is not read: it names .*io\.open, which would have to be imported"):
            data.load(tmp_path / "c")
    for damaged in (b"", b"\x80\x02}", whole[:-3], pickle.dumps([[1, [2]]]), pickle.dumps(plain)[:-40]):
        with pytest.raises(plain_pickle.NotPlain):
            plain_pickle.load(damaged)
    assert not (tmp_path / "pwned").exists()


def member(name: str, **about: Any) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        for key, value in about.items():
            setattr(entry, key, value)
        archive.addfile(entry)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (member("../a.png"), "'../a.png' would be unpacked outside of it"),
        (member("/etc/passwd"), "would be unpacked outside of it"),
        (tar(FOLDERS)[:900], "cannot read"),
        (gzip.compress(tar(FOLDERS))[:-900], "cannot read"),
        (b"\x1f\x8b123", "cannot read"),
        (b"\x28\xb5\x2f\xfd", "it is compressed with zstd; decompress it first"),
        (bz2.compress(bytes(2**23)), "it grows 1,000 times when unpacked"),
    ],
    ids=["outside", "absolute", "cut", "cut gzip", "no gzip", "zstd", "bomb"],
)
def test_tars_that_are_not_honest_are_one_line(
    content: bytes, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tar_store, "SMALL", 2**20)
    with pytest.raises(CondgenError, match=says):
        data.load(path_of(tmp_path / "t", {"a.tar": content}))
    assert not list((tmp_path / "cache").rglob("*.tar"))


def test_links_and_pipes_in_a_tar_are_named(tmp_path: Path) -> None:
    buffer = io.BytesIO(tar(FOLDERS))
    with tarfile.open(fileobj=buffer, mode="a") as archive:
        for name, kind in (
            ("0/link.png", tarfile.SYMTYPE),
            ("0/hard.png", tarfile.LNKTYPE),
            ("0/pipe", tarfile.FIFOTYPE),
        ):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
    write(tmp_path, {"a.tar": buffer.getvalue()})
    odd = TarStore(tmp_path / "a.tar").odd
    assert odd == {"0/link.png": "is a link", "0/hard.png": "is a link", "0/pipe": "is no regular file"}


def emnist(*kinds: str) -> Files:
    return {
        f"emnist-{kind}-train-{part}-ubyte": idx(array)
        for kind in kinds
        for part, array in (("images-idx3", GREY), ("labels-idx1", LABELS + (kind == "letters")))
    }


def hundred() -> Files:
    batch = {"data": PLANES.reshape(COUNT, -1), "fine_labels": LABELS.tolist(), "coarse_labels": (LABELS // 2).tolist()}
    return {"cifar-100-python/train": pickle.dumps(batch)}


def typed(**columns: Any) -> Files:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table({"image": [png(i) for i in range(6)], **columns}), buffer)
    return {"train-00000.parquet": buffer.getvalue()}


NUMBERS, WORDS = [0, 1, 2, 0, 1, 2], ["a", "b", "c", "a", "b", "c"]
QUESTIONS: dict[str, Callable[[], Files]] = {
    "floats": lambda: {"a.npz": npz(x=(GREY / 255).astype(np.float32), y=LABELS)},
    "floats around 0": lambda: {"a.npz": npz(x=GREY / 127.5 - 1, y=LABELS)},
    "16 bits": lambda: {"a.npz": npz(x=GREY.astype(np.uint16) * 257, y=LABELS)},
    "zeros and ones": lambda: {"a.npz": npz(x=GREY // 128, y=LABELS)},
    "measurements": lambda: {"a.npz": npz(x=GREY, y=LABELS * 1.5)},
    "no labels": lambda: {"images.npy": npy(GREY)},
    "two arrays of images": lambda: {"a.npz": npz(images=GREY, x=GREY, y=LABELS)},
    "several sets of EMNIST": lambda: emnist("letters", "balanced", "byclass", "digits"),
    "torchvision's root": lambda: {
        "cifar-10-batches-py/data_batch_1": pickle.dumps(BATCH),
        "cifar-10-python.tar.gz": b"not looked at",
        "MNIST/raw/train-images-idx3-ubyte": idx(GREY),
        "MNIST/raw/train-labels-idx1-ubyte": idx(LABELS),
        "stl10_binary/train_X.bin": COLOUR.tobytes(),
        "stl10_binary/train_y.bin": LABELS.astype(np.uint8).tobytes(),
    },
    "CIFAR-100": hundred,
    "two columns of classes": lambda: typed(breed=WORDS, species=WORDS),
    "captions": lambda: typed(text=[f"a photo of number {i}" for i in range(6)]),
    "numbers": lambda: typed(age=NUMBERS, height=NUMBERS),
    "pixels with two labels": lambda: {"a.csv": (HEAD.replace("label", "age,sex") + f"1,2,{'0,' * 1023}0\n").encode()},
    "captions in a shard": lambda: {
        "s/a.tar": tar(
            {
                f"{i}.{end}": png(i) if end == "png" else b"one photo of %d" % i
                for i in range(6)
                for end in ("png", "txt")
            }
        )
    },
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_answer_of_a_question_works(name: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "q", dict(QUESTIONS[name]()))
    with pytest.raises(Question) as asked:
        data.load(folder)
    found = []
    for answer in asked.value.answers:
        option, _, value = " ".join(shlex.split(answer)).replace("=", " ", 1).partition(" ")
        source = data.load(folder, DataOptions(**{option.removeprefix("--").replace("-", "_"): value}))
        found.append((source.fingerprint, source.labels))
        assert len(source.train) in (COUNT, 6, 1)
    assert len(found) == len(asked.value.answers) > 0
    if name in ("floats", "floats around 0", "16 bits"):
        plain = data.load(write(tmp_path / "p", {"a.npz": npz(x=GREY, y=LABELS)}))
        assert plain.fingerprint in [fingerprint for fingerprint, _ in found]


@pytest.mark.parametrize(
    "sets",
    [
        [
            "emnist-letters-",
            "emnist-balanced-",
            "emnist-byclass-",
            "emnist-bymerge-",
            "emnist-digits-",
            "emnist-mnist-",
        ],
        ["", "emnist-letters-", "cifar-100-python/"],
        ["raw/", "raw/emnist-letters-", "raw/deeper/"],
        ["mnist/raw/", "cifar-100-python/", "data/mnist/", "data/meta/"],
    ],
)
def test_the_answer_which_set_is_meant_keeps_all_of_it_and_nothing_else(sets: list[str]) -> None:
    files = [f"{name}{file}" for name in sets for file in ("train-images", "meta")]
    for wanted in sets:
        mine = [f"{wanted}{file}" for file in ("train-images", "meta")]
        assert kept(files, DataOptions(exclude=all_but(wanted, sets))) == mine


def test_emnist_is_turned_and_named(tmp_path: Path) -> None:
    found = data.load(write(tmp_path, dict(emnist("letters"))))
    assert (found.train.images[..., 0] == GREY.swapaxes(1, 2)).all()
    assert found.labels.names == tuple(EMNIST["letters"])
    assert [found.labels.names[label] for label in found.train.labels[::4]] == ["a", "b", "c"]
    assert ("images", "EMNIST stores its images transposed; they were transposed back") in found.structure


def test_splits_of_arrays_tables_and_shards(tmp_path: Path) -> None:
    few = {name: content for name, content in SHARD.items() if name < "03"}
    usages = "".join(f"0,{' '.join(['7'] * 1024)},{usage}\n" for usage in ("PublicTest", *["PrivateTest"] * 3))
    pair = {"train_x": GREY, "train_y": LABELS, "test_x": GREY[:3], "test_y": LABELS[:3]}
    sources: dict[str, Files] = {
        "medmnist": {
            "m.npz": npz(
                **{f"{part}_images": GREY[:n] for part, n in (("train", COUNT), ("val", 2), ("test", 3))},
                **{f"{part}_labels": LABELS[:n, None] for part, n in (("train", COUNT), ("val", 2), ("test", 3))},
            )
        },
        "files": {f"{name}.npy": npy(array) for name, array in pair.items()},
        "shards": {"s/train-00.tar": tar(SHARD), "s/test-00.tar": tar(few)},
        "usage": {"f.csv": (IN_ONE_CELL + usages).encode()},
    }
    for name, files in sources.items():
        found = data.load(write(tmp_path / name, dict(files)))
        assert (len(found.train), found.test and len(found.test)) == (COUNT, 3), name


def test_pixels_that_are_no_numbers_are_one_line(tmp_path: Path) -> None:
    for name, text in {"word": ROWS[0].replace(",", ",x", 3), "empty": ROWS[0].rsplit(",", 1)[0] + ",\n"}.items():
        with pytest.raises(CondgenError, match=r"line 3: wanted a number for each pixel"):
            data.load(write(tmp_path / name, {"a.csv": (HEAD + ROWS[1] + text).encode()}))
    with pytest.raises(CondgenError, match=r"a\.csv, line 3: 3 cells where the first has 1025: a cut file\?"):
        data.load(write(tmp_path / "cut", {"a.csv": (HEAD + ROWS[1] + "1,2,3").encode()}))


def test_images_without_a_label_are_left_out_and_counted(tmp_path: Path) -> None:
    labels = np.where(np.arange(COUNT) == 5, np.nan, LABELS)
    found = data.load(write(tmp_path, {"a.npz": npz(x=GREY, y=labels)}))
    assert len(found.train) == COUNT - 1
    assert found.left_out == {"x, y: image 5": "has no label"}


def test_kind_overrides_what_the_labels_look_like(tmp_path: Path) -> None:
    write(tmp_path, {"a.npz": npz(x=GREY, y=np.eye(3, dtype=int)[LABELS])})
    assert "are classes, not attributes" in data.load(tmp_path).notes[0]
    assert data.load(tmp_path, kind="attributes").labels.kind == "attributes"
    assert len(data.load(tmp_path, kind="none").labels) == 1


@pytest.mark.parametrize(
    "name", ["a.7z", "model.pt", "data.pkl", "x.tfrecord", "a.xlsx", "clip.mp4", "notes.txt", "what"]
)
def test_what_is_not_read_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(CondgenError, match=r"it holds a .*\. condgen list data shows the layouts") as said:
        data.load(write(tmp_path, {name: b"hello"}))
    assert "Traceback" not in str(said.value)


def dicom(pixels: np.ndarray, photometric: str = "MONOCHROME2") -> bytes:
    pytest.importorskip("pydicom")
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    meta, buffer = FileMetaDataset(), io.BytesIO()
    meta.TransferSyntaxUID, meta.MediaStorageSOPInstanceUID = ExplicitVRLittleEndian, "1.2.3"  # type: ignore[assignment, unused-ignore]
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"  # type: ignore[assignment, unused-ignore]
    image = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    image.Rows, image.Columns, image.SamplesPerPixel = *pixels.shape, 1
    image.BitsAllocated = image.BitsStored = 8 * pixels.itemsize
    image.HighBit, image.PixelRepresentation = 8 * pixels.itemsize - 1, 0
    image.PhotometricInterpretation, image.PixelData = photometric, pixels.tobytes()
    image.RescaleIntercept, image.RescaleSlope, image.WindowCenter, image.WindowWidth = -1000, 1, 0, 2000
    image.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def test_medical_images_ask_which_values_are_black_and_white(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel")
    values = np.linspace(0, 2000, 64).astype(np.uint16).reshape(8, 8)
    wanted = np.rint(values / 2000 * 255)
    write(tmp_path / "d", {f"{k}/{i}.dcm": dicom(values + i) for k in "ab" for i in range(2)})
    with pytest.raises(Question, match=r"values from -1000 to 1000; .* Add --window=-1000,1000\."):
        data.load(tmp_path / "d")
    found = data.load(tmp_path / "d", window="-1000,1000")
    assert (found.train.images[0, ..., 0] == wanted).all()
    assert not found.notes
    write(tmp_path / "i", {"a/1.dcm": dicom(values, "MONOCHROME1"), "b/1.dcm": dicom(values)})
    images = data.load(tmp_path / "i", window="-1000,1000").train.images[..., 0]
    assert (images[0] == 255 - images[1]).all()
    for k in "ab":
        (tmp_path / "n" / k).mkdir(parents=True)
        nibabel.save(nibabel.Nifti1Image(values.astype(np.float32), np.eye(4)), tmp_path / "n" / k / "1.nii.gz")
    with pytest.raises(Question, match=r"Add --window=0,2000\."):
        data.load(tmp_path / "n")
    assert (data.load(tmp_path / "n", window="0,2000").train.images[0, ..., 0] == np.rot90(wanted)).all()


def test_heic_and_avif_are_converted(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    picture = Image.fromarray(np.full((16, 16, 3), (200, 40, 90), np.uint8))
    buffer = io.BytesIO()
    heif.from_pillow(picture).save(buffer)
    files = {
        "a/1.heic": buffer.getvalue(),
        "a/2.jp2": encoded(picture, "JPEG2000"),
        "b/1.avif": encoded(picture, "AVIF"),
    }
    found = data.load(write(tmp_path, dict(files)))
    assert (len(found.train), found.left_out) == (3, {})
    assert (np.abs(found.train.images.astype(int) - [200, 40, 90]) < 8).all()


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> Remote:
    """A data set of one file that only a mirror has."""
    import hashlib

    content = npz(x=GREY, y=LABELS)
    file = File("http://127.0.0.1:9/own.npz", hashlib.md5(content).hexdigest(), "own.npz")
    monkeypatch.setattr(downloads, "CONTENT", content, raising=False)
    monkeypatch.setattr(downloads, "_places", list)
    return Remote("own", (file,), lambda name, paths: array_files.load_npz(paths[0], name), "")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    folder = tmp_path / "web"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None: ...

    running = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()
    thread.join()


def test_names_are_fetched_once_from_a_mirror(
    remote: Remote, server: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content: bytes = downloads.CONTENT  # type: ignore[attr-defined]
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(CondgenError, match=r"cannot be reached .* Put 'own.npz' into .* or set CONDGEN_MIRROR"):
        remote.load()
    web, address = server
    monkeypatch.setenv("CONDGEN_MIRROR", address)
    write(web, {"own/own.npz": content[:-1]})
    with pytest.raises(CondgenError, match="gave another file than the published one"):
        remote.load()
    write(web, {"own/own.npz": content})
    assert (remote.load().name, len(remote.load().train)) == ("own", COUNT)
    (web / "own/own.npz").unlink()
    assert len(remote.load().train) == COUNT, "read from the cache"
    (downloads.folder("own") / "own.npz").unlink()
    monkeypatch.setenv("CONDGEN_MIRROR", str(tmp_path / "mirror"))
    with pytest.raises(CondgenError, match=r"CONDGEN_MIRROR has no 'own.npz' with MD5"):
        remote.load()
    write(tmp_path / "mirror", {"own.npz": content})
    assert len(remote.load().train) == COUNT


def test_every_name_can_be_read_from_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From small files of the same form, without their checksums."""
    pytest.importorskip("scipy.io")
    labels = {"train": idx(LABELS), "t10k": idx(LABELS)}
    batches = {
        "cifar-10-batches-py/data_batch_1": pickle.dumps(BATCH),
        "cifar-10-batches-py/test_batch": pickle.dumps(BATCH),
    }
    letters = {f"gzip/{name}.gz": gzip.compress(content) for name, content in emnist(*EMNIST).items()}
    write(
        tmp_path,
        {f"{stem}-images-idx3-ubyte.gz": gzip.compress(idx(GREY)) for stem in labels}
        | {f"{stem}-labels-idx1-ubyte.gz": gzip.compress(raw) for stem, raw in labels.items()}
        | {"cifar-10-python.tar.gz": tar(batches, "w:gz"), "cifar-100-python.tar.gz": tar(hundred(), "w:gz")}
        | {f"{s}_32x32.mat": mat(X=COLOUR.transpose(1, 2, 3, 0), y=LABELS[:, None] + 1) for s in ("train", "test")}
        | {f"{flag}.npz": npz(train_images=GREY, train_labels=LABELS[:, None] % 2) for flag in FLAGS},
    )
    zipped(tmp_path / "gzip.zip", dict(letters))
    monkeypatch.setattr(downloads, "fetched", lambda file, name: tmp_path / file.name)
    for name, source in downloads.REMOTES.items():
        if name != "medmnist/chestmnist":  # whose labels are attributes
            found = source.load()
            assert (found.name, len(found.train), found.left_out) == (name, COUNT, {}), name
            if "/" in name:
                assert f"{len(found.labels)} " in source.summary, name
    assert {len(file.md5) for source in downloads.REMOTES.values() for file in source.files} == {32}
