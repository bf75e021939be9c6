"""How many changed copies `condgen inspect` finds, and how many it finds where there are none.

    python benchmarks/copies.py [DATA ...] [--size N] [--out benchmarks/results/copies.json]

Of each data set 1,000 training images are changed in five ways and held against the originals; then all images are
looked at as they are.
"""

import argparse
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from condgen import data, duplicates
from condgen.data import Dataset, Split
from condgen.disk import write_json
from condgen.sampling import canvas
from condgen.training.kernels import environment

COUNT = 1000


def jpeg(quality: int) -> Callable[[Image.Image], Image.Image]:
    def change(image: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        return Image.open(buffer)

    return change


def cropped(image: Image.Image) -> Image.Image:
    width, height = image.size
    box = (0.02 * width, 0.02 * height, 0.98 * width, 0.98 * height)
    return image.resize(image.size, Image.Resampling.LANCZOS, box=box)


def scaled(image: Image.Image) -> Image.Image:
    small = image.resize((image.width * 3 // 4, image.height * 3 // 4), Image.Resampling.LANCZOS)
    return small.resize(image.size, Image.Resampling.LANCZOS)


CHANGES = {
    "JPEG 90": jpeg(90),
    "JPEG 60": jpeg(60),
    "scaled to 3/4 and back": scaled,
    "brighter by 10 %": lambda image: image.point(lambda value: min(255, round(1.1 * value))),
    "cropped by 2 % on each side": cropped,
}


def found(whole: Dataset, change: Callable[[Image.Image], Image.Image]) -> float:
    """Share of changed test images that are seen as copies, exact or near, of a training image."""
    images = whole.train.images[:COUNT]
    changed = np.stack([np.asarray(change(canvas.to_pil(x))).reshape(x.shape) for x in images])
    labels = whole.train.labels[:COUNT]
    twice = duplicates.facts(replace(whole, train=Split(images, labels), test=Split(changed, labels)))
    return (twice["test_in_train"] + twice["near"]["test_in_train"]) / len(images)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*", default=["mnist", "fashion-mnist"])
    parser.add_argument("--size", type=int)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/copies.json"))
    asked = parser.parse_args()
    results = {}
    for name in asked.data:
        whole = data.load(name, size=asked.size if name not in data.SOURCES else None)
        shares = {title: round(found(whole, change), 3) for title, change in CHANGES.items()}
        twice = duplicates.facts(whole)
        itself = {key: twice[key] for key in ("within", "test_in_train", "near")}
        results[whole.name] = {"found": shares, "as it is": itself}
        print(whole.name, results[whole.name])
    write_json(asked.out, {"images": COUNT, "data": results, "environment": environment("cpu")})


if __name__ == "__main__":
    main()
