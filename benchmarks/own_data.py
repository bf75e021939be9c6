"""Builds the data sets of `own_images.py`, each in a layout that users have: class folders, or images with a table.

    python benchmarks/own_data.py WORK [--faces FOLDER] [--only emoji tones ...]

Building is deterministic, and skips a data set that is complete. NAME.json beside the folder states the number of files
and a hash of their contents; a folder with another number of files is built again.

Twemoji graphics are copyright Twitter, Inc and other contributors, CC BY 4.0; they are fetched from npm, not shipped.
"""

import argparse
import csv
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import own_letters
from filelock import FileLock
from numpy.typing import NDArray

from condgen import data, disk
from condgen.data import DataOptions, Dataset, Split
from condgen.labels import Labels
from condgen.sampling import canvas

EMOJI = "https://registry.npmjs.org/emoji-datasource-twitter/-/emoji-datasource-twitter-16.0.0.tgz"
EMOJI_SHA256 = "f64a530c63bca463bd8317fdc4615ce63a53a0c65018e4ce2d848aaba7a28877"
IMAGES = "package/img/twitter/64/"
CATEGORIES = ("Animals & Nature", "Flags", "Food & Drink", "People & Body", "Smileys & Emotion", "Symbols")
"""Those whose images look alike within the category; a classifier confuses Objects, Activities and Travel & Places."""
TONES = {
    "1F3FB": "light", "1F3FC": "medium_light", "1F3FD": "medium", "1F3FE": "medium_dark", "1F3FF": "dark",
}  # fmt: skip
GENDERS = {"1F468", "1F469", "1F9D1", "2640", "2642", "200D", "FE0F"}
"""Code points of man, woman, adult, the two signs, and two that join others: emoji that differ in them look alike."""
HAIR = ("Black_Hair", "Blond_Hair", "Brown_Hair")
CLOTHES = ("dress", "sneaker", "bag")
RATIO = 100
"""Images of the most frequent class for each one of the rarest, in the tail of clothes."""
SMALL = 500
"""Training images of the small sets, three classes together."""

Files = Iterable[tuple[str, bytes]]
"""Name in the folder, such as cat/1.png, and content."""


class Absent(Exception):
    """A source is not on this machine; the message says which."""


@dataclass(frozen=True)
class Sources:
    """work: the folder to build in. faces: a folder in CelebA's layout, if there is one."""

    work: Path
    faces: Path | None = None


def build(name: str, sources: Sources) -> Path:
    """The folder of a data set, built unless it is complete. Raises `Absent` if a source is missing."""
    folder = sources.work / "data" / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):  # two benchmarks may run at once
        if not _is_whole(folder):
            shutil.rmtree(folder, ignore_errors=True)
            disk.write_json(facts(folder), {"name": name} | _written(folder, name, sources))
    return folder


def facts(folder: Path) -> Path:
    """The file beside a data set that says what was built."""
    return folder.with_name(f"{folder.name}.json")


def _written(folder: Path, name: str, sources: Sources) -> dict[str, Any]:
    """Write the files. Returns their number, and a hash of their names and contents."""
    digest, count = hashlib.sha256(), 0
    for file, content in BUILDERS[name](sources):
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        digest.update(f"{file}\0{len(content)}\0".encode() + content)
        count += 1
    return {"files": count, "sha256": digest.hexdigest()}


def _is_whole(folder: Path) -> bool:
    """Whether the folder has as many files as were written."""
    try:
        told = json.loads(facts(folder).read_text())
    except (OSError, ValueError):
        return False
    return bool(told["files"] == sum(path.is_file() for path in folder.rglob("*")))


def emoji(_: Sources) -> Iterator[tuple[str, bytes]]:
    """A folder per category, as files of 64x64 pixels with transparency."""
    archive, entries = _emoji()
    for entry in entries:
        if entry["category"] in CATEGORIES and entry["has_img_twitter"]:
            folder = entry["category"].lower().replace(" & ", "-")
            yield f"{folder}/{entry['image']}", archive[IMAGES + entry["image"]]


def tones(_: Sources) -> Iterator[tuple[str, bytes]]:
    """People and hands in five skin tones and in yellow, with a table of 0 and 1. A tenth of the motifs is held out, in
    all its tones and genders, since the others nearly show the same image."""
    archive, entries = _emoji()
    rows = []
    for entry in entries:
        found = {code: one for code, one in entry.get("skin_variations", {}).items() if code in TONES}
        motif = "-".join(code for code in entry["unified"].split("-") if code not in GENDERS)
        split = "test" if hashlib.sha256(motif.encode()).digest()[0] % 10 == 0 else "train"
        for tone, one in [("", entry), *found.items()] if found else []:
            if one["has_img_twitter"]:
                yield f"files/{one['image']}", archive[IMAGES + one["image"]]
                rows.append([f"files/{one['image']}", split, *(int(tone == code) for code in TONES)])
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([["file", "split", *TONES.values()], *rows])
    yield "tones.csv", table.getvalue().encode()


def _emoji() -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """The images of 64x64 pixels by name, and the entries of emoji.json."""
    with tarfile.open(_fetched()) as archive:
        wanted = (member for member in archive if member.name.startswith((IMAGES, "package/emoji.json")))
        found = {member.name: file.read() for member in wanted if (file := archive.extractfile(member))}
    return found, json.loads(found["package/emoji.json"])


def _fetched() -> Path:
    """The package of npm: from the cache of the user, or fetched once."""
    name, folder = EMOJI.rpartition("/")[2], disk.cache() / "downloads"
    if (folder / name).is_file() and hashlib.sha256((folder / name).read_bytes()).hexdigest() == EMOJI_SHA256:
        return folder / name
    import pooch

    return Path(pooch.retrieve(EMOJI, f"sha256:{EMOJI_SHA256}", name, folder))


def tail_counts(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Class k of n keeps 1 / RATIO^(k / (n - 1)) of the number of images of the first."""
    return np.round(counts[0] / RATIO ** (np.arange(len(counts)) / (len(counts) - 1))).astype(np.int64)


def long_tail(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows to keep: the first images of each class, as many as `tail_counts` says."""
    kept = tail_counts(np.bincount(labels))
    return np.concatenate([np.flatnonzero(labels == k)[:count] for k, count in enumerate(kept)])


def tail(_: Sources) -> Iterator[tuple[str, bytes]]:
    """Clothes cut to a tail of 100 : 1; the test split is whole."""
    clothes = data.load("fashion-mnist")
    yield from _folders(clothes, "train", long_tail(clothes.train.labels).tolist())
    yield from _folders(clothes, "test", range(len(clothes.splits["test"])))


def small_clothes(_: Sources) -> Iterator[tuple[str, bytes]]:
    """500 images of three kinds of clothes, and all test images of these kinds."""
    clothes = data.load("fashion-mnist")
    kinds = [next(k for k in range(10) if clothes.labels.slug(k) == name) for name in CLOTHES]
    yield from _few(clothes, kinds)


def small_faces(sources: Sources) -> Iterator[tuple[str, bytes]]:
    """500 faces of 32x32 pixels with black, blond or brown hair; all other faces with such hair are test images."""
    faces = data.load(celeba(sources), DataOptions(attributes=",".join(HAIR), size=32))
    whole = Dataset("faces", faces.labels, joined(faces))
    hair = np.where(whole.train.labels.sum(1) == 1, whole.train.labels.argmax(1), len(HAIR))
    classes = Dataset("hair", Labels((*HAIR, "other")), Split(whole.train.images, hair))
    yield from _few(classes, range(len(HAIR)))


def _few(whole: Dataset, kinds: Iterable[int]) -> Iterator[tuple[str, bytes]]:
    """The first 500 images of three classes, in equal shares; the others, or the test split if there is one, for
    testing."""
    for place, kind in enumerate(kinds):
        rows = np.flatnonzero(whole.train.labels == kind)
        kept = SMALL * (place + 1) // 3 - SMALL * place // 3
        yield from _folders(whole, "train", rows[:kept].tolist())
        if whole.test:
            yield from _folders(whole, "test", np.flatnonzero(whole.test.labels == kind).tolist())
        else:
            yield from _folders(whole, "train", rows[kept:].tolist(), "test")


def _folders(whole: Dataset, split: str, rows: Iterable[int], title: str = "") -> Iterator[tuple[str, bytes]]:
    """A folder per class, in one per split."""
    images = whole.splits[split].images
    for row in rows:
        label = whole.labels.slug(int(whole.splits[split].labels[row]))
        yield f"{title or split}/{label}/{row:05d}.png", canvas.png(canvas.to_pil(images[row]))


def joined(whole: Dataset) -> Split:
    """The images of all splits."""
    splits = whole.splits.values()
    return Split(np.concatenate([s.images for s in splits]), np.concatenate([s.labels for s in splits]))


def letters(coloured: bool) -> Callable[[Sources], Files]:
    def built(_: Sources) -> Files:
        fonts = own_letters.fonts()
        if not fonts:
            raise Absent(f"no fonts of {', '.join(own_letters.PACKAGES[:3])}, ... under {own_letters.ROOT}")
        return own_letters.letters(fonts, coloured)

    return built


def celeba(sources: Sources) -> Path:
    """The folder of the cartoon faces, used as it is."""
    if sources.faces is None or not (sources.faces / "list_attr_celeba.txt").exists():
        raise Absent("--faces should name a folder of faces in CelebA's layout")
    return sources.faces


BUILDERS: dict[str, Callable[[Sources], Files]] = {
    "emoji": emoji,
    "tones": tones,
    "letters-grey": letters(coloured=False),
    "letters-colour": letters(coloured=True),
    "tail": tail,
    "small-clothes": small_clothes,
    "small-faces": small_faces,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--faces", type=Path)
    parser.add_argument("--only", nargs="*", default=list(BUILDERS))
    asked = parser.parse_args()
    for name in asked.only:
        try:
            folder = build(name, Sources(asked.work, asked.faces))
            print(name, json.loads(facts(folder).read_text())["files"], folder)
        except Absent as why:
            print(f"{name} is skipped: {why}.")


if __name__ == "__main__":
    main()
