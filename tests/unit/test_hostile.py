"""Files that nobody would make in good faith: refused or named, never a crash, never a hang, never a write."""

import copy
import hashlib
import os
import random
import socket
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from condgen import data
from condgen.data.archive import Archive
from condgen.data.decode import header, pixels
from condgen.data.store import Bad, Folder
from condgen.errors import CondgenError
from data_files import by_class, encoded, image, png, write, zipped

SEEDS = {
    kind: encoded(image(9, side=24), kind, **options)
    for kind, options in {
        "PNG": {}, "JPEG": {}, "GIF": {}, "BMP": {}, "WEBP": {}, "TIFF": {"compression": "tiff_lzw"}, "PPM": {},
    }.items()
} | {
    "16-bit": encoded(Image.fromarray(np.arange(576, dtype=np.uint16).reshape(24, 24) * 100)),
    "palette": encoded(image(5, side=24).quantize(8)),
    "alpha": encoded(image(5, side=24).convert("RGBA")),
}  # fmt: skip


def malformed(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Sound files, then cut, with bytes changed, swapped, repeated, spliced with another format, or of noise alone."""
    draw = random.Random(seed)
    kinds = list(SEEDS)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        raw = bytearray(SEEDS[kind])
        for _ in range(draw.choice((1, 1, 2, 8, 30))):
            at, how = draw.randrange(len(raw) or 1), draw.randrange(6)
            if how == 0:
                del raw[at:]
            elif how == 1 and raw:
                raw[at] = draw.randrange(256)
            elif how == 2:
                raw[at : at + draw.randrange(9)] = draw.randbytes(draw.randrange(9))
            elif how == 3 and raw:
                raw[at : at + 4] = draw.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\xea\x60"))
            elif how == 4:
                raw += raw[at:]
            else:
                raw[at:] = SEEDS[draw.choice(kinds)][at:]
            raw = raw[:100_000]
        yield kind, bytes(raw) if number % 50 else draw.randbytes(draw.randrange(200))


def survives(count: int, seed: int) -> None:
    """Each either becomes pixels of the promised size or is refused with a reason on one line."""
    reasons = []
    for _, raw in malformed(count, seed):
        try:
            height, width = header(raw)
            assert pixels(raw, 8).shape == (8, 8, 3)
            assert height * width <= 50_000_000
        except Bad as error:
            reasons.append(str(error).strip())
    assert all(reasons), "each is named with a reason"
    assert len(reasons) > count // 4, "the files are not malformed enough"


def test_ten_thousand_malformed_images() -> None:
    survives(10_000, seed=1)


@pytest.mark.slow
def test_two_hundred_thousand_more() -> None:
    survives(200_000, seed=2)


def test_malformed_files_are_named_one_by_one(tmp_path: Path) -> None:
    """In a folder, through the whole of `load`: every file that gives no pixels is named, and the rest is there."""
    files = {f"{'ab'[i % 2]}/{i:04d}": raw for i, (_, raw) in enumerate(malformed(300, seed=3))}
    bad = set()
    for name, raw in files.items():
        try:
            header(raw), pixels(raw, 8)
        except Bad:
            bad.add(name)
    found = data.load(write(tmp_path / "own", files), size=8, on_bad="skip")
    assert {name.strip("'") for name in found.left_out} == bad
    assert sum(map(len, found.splits.values())) == 300 - len(bad)


def test_links_pipes_sockets_and_locked_files_are_named_and_never_waited_for(tmp_path: Path) -> None:
    own = write(tmp_path / "own", by_class())
    (tmp_path / "outside.png").write_bytes(png(50))
    (own / "cat" / "inside.png").symlink_to(own / "dog" / "1.png")
    (own / "cat" / "out.png").symlink_to(tmp_path / "outside.png")
    (own / "cat" / "gone.png").symlink_to(own / "nowhere.png")
    (own / "cat" / "self.png").symlink_to(own / "cat" / "self.png")
    (own / "dog" / "loop").symlink_to(own)
    os.mkfifo(own / "cat" / "pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(own / "cat" / "s"))
        found = data.load(own, on_bad="skip")
    assert len(found.train) == 13, "a link that stays inside is an image"
    assert {name.strip("'"): why for name, why in found.left_out.items()} == {
        "cat/out.png": "is a link out of the data", "cat/gone.png": "is a link that leads nowhere",
        "dog/loop": "is a link to a folder around it", "cat/self.png": "is a link that leads nowhere",
        "cat/pipe.png": "is no regular file",
        "cat/s": "is no regular file",
    }  # fmt: skip


def test_a_pipe_that_a_table_names_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(CondgenError, match="is no regular file"):
        data.load(write(tmp_path, {"t.csv": "file,label\na.png,x\n"}))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_without_permission_are_named(tmp_path: Path) -> None:
    own = write(tmp_path / "own", by_class())
    (own / "cat" / "0.png").chmod(0)
    assert "Permission denied" in str(data.load(own, on_bad="skip").left_out)


ODD_NAMES = ["a b", "-rf", "ü", "🐈", "a\nb", "a'b\"c", "%s{0}", "x" * 250, "CON", "a\\b"]


def test_odd_names_of_files_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "own" / "cat"
    folder.mkdir(parents=True)
    names = [*(os.fsencode(name) for name in ODD_NAMES), b"\xff\xfe"]
    for number, name in enumerate(names):
        (Path(os.fsdecode(bytes(folder) + b"/" + name))).write_bytes(png(number) if number % 2 else b"bad")
    found = data.load(tmp_path / "own", on_bad="skip")
    assert len(found.train) + len(found.left_out) == len(names)
    assert all(name.isprintable() for name in found.left_out)


def test_what_systems_leave_lying_about_is_no_class(tmp_path: Path) -> None:
    litter = {
        ".ipynb_checkpoints/a.png": png(1),
        "__MACOSX/._a.png": b"x",
        "cat/.DS_Store": b"x",
        "cat/Thumbs.db": b"x",
    }
    found = data.load(write(tmp_path, by_class() | litter | {"README.md": "hello", "cat/notes.txt": "hello"}))
    assert found.labels.names == ("cat", "dog", "newt")
    assert (len(found.train), found.left_out) == (12, {})


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    write(tmp_path, by_class())
    (tmp_path / "owl").mkdir()
    with pytest.raises(CondgenError, match="'owl' is an empty folder"):
        data.load(tmp_path)
    assert data.load(tmp_path, on_bad="skip").labels.names == ("cat", "dog", "newt")


def special(name: str, mode: int = 0, **fields: object) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    for field, value in fields.items():
        setattr(info, field, value)
    return info


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["../a.png", "/etc/a.png", "cat/../../a.png", "..\\a.png", "cat/0.png"])
def test_a_zip_that_would_escape_or_has_doubles_is_refused(tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path / "own.zip", dict(by_class()))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(special(name), png(1))
    with pytest.raises(CondgenError, match="is no honest zip: member"):
        data.load(path)
    assert {entry.name for entry in tmp_path.iterdir()} == {"own.zip"}


def test_links_bombs_and_damage_in_a_zip_are_named(tmp_path: Path) -> None:
    path = zipped(tmp_path / "own.zip", dict(by_class()))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(special("cat/link.png", stat.S_IFLNK | 0o777), "/etc/passwd")
        archive.writestr("cat/bomb.png", bytes(20 * 2**20))
        archive.writestr("cat/inner.zip", zipped(tmp_path / "x", dict(by_class(3))).read_bytes())
    raw = bytearray(path.read_bytes())
    raw[raw.index(png(0)) + 20] ^= 1  # inside the first image: its checksum no longer fits
    path.write_bytes(raw)
    found = data.load(path, on_bad="skip")
    left = {name.strip("'"): why for name, why in found.left_out.items()}
    assert len(found.train) == 11
    assert left["cat/link.png"] == "is a link"
    assert "times when unpacked" in left["cat/bomb.png"]
    assert left["cat/inner.zip"] == "is an archive beside the images", "a zip in a zip is not opened"
    assert "cannot be unpacked" in left["cat/0.png"]


def test_members_that_overlap_are_refused(tmp_path: Path) -> None:
    """Fifield's bomb: many names for the same bytes."""
    path = zipped(tmp_path / "own.zip", {"cat/a.png": bytes(5000), "cat/b.png": png(1)})
    with zipfile.ZipFile(path, "a") as archive:
        (whole,) = (info for info in archive.filelist if info.filename == "cat/a.png")
        for number in range(9):
            twin = copy.copy(whole)
            twin.filename = twin.orig_filename = f"cat/{number}.png"
            archive.filelist.append(twin)
        vars(archive)["_didModify"] = True
    with pytest.raises(CondgenError, match="members that overlap"):
        data.load(path)


def test_no_zip_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\3\4 or not")
    with pytest.raises(CondgenError, match=r"cannot read .*a\.zip"):
        data.load(tmp_path / "a.zip")


def test_no_name_leads_out_of_a_folder_or_a_zip(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    own = write(tmp_path / "own", {"a": b"x"})
    for name in ("../secret", str(tmp_path / "secret"), "a/../../secret"):
        with pytest.raises(Bad):
            Folder(own).read(name)
        with pytest.raises(Bad):
            Archive(zipped(tmp_path / "b.zip", {"a": b"x"})).read(name)


def tree_hash(folder: Path) -> str:
    """Of every name, byte, date and permission below a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        digest.update(repr((str(path), about.st_mode, about.st_mtime_ns, about.st_ctime_ns)).encode())
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


@pytest.mark.parametrize("kind", ["folders", "zip", "table", "malformed"])
def test_user_files_are_as_they_were(tmp_path: Path, kind: str) -> None:
    files: dict[str, bytes | str] = dict(by_class())
    if kind == "table":
        files = {f"{i}.png": png(i) for i in range(5)}
        files["t.csv"] = "file,label\n" + "".join(f"{i}.png,{i % 2}\n" for i in range(5))
    elif kind == "malformed":
        files = {f"a/{i}": raw for i, (_, raw) in enumerate(malformed(60, seed=4))}
    own = write(tmp_path / "own", {} if kind == "zip" else files)
    path = own
    if kind == "zip":
        own.mkdir()
        path = zipped(own / "own.zip", files)
    before = tree_hash(own)
    choices: tuple[dict[str, Any], ...] = ({}, {"size": 8}, {"size": 8, "fit": "pad"})
    for options in choices:
        data.load(path, on_bad="skip", **options)
    assert tree_hash(own) == before
