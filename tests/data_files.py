"""Image files for tests: small, distinct, in any layout."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CLASSES = ("cat", "dog", "newt")


def image(number: int, side: int = 12, colour: bool = True) -> Image.Image:
    """A flat ground of its own with a bar of its own; no two numbers below 200 give the same."""
    pixels = np.full((side, side, 3), 30 + number, np.uint8)
    pixels[number % side] = (250, 40, 90) if colour else 250
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png(number: int, **options: Any) -> bytes:
    return encoded(image(number, **options))


def write(folder: Path, files: Mapping[str, bytes | str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def zipped(path: Path, files: Mapping[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def by_class(count: int = 12) -> dict[str, bytes]:
    """A folder per class."""
    return {f"{CLASSES[i % 3]}/{i}.png": png(i) for i in range(count)}
