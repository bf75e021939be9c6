"""A run on disk.

runs/cvae-mnist/
    config.json     system, settings, data and seed; identifies the run
    env.json        where and when each session of the training ran
    log.jsonl       the logged values; clock.jsonl the seconds; tensorboard/ the same for TensorBoard
    checkpoints/    the last two checkpoints, from which the training resumes
    rescue/         the last two checkpoints at fixed numbers of images, for roll-backs
    rescue-best/    with --roll-back, the checkpoint of the best evaluation without an alarm
    rollbacks.json  when the training was rolled back, and why
    samples/        the class grids over the training, and one of real images
    curves.png      a plot of the logged values
    generator/      weights and card.json, which `condgen.load` reads
    best/           the same for the generator with the best evaluation during training
    alarms.jsonl    the alarms of evaluations during training, in words
    evaluation.json the result of `condgen evaluate`
    published.json  the files of a complete folder, for `condgen doctor`; and a copy of config.json
"""

import base64
import html
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from safetensors.torch import save
from torch import nn

from condgen import disk, folders, marker, parts, records, shell
from condgen.card import Card
from condgen.data import absolute
from condgen.data_options import name_of
from condgen.disk_errors import DiskError
from condgen.errors import CondgenError
from condgen.labels import ANY, Labels
from condgen.options import Option
from condgen.sharing.card import of_training
from condgen.spec import Prior, Spec
from condgen.training import checkpoint, published
from condgen.training.identity import RunConfig as RunConfig
from condgen.training.identity import config_in as config_in
from condgen.training.identity import default_folder as default_folder
from condgen.training.identity import save_identity
from condgen.training.kernels import EXACT as EXACT
from condgen.training.kernels import conditions as conditions
from condgen.training.metric_log import read


class Run:
    """One run folder. `Run.open` creates or resumes it. Every file in it is written atomically."""

    def __init__(
        self, folder: Path, identity: RunConfig, changed: Sequence[str] = (), data_before: str | None = None
    ) -> None:
        """changed: the allowed differences from earlier sessions, in words. data_before: where the data were then."""
        self.folder, self.identity, self.changed = folder, identity, tuple(changed)
        self.data_before = identity.data if data_before is None else absolute(data_before)
        self.exit_code = 0
        """130 or 143 if a signal ended this session before the training was complete."""

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}, {self.identity.system}, {self.images:,} images)"

    def _repr_html_(self) -> str:
        """Representation in a notebook: a summary and the newest class grid."""
        grids = sorted(self.samples.glob("[0-9]*.png"))
        image = base64.b64encode(grids[-1].read_bytes()).decode() if grids else ""
        shown = f'<img alt="newest samples" src="data:image/png;base64,{image}">' if grids else ""
        return f"<p>{html.escape(repr(self))}</p>{shown}"

    @classmethod
    @contextmanager
    def open(cls, folder: Path, identity: RunConfig, allow_changed: bool = False) -> "Iterator[Run]":
        """Context manager that creates the folder or resumes the run in it, and locks it against other processes.

        Raises CondgenError, without changing anything, if the folder contains another training or other files. With
        `allow_changed`, settings and data may differ as long as the networks are the same.
        """
        there = config_in(folder)
        if there is None and folder.exists() and (not folder.is_dir() or any(folder.glob("[!.]*"))):
            raise CondgenError(f"{str(folder)!r} exists and is not a run; give another --out.")
        changed = [*there.differences(identity)] if there else []
        if there and changed and not (allow_changed and there.may_become(identity)):
            insist = ", add --allow-changed to resume anyway," if there.may_become(identity) else ""
            raise CondgenError(
                f"{str(folder)!r} contains a run with {changed[0]}; repeat its command{insist} or give another --out."
            )
        with _locked(folder):
            marker.write(folder, marker.Mark("condgen train"))
            save_identity(folder, identity)
            yield cls(folder, identity, changed, there.data if there else None)

    def check(self) -> None:
        """Raise `Gone` if the folder was deleted or moved: files in a new one would be an incomplete run."""
        folders.check_held(self.folder)

    @property
    def images(self) -> int:
        """Number of training images of the newest checkpoint; 0 if there is none."""
        saved = checkpoint.saved(self.checkpoints)
        return int(saved[-1].name) if saved else 0

    @property
    def log(self) -> list[dict[str, Any]]:
        """The logged values, one entry per line: images, loss/..."""
        return self.newest_log()

    def newest_log(self, lines: int | None = None) -> list[dict[str, Any]]:
        """The newest lines of `log`, or all. Reading few is cheap enough to be done at every log line."""
        return read(self.folder / "log.jsonl", lines)

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def rescue(self) -> Path:
        return self.folder / "rescue"

    @property
    def rescue_best(self) -> Path:
        return self.folder / "rescue-best"

    @property
    def rollbacks(self) -> list[dict[str, Any]]:
        """The roll-backs so far: number, images, cause, the checkpoint rolled back to, and row indices of the data."""
        return records.read_list(self.folder / "rollbacks.json").sound

    def note_rollback(self, entry: Mapping[str, Any]) -> None:
        """Add to `rollbacks`, unless the same roll-back was recorded before the training was killed."""
        if entry["number"] not in [before.get("number") for before in self.rollbacks]:
            records.write_list(self.folder / "rollbacks.json", [*self.rollbacks, entry])

    @property
    def samples(self) -> Path:
        return self.folder / "samples"

    def next_steps(self, labels: Labels) -> str:
        """The location of the images, and commands to continue with. labels: the labels of the generator."""
        one = labels.spelling(labels.each[labels.names.index("8") if "8" in labels.names else -1])
        wish = "" if labels == ANY else f" --labels {shell.word(one)}"
        return "\n".join(
            [
                f"{str(self.folder)!r} is finished: {self.images:,} images seen.",
                f"  images: {self.samples / f'{self.images:012d}.png'}   curves: {self.folder / 'curves.png'}",
                f"  generate images: condgen sample {shell.path(self.folder)}{wish} --count 10 --out samples",
                f"  train longer: repeat the command with more --images than {self.identity.config['images']}",
            ]
        )

    def begin_session(self, images: int, here: Mapping[str, str | int], allow_changed: bool = False) -> list[str]:
        """Record the conditions of this session (`kernels.conditions`) in env.json. Returns messages for the user.

        Raises CondgenError if resuming would not be bit-exact, unless `allow_changed`; the change is then recorded and
        is one of the messages.
        """
        path = self.folder / "env.json"
        sessions = records.read_list(path)
        before = sessions.sound[-1] if images and sessions.sound else {}
        lost = ["env.json was lost"] if images and (sessions.damaged or not before) else []
        moved = [
            f"{name} {before[name]} -> {here[name]}" for name in EXACT if before.get(name, here[name]) != here[name]
        ]
        if lost and not allow_changed:
            raise CondgenError(
                f"{str(path)!r} is {'damaged' if sessions.damaged else 'missing'}: condgen cannot tell whether "
                "resuming on this machine is bit-exact. Add --allow-changed to resume anyway."
            )
        if moved and not allow_changed:
            raise CondgenError(
                f"{str(self.folder)!r} would no longer be bit-exact: {', '.join(moved)}. Restore it, "
                "or add --allow-changed to resume anyway."
            )
        changed = [*self.changed, *lost, *moved]
        session = {"from_images": images, "started": _now(), "argv": sys.argv, "cwd": os.getcwd(), **here}
        records.write_list(path, [*sessions.sound, session | ({"changed": changed} if changed else {})])
        warning = [f"no longer bit-exact, as allowed: {', '.join(changed)}."] if changed else []
        resuming = [f"resuming {str(self.folder)!r} at {images:,} images."] if before else []
        return [*resuming, *self._moved, *warning]

    @property
    def _moved(self) -> list[str]:
        """A message if the same data were elsewhere in the last session."""
        if self.data_before == self.identity.data or self.changed:
            return []
        return [f"the data at {self.identity.data!r} are the same as those at {self.data_before!r} before."]

    def note_files(self, images: int) -> None:
        """Update published.json. images: of the newest checkpoint."""
        published.write(self.folder, self.identity, images)

    def publish(self, net: nn.Module, card: Card, name: str = "generator") -> None:
        """Write generator/ or best/: first the weights under a new name, then the card that names them.

        Old weights are deleted last, so that the card always names an existing file.
        """
        folder = self.folder / name
        weights = folder / f"weights-{card.images:012d}.safetensors"
        disk.write_bytes(weights, weights_of(net))
        card.with_weights(weights.name, disk.sha256(weights)).save(folder / "card.json")
        for old in folder.glob("weights-*.safetensors"):
            if old != weights:
                old.unlink()


def weights_of(net: nn.Module) -> bytes:
    """A network's parameters and buffers as the bytes of a safetensors file."""
    return save({name: value.contiguous() for name, value in net.state_dict().items()})


def card_of(
    identity: RunConfig,
    spec: Spec,
    prior: Prior,
    micro_batch: int,
    images: int,
    options: Sequence[Option] = (),
    **facts: Any,
) -> Card:
    """The card of a generator in training (`sharing.card.of_training`). facts: its other fields, as JSON."""
    own = {
        "system": identity.system,
        "config": identity.config,
        "spec": spec.to_json(),
        "prior": asdict(prior),
        "micro_batch": micro_batch,
        "images": images,
        "seed": identity.seed,
        "data": {"name": name_of(identity.data), "fingerprint": identity.fingerprint}
        | ({"empty": identity.empty} if identity.empty else {}),
        "options": [option.to_json() for option in options],
    }
    return of_training(own | facts)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Context manager that locks the folder. The system releases the lock however the process ends.

    Writing the owner's process ID also shows that the folder is writable.
    """
    owner = folder / parts.OWNER
    folders.forget(folder)
    try:
        disk.make(folder)
        lock = FileLock(folder / ".lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise CondgenError(
            f"another process{parts.owner(folder)} is training in {str(folder)!r}; wait, or give another --out."
        ) from None
    except OSError as error:
        raise DiskError.about(folder, error) from None
    try:
        disk.write_bytes(owner, str(os.getpid()).encode())
        disk.tidy(folder)
        with folders.held(folder):
            yield
    finally:
        with suppress(OSError):
            owner.unlink(missing_ok=True)
        lock.release()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
