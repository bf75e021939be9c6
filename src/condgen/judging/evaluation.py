"""Computes the complete evaluation of a set of images."""

import hashlib
import platform

import numpy
import torch

from condgen import cache, disk
from condgen.evaluation import About, DataFacts, Evaluation, Gate, JudgeFacts, MetricResult
from condgen.judging import by_label, protocol
from condgen.judging.generated_set import GeneratedSet
from condgen.judging.inception import fid
from condgen.judging.reference import Reference, Samples
from condgen.metrics import METRICS, pixels
from condgen.metrics.estimate import Estimate
from condgen.version import __version__

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
    return Evaluation(
        {name: MetricResult.of(name, measured[name], real.get(name)) for name in METRICS if name in measured},
        _about(reference, len(samples), "full" if cas and full else "quick" if cas else None),
        by_label.per_class(generated),
        by_label.confusion(generated),
        Gate(generated=facts, real=reference.facts, troubles=pixels.problems(facts, reference.facts)),
    )


def _about(reference: Reference, count: int, cas: str | None) -> About:
    dataset = reference.dataset
    return About(
        protocol=protocol.PROTOCOL,
        images_measured=count,
        cas=cas,
        labels=list(dataset.labels.names),
        data=DataFacts(name=dataset.name, fingerprint=dataset.fingerprint),
        judge=JudgeFacts(**reference.judge.to_json()),
        versions={
            "condgen": __version__, "torch": torch.__version__, "numpy": numpy.__version__,
            "python": platform.python_version(),
        },
    )  # fmt: skip


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
