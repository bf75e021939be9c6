"""Writes large numbers of images as WebDataset shards: tar files of NAME.png, NAME.cls and NAME.json.

Each shard is a function of the request and the shard's number, so processes share the work without communicating, and
shards finished before a crash are kept. torchrun sets the rank of each process.
"""

import io
import json
import os
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from condgen import marker, parallel
from condgen.disk import as_json, replacing, write_new
from condgen.errors import CondgenError
from condgen.labels import Label
from condgen.marker import Mark
from condgen.parts import sweep
from condgen.sampling import canvas
from condgen.sampling.files import MOST_IN_ONE, about, check_images
from condgen.sampling.sampler import Sampler

REQUEST = "request.json"


def write(sampler: Sampler, labels: Sequence[Label], *, count: int, seed: int, out: Path, each: int) -> Path:
    """Generate `count` images of each label into `out`/00000.tar ..., with `each` images per shard. Complete shards are
    kept.

    Raises CondgenError if `out` contains shards of another request.
    """
    if min(count, each) < 1:
        raise CondgenError(f"--count and --shard should be 1 or more, found {count} and {each}.")
    check_images(len(labels) * count, MOST_IN_ONE, "give a lower --count, and another --seed for each command")
    numbers = mine(-(-len(labels) * count // each))
    marker.check(out, Mark("condgen sample --shard", sampler.spec.labels), names=_names(out))
    note_request(out, about(sampler, seed=seed, count=count, each=each, labels=[str(label) for label in labels]))
    marker.claim(out, Mark("condgen sample --shard", sampler.spec.labels), names=_names(out))
    sweep(out)
    total = len(labels) * count
    for number in numbers:
        path = out / f"{number:05d}.tar"
        if not is_whole(path, 3 * (min(total, (number + 1) * each) - number * each)):
            with replacing(path) as temporary, tarfile.open(temporary, "w") as shard:
                for name, data in members(sampler, labels, count, seed, number * each, min(total, (number + 1) * each)):
                    add(shard, name, data)
    return out


def _names(out: Path) -> list[str]:
    """File names of shards written by versions of condgen without folder markers."""
    return [REQUEST, *(path.name for path in out.glob("[0-9]*.tar"))] if (out / REQUEST).is_file() else []


def mine(shards: int) -> range:
    """Numbers of the shards that this process generates."""
    rank, size = parallel.placed()
    return range(rank, shards, size)


def note_request(out: Path, request: dict[str, Any]) -> None:
    """Write the request to `out`. Raises CondgenError if `out` already contains another request, or a damaged one."""
    path = out / REQUEST
    if not path.exists() and write_new(path, as_json(request)):
        return
    try:
        there = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(there, dict):
            raise ValueError("no object")
    except (ValueError, RecursionError):
        raise CondgenError(
            f"{str(path)!r} is damaged, so it cannot be told which shards these are; give another --out."
        ) from None
    if other := [name for name in request if there.get(name) != request[name]]:
        raise CondgenError(f"{str(out)!r} holds shards with another {', '.join(other)}; give another --out.")


def is_whole(path: Path, members: int) -> bool:
    """Whether a shard is complete: it has `members` members and ends with the two zero blocks of a tar file."""
    try:
        with tarfile.open(path) as shard, path.open("rb") as file:
            found = sum(1 for _ in shard)
            file.seek(-1024, os.SEEK_END)
            return found == members and not any(file.read()) and file.tell() % tarfile.RECORDSIZE == 0
    except (OSError, tarfile.TarError, EOFError, ValueError):
        return False


def members(
    sampler: Sampler, labels: Sequence[Label], count: int, seed: int, start: int, end: int
) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of the files of images `start` ... `end` - 1 of the request, ordered by label."""
    while start < end:
        which, index = divmod(start, count)
        label, there = labels[which], min(count - index, end - start)
        slug = sampler.spec.labels.slug(label)
        generated = (image for batch in sampler.batches([label] * there, seed, index) for image in batch)
        for number, image in enumerate(generated, start=index):
            told = about(sampler, label=sampler.spec.labels.title(label), seed=seed, index=number)
            name = f"{slug}_seed{seed}_{number:08d}"
            yield f"{name}.png", canvas.png(canvas.to_pil(image), told)
            yield f"{name}.cls", str(label).encode()
            yield f"{name}.json", json.dumps(told).encode()
        start += there


def add(shard: tarfile.TarFile, name: str, data: bytes) -> None:
    """Add a file without modification time or owner, so that equal requests give equal bytes."""
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    shard.addfile(entry, io.BytesIO(data))
