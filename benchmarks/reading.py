"""Images per second from a folder of JPEG files to arrays: condgen beside `datasets`' imagefolder and a plain loop.

    python benchmarks/reading.py [--images 100000] [--side 256] [--out benchmarks/results/reading.json]

Each reader gets the same folder, ten classes of JPEG files, and gives square images of 64 pixels and their labels. Each
is measured in a process of its own, after the files were read once, so that all of them find the files in memory. The
plain loop is what torchvision's ImageFolder with Resize and CenterCrop does, on one core and by DataLoader workers.
"""

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from condgen.disk import write_json
from condgen.training.kernels import environment

SIZE, CLASSES = 64, 10
DISTINCT = 500
"""Number of different images; the files are copies with other names and a comment, so that none equals another."""


def draw(number: int, side: int) -> Image.Image:
    """An image with smooth areas and edges, about as large as a photograph as JPEG."""
    chance = np.random.default_rng(number)
    small = chance.integers(0, 256, (side // 16, side // 16, 3), np.uint8)
    grain = chance.normal(0, 12, (side, side, 3))
    smooth = np.asarray(Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC), np.float64)
    return Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8))


def make(folder: Path, images: int, side: int) -> None:
    kinds = []
    for number in range(min(DISTINCT, images)):
        buffer = io.BytesIO()
        draw(number, side).save(buffer, "JPEG", quality=90)
        kinds.append(buffer.getvalue())
    for number in range(CLASSES):
        (folder / f"class{number}").mkdir(parents=True)
    for number in range(images):
        path = folder / f"class{number % CLASSES}" / f"{number:06d}.jpg"
        path.write_bytes(kinds[number % len(kinds)] + f"{number}".encode())


def by_condgen(folder: Path) -> int:
    from condgen import data

    found = data.load(folder, size=SIZE)
    return sum(map(len, found.splits.values()))


def by_datasets(folder: Path) -> int:
    """What a user of `datasets` writes: an imagefolder, mapped to arrays by as many processes as there are cores."""
    import datasets

    datasets.disable_progress_bars()
    found = datasets.load_dataset("imagefolder", data_dir=str(folder), split="train", num_proc=os.cpu_count())
    small = found.map(_small, num_proc=os.cpu_count(), remove_columns=["image"])
    return len(small)


def _small(row: dict[str, Any]) -> dict[str, Any]:
    return {"pixels": np.asarray(_fitted(row["image"]))}


def by_loop(folder: Path) -> int:
    """As torchvision's ImageFolder in a loop."""
    return sum(np.asarray(_fitted(Image.open(path))).size > 0 for path in _paths(folder))


def by_workers(folder: Path) -> int:
    """As torchvision's ImageFolder with a DataLoader of as many workers as there are cores."""
    import torch
    from torch.utils.data import DataLoader, Dataset

    class Files(Dataset[torch.Tensor]):
        def __init__(self) -> None:
            self.paths = list(_paths(folder))

        def __len__(self) -> int:
            return len(self.paths)

        def __getitem__(self, index: int) -> torch.Tensor:
            return torch.from_numpy(np.array(_fitted(Image.open(self.paths[index]))))

    return sum(len(batch) for batch in DataLoader(Files(), batch_size=256, num_workers=os.cpu_count() or 1))


def _fitted(image: Image.Image) -> Image.Image:
    return ImageOps.fit(image.convert("RGB"), (SIZE, SIZE), Image.Resampling.BILINEAR)


def _paths(folder: Path) -> Iterator[str]:
    return (entry.path for kind in sorted(folder.iterdir()) for entry in os.scandir(kind))


READERS = {
    "condgen": by_condgen,
    "condgen, a second start": by_condgen,
    "datasets imagefolder + map": by_datasets,
    "loop on one core": by_loop,
    "DataLoader workers": by_workers,
}


def measured(name: str, folder: Path, cache: Path) -> float:
    """Seconds of a reader in a process of its own."""
    places = {"CONDGEN_CACHE": str(cache / "condgen"), "HF_DATASETS_CACHE": str(cache / "hf"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, __file__, "--reader", name, "--folder", str(folder)]
    output = subprocess.run(command, env={**os.environ, **places}, stdout=subprocess.PIPE, text=True, check=True).stdout
    return float(json.loads(output.splitlines()[-1]))


def compared(images: int, side: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as place:
        folder = Path(place) / "photos"
        make(folder, images, side)
        by_bytes = sum(path.stat().st_size for path in folder.rglob("*.jpg"))
        seconds = {name: measured(name, folder, Path(place)) for name in READERS}
        shutil.rmtree(folder)
    rates = {name: {"seconds": round(t, 2), "images_per_second": round(images / t)} for name, t in seconds.items()}
    about = {"images": images, "side": side, "megabytes": round(by_bytes / 1e6)}
    return about | {"readers": rates, "environment": environment("cpu")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--reader", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.reader:
        began = time.perf_counter()
        READERS[given.reader](given.folder)
        print(time.perf_counter() - began)
        return
    found = compared(given.images, given.side)
    print(json.dumps(found, indent=2))
    if given.out:
        write_json(given.out, found)


if __name__ == "__main__":
    main()
