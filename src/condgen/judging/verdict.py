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
from condgen.judging.protocol import Exhibit
from condgen.judging.reference import Drawn, Reference
from condgen.metrics import METRICS, flag, pixels
from condgen.metrics.number import Number
from condgen.version import __version__

Evaluation = dict[str, Any]
KEPT = 2
"""Of how the numbers of real pictures are kept."""


def verdict(
    drawn: Drawn, reference: Reference, *, cas: bool = True, full: bool = False, inception: str | None = None
) -> Evaluation:
    """Measure drawn pictures as the protocol says. inception: weights, for FID proper."""
    exhibit, facts = Exhibit(drawn, reference), pixels.facts(drawn.pictures)
    measured = protocol.evaluate(exhibit, cas=cas, full=full)
    if inception:
        measured["fid"] = fid(drawn, reference, inception)
    real = _real(reference, len(drawn), cas=cas, full=full)
    return {name: beside(name, measured[name], real.get(name)) for name in METRICS if name in measured} | {
        "per_class": protocol.per_class(exhibit),
        "confusion": protocol.confusion(exhibit),
        "gate": {
            "drawn": facts, "real": reference.facts, "troubles": pixels.troubles(facts, reference.facts),
        },
        "about": {
            "protocol": protocol.PROTOCOL,
            "pictures_measured": len(drawn),
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


def beside(name: str, number: Number, real: Number | None) -> dict[str, Any]:
    """One number for JSON, with that of real pictures and its red flag."""
    return number.to_json() | {"real": real.to_json() if real else None, "flag": flag(name, number, real)}


def _real(reference: Reference, count: int, *, cas: bool, full: bool) -> dict[str, Number]:
    """The numbers of real pictures; they never change, so they are kept in the user's cache."""
    parts = (KEPT, protocol.PROTOCOL, reference.key, count, cas, full)
    name = hashlib.sha256(repr(parts).encode()).hexdigest()[:24]
    path = disk.cache() / "real" / f"{name}.json"
    if kept := cache.kept(path):
        return {key: Number.from_json(value) for key, value in kept.items()}
    found = protocol.real_numbers(reference, count, cas=cas, full=full)
    cache.keep_if_possible(path, {key: number.to_json() for key, number in found.items()})
    return found
