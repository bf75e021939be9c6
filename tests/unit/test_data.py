"""Readers: right images from good files, one clear error from bad ones."""

import gzip
import hashlib
import struct
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from condgen import data
from condgen.data import Dataset, fashion_mnist, idx, mnist
from condgen.errors import CondgenError
from conftest import SHARED

IMAGES = np.arange(4 * 6 * 5, dtype=np.uint8).reshape(4, 6, 5)
LABELS = np.array([0, 2, 1, 2], np.uint8)


def as_idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_mnist_layout(folder: Path, packed: bool, splits: tuple[str, ...] = ("train", "t10k")) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for stem in splits:
        for kind, array in (("images-idx3", IMAGES), ("labels-idx1", LABELS)):
            raw = as_idx(array)
            name = f"{stem}-{kind}-ubyte"
            (folder / (name + ".gz" * packed)).write_bytes(gzip.compress(raw) if packed else raw)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return data.load("mnist")


def test_embedded_mnist_is_all_of_it(digits: Dataset) -> None:
    assert digits.train.images.shape == (60_000, 28, 28, 1)
    assert digits.test is not None
    assert digits.test.images.shape == (10_000, 28, 28, 1)
    assert digits.labels.names == tuple("0123456789")
    assert digits.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(digits.train.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


def test_embedded_mnist_is_small_enough() -> None:
    assert (Path(mnist.__file__).parent / "embedded" / "mnist.npz").stat().st_size <= 9_500_000


MD5 = {  # of the original idx files, unpacked
    ("train", "images"): "6bbc9ace898e44ae57da46a324031adb",
    ("train", "labels"): "a25bea736e30d166cdddb491f175f624",
    ("test", "images"): "2646ac647ad5339dbf082846283269ea",
    ("test", "labels"): "27ae3e4e09519cfbb04c329615203637",
}


def test_embedded_mnist_unpacks_to_the_original_bytes(digits: Dataset) -> None:
    for (split, kind), md5 in MD5.items():
        array = getattr(digits.splits[split], kind)
        array = array[..., 0] if kind == "images" else array.astype(np.uint8)
        assert hashlib.md5(as_idx(array)).hexdigest() == md5


def test_a_changed_pixel_is_noticed(digits: Dataset) -> None:
    assert digits.test
    images = digits.test.images.copy()
    images[5, 3, 3] ^= 1
    changed = Dataset("mnist", digits.labels, data.Split(images, digits.test.labels))
    with pytest.raises(CondgenError, match=r"mnist \(train\) is damaged"):
        mnist.verify(changed, {"train": mnist.SHA256["test"]}, "reinstall")


@pytest.mark.skipif(not (SHARED / "data/mnist").is_dir(), reason="no development data here")
def test_the_original_files_read_the_same(digits: Dataset) -> None:
    original = data.load(SHARED / "data/mnist")
    assert original.fingerprint == digits.fingerprint


@pytest.mark.parametrize("packed", [True, False])
def test_mnist_layout(tmp_path: Path, packed: bool) -> None:
    write_mnist_layout(tmp_path / "own", packed)
    found = data.load(tmp_path / "own")
    assert (found.name, found.labels.names) == ("own", ("0", "1", "2"))
    assert (found.train.images[..., 0] == IMAGES).all()
    assert found.train.labels.tolist() == [0, 2, 1, 2]
    assert found.test is not None
    first = next((tmp_path / "own").glob("train-images*"))
    assert data.load(first).fingerprint == found.fingerprint


def test_any_idx_pair(tmp_path: Path) -> None:
    (tmp_path / "my-images.idx3").write_bytes(as_idx(IMAGES))
    (tmp_path / "my-labels.idx1").write_bytes(as_idx(LABELS))
    beside = data.load(tmp_path / "my-images.idx3")
    (tmp_path / "a").write_bytes(as_idx(IMAGES))
    (tmp_path / "b.gz").write_bytes(gzip.compress(as_idx(LABELS)))
    named = data.load(f"{tmp_path / 'a'},{tmp_path / 'b.gz'}")
    assert beside.test is None
    assert beside.fingerprint == named.fingerprint


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (as_idx(IMAGES)[:-1], "promises 120 bytes of data and holds 119"),
        (gzip.compress(as_idx(IMAGES))[:-9], "cannot read"),
        (b"\0\0\x0d\1\0\0\0\4" + b"\0" * 16, "is no idx file"),
        (b"\0\0\x08\3", "is no idx file"),
        (b"", "is no idx file"),
    ],
    ids=["cut", "cut gzip", "floats", "cut header", "empty"],
)
def test_bad_idx_files(tmp_path: Path, raw: bytes, says: str) -> None:
    path = tmp_path / "x-images"
    path.write_bytes(raw)
    with pytest.raises(CondgenError, match=says):
        idx.read(path)


def save(path: Path, **arrays: object) -> Path:
    np.savez(path, **{name: np.asarray(array) for name, array in arrays.items()}, allow_pickle=False)
    return path


def test_npz_in_keras_layout(tmp_path: Path) -> None:
    path = save(tmp_path / "m.npz", x_train=IMAGES, y_train=LABELS[:, None], x_test=IMAGES[:2], y_test=LABELS[:2])
    found = data.load(path)
    assert found.spec.shape == (1, 6, 5)
    assert found.train.labels.tolist() == [0, 2, 1, 2]
    assert len(found.splits["test"]) == 2


def test_npz_with_attributes_names_and_colour(tmp_path: Path) -> None:
    colour = np.repeat(IMAGES[..., None], 3, axis=3)
    attributes = [[0, 1], [1, 1], [0, 0], [1, 0]]
    found = data.load(save(tmp_path / "f.npz", images=colour, labels=attributes, names=["Hat", "Smile"]))
    assert (found.labels.kind, found.labels.names) == ("attributes", ("Hat", "Smile"))
    assert found.spec.shape == (3, 6, 5)
    assert found.train.labels.tolist() == attributes


def test_npz_with_labels_in_words(tmp_path: Path) -> None:
    path = save(tmp_path / "w.npz", x=IMAGES, y=["dog", "cat", "dog", "ape"], x_test=IMAGES[:1], y_test=["cat"])
    found = data.load(path)
    assert found.labels.names == ("ape", "cat", "dog")
    assert found.train.labels.tolist() == [2, 1, 2, 0]
    assert found.splits["test"].labels.tolist() == [1]


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"a": IMAGES}, "has arrays a .*; wanted x_train and y_train, "),
        ({"x": IMAGES / 255, "y": LABELS}, "images are float64, wanted uint8"),
        ({"x": IMAGES[0], "y": LABELS}, r"images have shape \(6, 5\)"),
        ({"x": IMAGES[..., None, None], "y": LABELS}, "images have shape"),
        ({"x": IMAGES, "y": LABELS[:3]}, "4 images but 3 labels"),
        ({"x": IMAGES[:0], "y": LABELS[:0]}, "holds no images"),
        ({"x": IMAGES, "y": [0, -1, 0, 1]}, "image 1 has label -1, wanted 0 to 1"),
        ({"x": IMAGES, "y": [0, 1, 2, 1], "names": ["a", "b"]}, r"image 2 has label 2, wanted 0 to 1 \(classes\)"),
        ({"x": IMAGES, "y": [[0, 3]] * 4}, r"label 3, wanted 0 to 1 \(attributes\)"),
        ({"x": IMAGES, "y": [0.5, 1, 2, 3]}, "labels are float64 with fractions"),
        ({"x": IMAGES, "y": np.zeros((4, 2, 2), int)}, r"labels have shape \(4, 2, 2\)"),
        ({"x": IMAGES, "y": ["a", "b", "a", "b"], "x_test": IMAGES[:1], "y_test": ["c"]}, "label 'c' is not among"),
    ],
)
def test_npz_that_cannot_be_meant(tmp_path: Path, arrays: dict[str, object], says: str) -> None:
    with pytest.raises(CondgenError, match=says):
        data.load(save(tmp_path / "bad.npz", **arrays))


def test_npz_is_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "p.npz"
    np.savez(path, x=np.array([{"a": 1}], dtype=object), y=LABELS)
    with pytest.raises(CondgenError, match="cannot read"):
        data.load(path)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("mnits", "did you mean 'mnist'"),
        ("nowhere/x.npz", "no such file or folder"),
        ("{}", "cannot read .* as .npz: it is no file of NumPy"),
        ("{}/text.txt", "cannot read .* as data"),
        ("{}/text.npz", "as .npz"),
    ],
)
def test_data_that_is_not_there(tmp_path: Path, name: str, says: str) -> None:
    for ending in ("txt", "npz", "no.npz"):
        (tmp_path / f"text.{ending}").write_text("hello")
    with pytest.raises(CondgenError, match=says):
        data.load(name.format(tmp_path))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine where Fashion-MNIST, if anywhere, lies in Keras' cache; and is as small as IMAGES."""
    monkeypatch.setattr(fashion_mnist, "places", lambda: [tmp_path / "keras", fashion_mnist.cache()])
    monkeypatch.setattr(fashion_mnist, "cache", lambda: tmp_path / "cache")
    sha = hashlib.sha256(IMAGES.tobytes() + LABELS.tobytes()).hexdigest()
    monkeypatch.setattr(fashion_mnist, "SHA256", {"train": sha, "test": sha})
    monkeypatch.setattr(fashion_mnist, "NAMES", ("a", "b", "c"))
    return tmp_path


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The public home of Fashion-MNIST, on this machine; returns its folder."""
    folder = tmp_path / "web"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setattr(fashion_mnist, "HOME", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield folder
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("packed", [True, False])
def test_fashion_mnist_is_found_where_others_left_it(home: Path, packed: bool) -> None:
    write_mnist_layout(home / "keras", packed)
    assert data.load("fashion-mnist").labels.names == ("a", "b", "c")
    assert not (home / "cache").exists()


def test_fashion_mnist_is_fetched_once(home: Path, web: Path) -> None:
    write_mnist_layout(web, packed=True)
    assert len(data.load("fashion-mnist").train) == 4
    for file in web.iterdir():
        file.unlink()
    assert len(data.load("fashion-mnist").train) == 4
    assert sorted(path.name for path in (home / "cache").iterdir()) == sorted(fashion_mnist.FILES)


def test_fashion_mnist_with_other_bytes_is_refused(home: Path, web: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_mnist_layout(web, packed=True)
    monkeypatch.setattr(fashion_mnist, "SHA256", {"train": "0" * 64, "test": "0" * 64})
    with pytest.raises(CondgenError, match=r"is damaged.*remove .*cache.* and try again"):
        data.load("fashion-mnist")


def test_fashion_mnist_offline_says_what_to_do(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fashion_mnist, "HOME", "http://127.0.0.1:9")
    with pytest.raises(CondgenError, match=r"apt install dataset-fashion-mnist.*put its four \.gz files into"):
        data.load("fashion-mnist")
    assert not list((home / "cache").glob("*"))


@pytest.mark.skipif(not Path("/usr/share/datasets/fashion-mnist").is_dir(), reason="Debian's package is not here")
def test_fashion_mnist_of_debian() -> None:
    found = fashion_mnist.load()
    assert len(found.train) == 60_000
    assert found.labels.names[9] == "Ankle boot"


def test_fingerprints_tell_data_apart(npz: Callable[..., Path]) -> None:
    one, other = data.load(npz("digits", 20)), data.load(npz("digits", 21))
    assert one.fingerprint == data.load(npz("digits", 20)).fingerprint
    assert one.fingerprint != other.fingerprint
    relabelled = Dataset(one.name, one.labels, data.Split(one.train.images, (one.train.labels + 1) % 10))
    assert relabelled.fingerprint != one.fingerprint


def test_readers_leave_files_alone(tmp_path: Path) -> None:
    write_mnist_layout(tmp_path, packed=True)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()}
    data.load(tmp_path)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()} == before
