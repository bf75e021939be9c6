"""CelebA's layout: a folder (or zip) of JPEG faces, a list of attributes, and a list of splits.

    list_attr_celeba.txt       number of pictures / names of attributes / 000001.jpg -1 1 ...
    list_eval_partition.txt    000001.jpg 0          (0 train, 1 validation, 2 test)
    img_align_celeba/*.jpg     or img_align_celeba.zip

The lists may lie in subfolders (Anno, Eval, Img) as they are distributed. The validation pictures are left aside.
"""

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from condgen.data.dataset import Dataset, Split
from condgen.errors import CondgenError
from condgen.labels import Labels

ATTRIBUTES, PARTITION, PICTURES = "list_attr_celeba.txt", "list_eval_partition.txt", "img_align_celeba"
SIZE = 64
"""Of the documents that train on CelebA."""
TRAIN, TEST = 0, 2

Reader = Callable[[str], Image.Image]


def is_celeba(path: Path) -> bool:
    """Whether a folder, or a zip with the lists beside it, has this layout."""
    return _found(path if path.is_dir() else path.parent, ATTRIBUTES) is not None


def load(path: Path, size: int | None = None) -> Dataset:
    """The pictures, cropped to their central square and scaled to `size`, and all attributes as zeros and ones."""
    folder = path if path.is_dir() else path.parent
    names, values = _attributes(_the(folder, ATTRIBUTES))
    parts = _partition(_found(folder, PARTITION))
    with _pictures(path) as read:
        splits = [
            _split(read, [file for file in values if parts.get(file, TRAIN) == part], values, size or SIZE)
            for part in (TRAIN, TEST)
        ]
    if splits[0] is None:
        raise CondgenError(f"{str(path)!r} holds no training pictures.")
    return Dataset(path.stem, Labels(names, "attributes"), splits[0], splits[1])


def _split(read: Reader, files: list[str], values: dict[str, list[int]], size: int) -> Split | None:
    if not files:
        return None
    images = np.empty((len(files), size, size, 3), np.uint8)
    for place, file in enumerate(files):
        images[place] = _square(read(file), size)
    return Split(images, np.array([values[file] for file in files], np.int64))


def _square(picture: Image.Image, size: int) -> NDArray[np.uint8]:
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    box = (left, top, left + side, top + side)
    small = picture.convert("RGB").resize((size, size), Image.Resampling.LANCZOS, box=box)
    return np.asarray(small, np.uint8)


def _attributes(path: Path) -> tuple[tuple[str, ...], dict[str, list[int]]]:
    """Names, and per file the values as zeros and ones."""
    _, header, *lines = _lines(path)
    names = tuple(header.split())
    values = {}
    for number, line in enumerate(lines, start=3):
        file, *signs = line.split()
        if len(signs) != len(names) or not set(signs) <= {"-1", "1", "0"}:
            raise CondgenError(f"{str(path)!r}, line {number}: wanted {len(names)} times -1 or 1, found {line[:60]!r}.")
        values[file] = [int(sign == "1") for sign in signs]
    return names, values


def _partition(path: Path | None) -> dict[str, int]:
    """Per file its part; without a list all pictures are training pictures."""
    if path is None:
        return {}
    try:
        return {file: int(part) for file, part in (line.split() for line in _lines(path, 1))}
    except ValueError:
        raise CondgenError(f"{str(path)!r}: wanted lines such as '000001.jpg 0'.") from None


def _lines(path: Path, least: int = 3) -> list[str]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if len(lines) < least:
        raise CondgenError(f"{str(path)!r} has {len(lines)} lines, wanted a list of pictures.")
    return lines


@contextmanager
def _pictures(path: Path) -> Iterator[Reader]:
    """How to open a picture by its file name."""
    archive = path if path.is_file() else _found(path, f"{PICTURES}.zip")
    folder = _found(path, PICTURES) if path.is_dir() else None
    if folder:
        yield lambda file: _opened(folder / file, file)
    elif archive:
        try:
            with zipfile.ZipFile(archive) as members:
                inside = {Path(name).name: name for name in members.namelist()}
                yield lambda file: _opened(members.open(inside[file]) if file in inside else None, file)
        except zipfile.BadZipFile as error:
            raise CondgenError(f"cannot read {str(archive)!r}: {error}.") from None
    else:
        raise CondgenError(f"{str(path)!r} has {ATTRIBUTES} but neither {PICTURES}/ nor {PICTURES}.zip.")


def _opened(source: object, file: str) -> Image.Image:
    try:
        if source is None:
            raise FileNotFoundError
        picture = Image.open(source)  # type: ignore[arg-type]
        picture.load()
        return picture
    except FileNotFoundError:
        raise CondgenError(f"picture {file!r} is listed in {ATTRIBUTES} but missing.") from None
    except (UnidentifiedImageError, OSError) as error:
        raise CondgenError(f"picture {file!r} cannot be read: {error}.") from None


def _found(folder: Path, name: str) -> Path | None:
    """A file or folder by name, here or one folder down; the innermost of folders nested under one name."""
    found = next((path for path in (folder / name, *sorted(folder.glob(f"*/{name}"))) if path.exists()), None)
    return found / name if found and (found / name).is_dir() else found


def _the(folder: Path, name: str) -> Path:
    found = _found(folder, name)
    if found is None:
        raise CondgenError(f"{str(folder)!r} has no {name}.")
    return found
