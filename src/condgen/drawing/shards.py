"""Very many pictures, as WebDataset shards: tar files of NAME.png, NAME.cls and NAME.json.

Every shard is a function of the request and its number, so processes share them out without talking to each other, and
what was drawn before a crash is not drawn again. torchrun tells each process which it is.
"""

import io
import json
import os
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from condgen.disk import as_json, replacing, write_new
from condgen.drawing import pictures
from condgen.drawing.draw import about
from condgen.drawing.sampler import Sampler
from condgen.errors import CondgenError
from condgen.labels import Label
from condgen.parts import sweep

REQUEST = "request.json"


def write(sampler: Sampler, labels: Sequence[Label], *, count: int, seed: int, out: Path, each: int) -> Path:
    """Draw `count` pictures of each label into `out`/00000.tar ..., `each` of them in one; those that are there stay.

    Raises CondgenError if `out` holds shards of another request.
    """
    if min(count, each) < 1:
        raise CondgenError(f"--count and --shard should be 1 or more, found {count} and {each}.")
    note_request(out, about(sampler, seed=seed, count=count, each=each, labels=[str(label) for label in labels]))
    sweep(out)
    total = len(labels) * count
    for number in mine(-(-total // each)):
        path = out / f"{number:05d}.tar"
        if not path.exists():
            with replacing(path) as temporary, tarfile.open(temporary, "w") as shard:
                for name, data in members(sampler, labels, count, seed, number * each, min(total, (number + 1) * each)):
                    add(shard, name, data)
    return out


def mine(shards: int) -> range:
    """Which of them this process draws."""
    return range(int(os.environ.get("RANK", "0")), shards, int(os.environ.get("WORLD_SIZE", "1")))


def note_request(out: Path, request: dict[str, Any]) -> None:
    """Write down what the shards in `out` are, or see that they are the same."""
    path = out / REQUEST
    if not path.exists() and write_new(path, as_json(request)):
        return
    there = json.loads(path.read_text(encoding="utf-8"))
    if other := [name for name in request if there.get(name) != request[name]]:
        raise CondgenError(f"{str(out)!r} holds shards with another {', '.join(other)}; give another --out.")


def members(
    sampler: Sampler, labels: Sequence[Label], count: int, seed: int, start: int, end: int
) -> Iterator[tuple[str, bytes]]:
    """Names and contents of pictures `start` ... `end` - 1 of the request, all of one label after all of another."""
    while start < end:
        which, index = divmod(start, count)
        label, there = labels[which], min(count - index, end - start)
        slug = sampler.spec.labels.slug(label)
        drawn = (picture for batch in sampler.batches([label] * there, seed, index) for picture in batch)
        for number, picture in enumerate(drawn, start=index):
            told = about(sampler, label=sampler.spec.labels.title(label), seed=seed, index=number)
            name = f"{slug}_seed{seed}_{number:08d}"
            yield f"{name}.png", pictures.png(pictures.image(picture), told)
            yield f"{name}.cls", str(label).encode()
            yield f"{name}.json", json.dumps(told).encode()
        start += there


def add(shard: tarfile.TarFile, name: str, data: bytes) -> None:
    """A member without time or owner: equal requests are equal bytes."""
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    shard.addfile(entry, io.BytesIO(data))
