"""All numbers of one set of pictures beside those of real pictures, as plain JSON: what `evaluate` keeps and prints.

A key per number with value, error, n, the same of real pictures and a red flag in words; then a line per class, the
confusion matrix, the gate, and by what judge and protocol all of it was measured.
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
from condgen.judging.reference import Samples, Reference
from condgen.metrics import METRICS, flag, pixels
from condgen.metrics.estimate import Estimate
from condgen.version import __version__

Evaluation = dict[str, Any]
KEPT = 2
"""Of how the numbers of real pictures are kept."""


def evaluate_samples(
    samples: Samples, reference: Reference, *, cas: bool = True, full: bool = False, inception: str | None = None
) -> Evaluation:
    """Measure drawn pictures as the protocol says. inception: weights, for FID proper."""
    generated, facts = GeneratedSet(samples, reference), pixels.facts(samples.pictures)
    measured = protocol.evaluate(generated, cas=cas, full=full)
    if inception:
        measured["fid"] = fid(samples, reference, inception)
    real = _real(reference, len(samples), cas=cas, full=full)
    return {name: with_real(name, measured[name], real.get(name)) for name in METRICS if name in measured} | {
        "per_class": protocol.per_class(generated),
        "confusion": protocol.confusion(generated),
        "gate": {
            "drawn": facts, "real": reference.facts, "troubles": pixels.problems(facts, reference.facts),
        },
        "about": {
            "protocol": protocol.PROTOCOL,
            "pictures_measured": len(samples),
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
    """One number for JSON, with that of real pictures and its red flag."""
    return number.to_json() | {"real": real.to_json() if real else None, "flag": flag(name, number, real)}


def _real(reference: Reference, count: int, *, cas: bool, full: bool) -> dict[str, Estimate]:
    """The numbers of real pictures; they never change, so they are kept in the user's cache."""
    parts = (KEPT, protocol.PROTOCOL, reference.key, count, cas, full)
    name = hashlib.sha256(repr(parts).encode()).hexdigest()[:24]
    path = disk.cache() / "real" / f"{name}.json"
    if kept := cache.kept(path):
        return {key: Estimate.from_json(value) for key, value in kept.items()}
    found = protocol.real_estimates(reference, count, cas=cas, full=full)
    cache.keep_if_possible(path, {key: number.to_json() for key, number in found.items()})
    return found
