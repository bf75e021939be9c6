"""The judge: a small classifier of real images, whose last hidden layer gives the features of all metrics.

FD under two trainings of one recipe differs by up to 70 %, so the weights are fixed: those for MNIST and Fashion-MNIST
are in weights/ beside this file (made by tools/train_judges.py); for other data, a judge is trained once on the
training split and stored in the user's cache. Every report states the judge and the SHA-256 of its weights.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from safetensors.torch import load, save
from torch import nn

from condgen import cache, disk, records
from condgen.data import Dataset
from condgen.disk_errors import DiskError
from condgen.judging.classifier import Predictions, Recipe, classifier, fit, predict
from condgen.labels import Labels
from condgen.metrics import labelling
from condgen.metrics.estimate import Estimate
from condgen.spec import Spec

PINNED = Path(__file__).parent / "weights"
VERSION = 2
"""Version of the training recipe; part of the name of every judge."""


@dataclass(frozen=True)
class Judge:
    """A trained classifier in eval mode, with a name for reports."""

    name: str
    net: nn.Sequential
    labels: Labels
    sha256: str
    accuracy: Estimate
    """Accuracy on real test images."""

    def predict(self, images: NDArray[np.uint8]) -> Predictions:
        """Features, logits and labels of images, uint8 (n, h, w, c)."""
        return predict(self.net, images, self.labels)

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "sha256": self.sha256, "accuracy": self.accuracy.to_json()}


def find(dataset: Dataset) -> Judge | None:
    """The judge of this data set, if it is in the package or in the cache; else None."""
    found = (_read(folder, dataset) for folder in _places(dataset))
    return next(filter(None, found), None)


def is_pinned(dataset: Dataset) -> bool:
    """Whether the package contains a judge for this data set."""
    return any(_read(folder, dataset) for folder in _places(dataset)[:-1])


def of(dataset: Dataset, say: Callable[[str], None] = lambda text: None) -> Judge:
    """The judge of this data set; it is trained and cached if there is none yet."""
    if found := find(dataset):
        return found
    folder = _places(dataset)[-1]
    with _alone(folder, say):  # another process may have trained it meanwhile
        return find(dataset) or train(dataset, Recipe.for_data(dataset), folder, say)


def train(
    dataset: Dataset, recipe: Recipe, folder: Path, say: Callable[[str], None] = lambda text: None, name: str = ""
) -> Judge:
    """Train a judge on the training split and write it to `folder`; if that fails, say so and continue. say: called
    with progress messages."""
    steps = recipe.steps(len(dataset.train))
    say(f"training a feature classifier on the {len(dataset.train):,} real images of {dataset.name!r} ({steps} steps).")
    net = fit(dataset.spec, dataset.train, recipe, seed=0, what="training the feature classifier")
    weights = save({key: value.contiguous() for key, value in net.state_dict().items()})
    test = dataset.test or dataset.train
    seen = predict(net, test.images, dataset.labels)
    accuracy = labelling.accuracy(torch.from_numpy(test.labels), seen.labels)
    card = {
        "name": name or f"judge-{dataset.fingerprint[:8]}-v{VERSION}",
        "fingerprint": dataset.fingerprint,
        "spec": dataset.spec.to_json(),
        "recipe": asdict(recipe),
        "accuracy": accuracy.to_json(),
        "sha256": hashlib.sha256(weights).hexdigest(),
    }
    try:
        with cache.writing(folder):
            disk.write_bytes(folder / "judge.safetensors", weights)
            records.write(folder / "judge.json", card)
    except DiskError as error:
        say(f"the feature classifier is used, but not stored for the next time: {error}")
    say(f"feature classifier {card['name']}: accuracy {accuracy} on real test images.")
    return _judge(card, weights)


@contextmanager
def _alone(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of a judge's folder; waits for another holder. Without a lock if the cache cannot be written."""
    lock = FileLock(f"{folder}.lock")
    with suppress(OSError):
        disk.make(folder.parent)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say("another process is training the feature classifier of these data; waiting for it ...")
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _places(dataset: Dataset) -> list[Path]:
    """Folders that may contain the judge of this data set; the last one is where a new judge is stored."""
    cache = disk.cache() / "judges" / f"{dataset.fingerprint[:16]}-v{VERSION}"
    return [*(path for path in sorted(PINNED.glob("*")) if path.is_dir()), cache]


def _read(folder: Path, dataset: Dataset) -> Judge | None:
    """The judge in a folder; None if it belongs to other data, or is damaged (it is then trained again)."""
    try:
        card = json.loads((folder / "judge.json").read_text(encoding="utf-8"))
        if card["fingerprint"] != dataset.fingerprint:
            return None
        seal = card.pop(records.SEAL, None)
        if folder.parent != PINNED and seal != records.seal_of(card):
            return None
        weights = (folder / "judge.safetensors").read_bytes()
        return _judge(card, weights) if hashlib.sha256(weights).hexdigest() == card["sha256"] else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _judge(card: dict[str, Any], weights: bytes) -> Judge:
    spec = Spec.from_json(card["spec"])
    net = classifier(spec, card["recipe"]["width"])
    net.load_state_dict(load(weights))
    net.eval().requires_grad_(False)
    return Judge(card["name"], net, spec.labels, card["sha256"], Estimate.from_json(card["accuracy"]))
