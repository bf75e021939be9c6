"""The complete evaluation of a set of images, as plain JSON: what `condgen evaluate` stores and prints.

One key per metric with value, error, n, the same for real images, and a warning if there is one; then one entry per
class, the confusion matrix, the validity check, and the judge and protocol of the evaluation.
"""

import hashlib
import platform
from typing import Any

import numpy
import torch

from condgen import cache, disk
from condgen.judging import protocol
from condgen.judging.inception import fid
from condgen.judging.protocol import GeneratedSet
from condgen.judging.reference import Reference, Samples
from condgen.metrics import METRICS, flag, pixels
from condgen.metrics.estimate import Estimate
from condgen.version import __version__

Evaluation = dict[str, Any]
KEPT = 2
"""Version of the stored metrics of real images."""


def evaluate_samples(
    samples: Samples, reference: Reference, *, cas: bool = True, full: bool = False, inception: str | None = None
) -> Evaluation:
    """Compute all metrics of the protocol. cas, full: see `protocol.evaluate`. inception: weights, to compute FID
    too."""
    generated, facts = GeneratedSet(samples, reference), pixels.facts(samples.images)
    measured = protocol.evaluate(generated, cas=cas, full=full)
    if inception:
        measured["fid"] = fid(samples, reference, inception)
    real = _real(reference, len(samples), cas=cas, full=full)
    return {name: with_real(name, measured[name], real.get(name)) for name in METRICS if name in measured} | {
        "per_class": protocol.per_class(generated),
        "confusion": protocol.confusion(generated),
        "gate": {
            "generated": facts, "real": reference.facts, "troubles": pixels.problems(facts, reference.facts),
        },
        "about": {
            "protocol": protocol.PROTOCOL,
            "images_measured": len(samples),
            "cas": "full" if cas and full else "quick" if cas else None,
            "labels": list(reference.dataset.labels.names),
            "data": {"name": reference.dataset.name, "fingerprint": reference.dataset.fingerprint},
            "judge": reference.judge.to_json(),
            "versions": {
                "condgen": __version__, "torch": torch.__version__, "numpy": numpy.__version__,
                "python": platform.python_version(),
            },
        },
    }  # fmt: skip


def with_real(name: str, number: Estimate, real: Estimate | None) -> dict[str, Any]:
    """A metric for JSON, with its value for real images and its warning."""
    return number.to_json() | {"real": real.to_json() if real else None, "flag": flag(name, number, real)}


def _real(reference: Reference, count: int, *, cas: bool, full: bool) -> dict[str, Estimate]:
    """The metrics of real images, which are stored in the user's cache since they do not change."""
    parts = (KEPT, protocol.PROTOCOL, *METRICS, reference.key, count, cas, full)  # a new metric is measured too
    name = hashlib.sha256(repr(parts).encode()).hexdigest()[:24]
    path = disk.cache() / "real" / f"{name}.json"
    if kept := cache.kept(path):
        return {key: Estimate.from_json(value) for key, value in kept.items()}
    found = protocol.real_estimates(reference, count, cas=cas, full=full)
    cache.keep_if_possible(path, {key: number.to_json() for key, number in found.items()})
    return found
