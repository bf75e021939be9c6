"""A run on disk.

runs/cvae-mnist/
    config.json     what is trained: system, settings, data, seed; the run's identity
    env.json        where and when each session of it ran
    log.jsonl       the logged numbers; clock.jsonl the seconds; tensorboard/ the same to watch
    checkpoints/    the last two states to go on from
    samples/        the class grid every so many images, and one of real pictures
    curves.png      the logged numbers as a picture
    generator/      what `condgen.load` reads: weights and card.json
    best/           the same of the best evaluation while training
    alarms.jsonl    what the evaluations found wrong, in words
    evaluation.json what `condgen evaluate` found
"""

import json
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy
import torch
from filelock import FileLock, Timeout
from safetensors.torch import save
from torch import nn

from condgen import checkpoint, disk
from condgen.errors import CondgenError
from condgen.labels import ANY, Labels
from condgen.logbook import read
from condgen.spec import Spec
from condgen.version import __version__

FORMAT = 1


@dataclass(frozen=True)
class Identity:
    """What makes two runs the same training, save for their length."""

    system: str
    config: dict[str, Any]
    data: str
    fingerprint: str
    spec: dict[str, Any]
    seed: int
    labels: str | None = None
    """Of a data set with attributes, those that were chosen."""
    size: int | None = None
    """Side that picture files were scaled to."""
    fit: Literal["crop", "pad", "stretch"] = "crop"
    """How they became square."""
    finetuned_from: str | None = None
    """The state of another run that this one began from."""

    def difference(self, other: "Identity") -> str | None:
        """In words, the first thing that differs from `other`; None if the same training could go on."""
        ours, theirs = (asdict(x) | asdict(x).pop("config") for x in (self, other))
        for name in sorted(ours, key="fingerprint".__eq__):
            if name not in ("config", "images", "data", "spec") and ours[name] != theirs.get(name):
                if name == "fingerprint":
                    return f"other pictures or labels in {self.data!r}"
                return f"{name}={ours[name]}, not {theirs.get(name)}"
        return None


class Run:
    """One run folder. `Run.open` makes or continues it; everything in it is written whole or not at all."""

    def __init__(self, folder: Path, identity: Identity) -> None:
        self.folder, self.identity = folder, identity

    @classmethod
    @contextmanager
    def open(cls, folder: Path, identity: Identity) -> "Iterator[Run]":
        """Make the folder, or continue the run that is in it, and keep other processes out meanwhile.

        Raises CondgenError, having changed nothing, if the folder holds another training or anything else.
        """
        there = identity_in(folder)
        if there is None and folder.exists() and (not folder.is_dir() or any(folder.glob("[!.]*"))):
            raise CondgenError(f"{str(folder)!r} exists and is no run; give another --out.")
        if there and (difference := there.difference(identity)):
            raise CondgenError(
                f"{str(folder)!r} holds a run with {difference}; repeat its own command or give another --out."
            )
        with _locked(folder):
            disk.write_json(folder / "config.json", {"condgen": __version__, "format": FORMAT, **asdict(identity)})
            yield cls(folder, identity)

    @property
    def images(self) -> int:
        """Images seen up to the newest checkpoint."""
        saved = checkpoint.saved(self.checkpoints)
        return int(saved[-1].name) if saved else 0

    @property
    def log(self) -> list[dict[str, Any]]:
        """The logged numbers, one entry per line: images, loss/..."""
        return read(self.folder / "log.jsonl")

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def samples(self) -> Path:
        return self.folder / "samples"

    def next_steps(self, labels: Labels) -> str:
        """Where the pictures are, and what to type now. labels: that the generator can be asked for."""
        one = "8" if "8" in labels.names else labels.slug(labels.each[-1])
        wish = "" if labels == ANY else f" --labels {one}"
        return "\n".join(
            [
                f"{str(self.folder)!r} is finished: {self.images:,} images seen.",
                f"  pictures: {self.samples / f'{self.images:012d}.png'}   curves: {self.folder / 'curves.png'}",
                f"  draw some: condgen sample {self.folder}{wish} --count 10 --out drawn",
                f"  train on:  the same command with a larger --images than {self.identity.config['images']}",
            ]
        )

    def begin_session(self, images: int, device: str) -> list[str]:
        """Note where this session runs; returns what a person should know when it goes on with an earlier one."""
        path = self.folder / "env.json"
        sessions = json.loads(path.read_text()) if path.exists() else []
        here = environment(device)
        disk.write_json(path, [*sessions, {"from_images": images, "started": _now(), "argv": sys.argv, **here}])
        if not sessions or not images:
            return []
        before = sessions[-1]
        changed = [f"{name} {before.get(name)} -> {here[name]}" for name in here if before.get(name) != here[name]]
        warning = [f"no longer bit-exact: {', '.join(changed)}."] if changed else []
        return [f"going on with {str(self.folder)!r} at {images:,} images.", *warning]

    def publish(self, net: nn.Module, card: Mapping[str, Any], name: str = "generator") -> None:
        """Write generator/ or best/: the weights under a name of their own, then the card that names them, then tidy
        up."""
        folder = self.folder / name
        weights = folder / f"weights-{card['images']:012d}.safetensors"
        disk.write_bytes(weights, save({name: value.contiguous() for name, value in net.state_dict().items()}))
        disk.write_json(folder / "card.json", {"condgen": __version__, "format": FORMAT} | dict(card) | {
            "weights": weights.name, "sha256": disk.sha256(weights),
        })  # fmt: skip
        for old in folder.glob("weights-*.safetensors"):
            if old != weights:
                old.unlink()


def identity_in(folder: Path) -> Identity | None:
    """The identity of the run in `folder`; None if it holds none."""
    path = folder / "config.json"
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text())
        if content["format"] > FORMAT:
            raise CondgenError(f"{str(folder)!r} was written by condgen {content['condgen']}; upgrade to read it.")
        known = {name: content[name] for name in Identity.__dataclass_fields__ if name in content}
        return Identity(**known)
    except (ValueError, KeyError, TypeError):
        raise CondgenError(f"{str(path)!r} is no run's config.json; give another --out.") from None


def default_folder(identity: Identity, root: Path = Path("runs")) -> Path:
    """runs/<system>-<data>, or the first of -2, -3 ... that is free or holds this same training."""
    name = f"{identity.system}-{Path(identity.data).stem or 'data'}"
    number = 1
    while True:
        folder = root / (name if number == 1 else f"{name}-{number}")
        there = identity_in(folder)
        if (there is None and not folder.exists()) or (there and not there.difference(identity)):
            return folder
        number += 1


def card_of(identity: Identity, spec: Spec, prior: dict[str, Any], micro_batch: int, images: int) -> dict[str, Any]:
    """All that is needed to draw from the weights beside it."""
    return {
        "system": identity.system,
        "config": identity.config,
        "spec": spec.to_json(),
        "prior": prior,
        "micro_batch": micro_batch,
        "images": images,
        "seed": identity.seed,
        "data": {"name": identity.data, "fingerprint": identity.fingerprint},
    }


def environment(device: str) -> dict[str, str | int]:
    """What has to stay equal for a resumed training to be bit-exact."""
    return {
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "device": device,
        "threads": torch.get_num_threads(),
    }


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which falls with the process, however that ends."""
    owner = folder / ".owner"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        lock.acquire(timeout=0)
    except Timeout:
        who = f" (pid {owner.read_text()})" if owner.exists() else ""
        raise CondgenError(
            f"another process{who} is training in {str(folder)!r}; wait, or give another --out."
        ) from None
    except OSError as error:
        raise CondgenError(f"cannot write {str(folder)!r}: {error.strerror or error}.") from None
    try:
        owner.write_text(str(os.getpid()))
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
