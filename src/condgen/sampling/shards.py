"""Writes large numbers of images as WebDataset shards: tar files of NAME.png, NAME.cls and NAME.json (images of a mix
have no .cls).

Each shard is a function of the request and the shard's number, so processes share the work without communicating, and
shards finished before a crash are kept. torchrun sets the rank of each process.
"""

import io
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from condgen import marker, parallel
from condgen.disk import as_json, replacing, write_new
from condgen.errors import CondgenError
from condgen.mixes import Mix
from condgen.parts import sweep
from condgen.sampling import canvas
from condgen.sampling.files import MOST_IN_ONE, about, check_images
from condgen.sampling.request import SampleRequest
from condgen.sampling.sampler import Sampler

REQUEST = "request.json"


def write(sampler: Sampler, request: SampleRequest, *, out: Path, each: int) -> Path:
    """Write the images of a request to `out`/00000.tar ..., `each` images per shard; existing shards are kept.

    Raises CondgenError if `out` contains shards of another request.
    """
    known, count, total = sampler.spec.labels, max(request.counts, default=0), len(request)
    if min(count, each) < 1:
        raise CondgenError(f"--count and --shard should be 1 or more, found {count} and {each}.")
    check_images(total, MOST_IN_ONE, "give a lower --count, and another --seed for each command")
    numbers, mark = mine(-(-total // each)), request.mark(known, "condgen sample --shard")
    marker.check(out, mark, names=_names(out))
    requested = [known.title(label) if isinstance(label, Mix) else str(label) for label in request.labels]
    note_request(out, about(sampler, **request.whole(known), count=count, each=each, labels=requested))
    marker.claim(out, mark, names=_names(out))
    sweep(out)
    for number in numbers:
        path, start, end = out / f"{number:05d}.tar", number * each, min(total, (number + 1) * each)
        if not is_whole(path, (2 if request.has_mixes else 3) * (end - start)):
            with replacing(path) as temporary, tarfile.open(temporary, "w") as shard:
                for name, data in members(sampler, request, start, end):
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
            f"{str(path)!r} is damaged, so the request of these shards is unknown; give another --out."
        ) from None
    optional = [name for name in ("counts", "sampling") if name in there and name not in request]
    if other := [name for name in [*request, *optional] if there.get(name) != request.get(name)]:
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


def members(sampler: Sampler, request: SampleRequest, start: int, end: int) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of the files of images `start` ... `end` - 1 of the request."""
    known, items = sampler.spec.labels, list(request.part(start, end))
    for item, image in zip(items, sampler.generate(items, request.seed), strict=True):
        metadata = about(sampler, **request.metadata(known, item))
        name = request.name(known, item, digits=8)
        yield f"{name}.png", canvas.png(canvas.to_pil(image), metadata)
        if not isinstance(item.label, Mix):
            yield f"{name}.cls", str(item.label).encode()
        yield f"{name}.json", json.dumps(metadata).encode()


def add(shard: tarfile.TarFile, name: str, data: bytes) -> None:
    """Add a file without modification time or owner, so that equal requests give equal bytes."""
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    shard.addfile(entry, io.BytesIO(data))
