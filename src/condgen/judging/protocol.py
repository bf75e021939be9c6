"""The protocol condgen-eval/1: which numbers are taken of which pictures, and how. A change of meaning is a new name.

1. M pictures (10,000), labels as the test split has them, seed 0, as uint8 through the sampler that users get.
2. The gate: of pictures out of range or all alike no number means much. It speaks first, and stops pictures from
   outside, which may have been saved wrongly.
3. The judge's features of drawn pictures and of the whole shuffled test split.
4. FD, its kin and label accuracy over all; nearest neighbours over 5,000 on each side; exact copies over all training
   pictures.
5. CAS: 500 steps on the drawn pictures, three seeds, tested on the real test split. Near copies: the nearest of all
   training pictures, for 2,000 drawn ones.
6. The same of real training pictures in the place of drawn ones, since no number speaks without that.
"""

from collections.abc import Callable, Iterator
from functools import cached_property, partial
from math import sqrt
from statistics import mean
from typing import Any

import numpy as np
import torch
from torch import Tensor

from condgen.data import Split
from condgen.drawing.sampler import Sampler
from condgen.judging import classifier
from condgen.judging.classifier import Predictions, Recipe
from condgen.judging.reference import Reference, Samples, shuffled
from condgen.labels import ANY, Label
from condgen.metrics import frechet, kid, labelling, neighbours, pixels
from condgen.metrics.estimate import Estimate, mean_of, refused, share

PROTOCOL = "condgen-eval/1"
PICTURES = 10_000
CAS_STEPS, FULL_STEPS, CAS_SEEDS = 500, 1400, 3
NEAR = 2000
"""Pictures that are looked for among all training pictures."""
NO_LABEL = "this generator takes no label."
Estimates = Iterator[tuple[str, Estimate]]


class GeneratedSet:
    """Samples pictures before the judge."""

    def __init__(self, samples: Samples, reference: Reference) -> None:
        """They are put into another order, so that the first 5,000 are like the rest even if they came sorted."""
        self.samples, self.reference = samples.rows(shuffled(len(samples), "drawn")), reference

    @cached_property
    def predictions(self) -> Predictions:
        return self.reference.judge.predict(self.samples.pictures)

    @cached_property
    def requested(self) -> Tensor | None:
        """Labels asked for, (n,) or (n, K)."""
        return None if self.samples.requested is None else torch.from_numpy(self.samples.requested)


Evaluator = Callable[[GeneratedSet], Estimates]


def generate(sampler: Sampler, reference: Reference, count: int, seed: int) -> Samples:
    """So many pictures of a generator, their labels in the proportions of the test split, in a fixed order."""
    if sampler.spec.labels == ANY:
        return Samples(np.concatenate(list(sampler.batches([0] * count, seed))), None)
    requested = np.resize(reference.split.labels, (count, *reference.split.labels.shape[1:]))  # over again if too short
    labels: list[Label] = [tuple(row) for row in requested.tolist()] if requested.ndim == 2 else requested.tolist()
    return Samples(np.concatenate(list(sampler.batches(labels, seed))), requested)


def evaluate(generated: GeneratedSet, *, cas: bool = False, full: bool = False) -> dict[str, Estimate]:
    """Every number of the protocol by its name in `metrics.METRICS`.

    cas: also train classifiers on the drawn pictures and look for near copies among all training pictures, which takes
    ten times as long as all the rest. full: train them as long as the judge.
    """
    return measure(generated, _evaluators(cas, full))


def measure(generated: GeneratedSet, evaluators: "tuple[Evaluator, ...]") -> dict[str, Estimate]:
    """The numbers of some evaluators, whatever the pictures look like."""
    return {name: number for evaluator in evaluators for name, number in evaluator(generated)}


def feature_distances(generated: GeneratedSet) -> Estimates:
    """How far the clouds of features are apart."""
    features, reference = generated.predictions.features, generated.reference
    yield "fd", frechet.fd(reference.moments, features)
    yield "fd_inf", frechet.fd_inf(reference.moments, features)
    yield "fd_train", frechet.fd(reference.train_moments, features)
    yield "kid", kid.kid(reference.predictions.features, features)


def nearest_neighbours(generated: GeneratedSet) -> Estimates:
    """Fidelity and diversity apart, and copying, from nearest neighbours."""
    reference = generated.reference
    n = min(reference.sample, len(generated.samples))
    some, real = generated.predictions.features[:n], reference.predictions.features[:n]
    balls = reference.balls if n == reference.sample else neighbours.Balls.around(real)
    yield from neighbours.prdc(balls, some).items()
    yield "copying", neighbours.copying(some, reference.train_predictions.features[:n], real)


def pixel_metrics(generated: GeneratedSet) -> Estimates:
    """What the pixels say."""
    pictures, reference = generated.samples.pictures, generated.reference
    yield "exact_copies", pixels.exact_copies(pictures, reference.dataset.train.images)
    yield "sharpness", pixels.sharpness(pictures, reference.split.images)


def label_metrics(generated: GeneratedSet) -> Estimates:
    """Whether labels are followed, and every one of them drawn."""
    seen, real = generated.predictions.labels, generated.reference.predictions.labels
    labels = len(generated.reference.dataset.labels)
    yield "missing_classes", Estimate(len(labelling.missing(seen, real, labels)), None, len(seen))
    yield "balance", labelling.balance(seen, real, labels)
    yield (
        "label_accuracy",
        refused(NO_LABEL) if generated.requested is None else labelling.accuracy(generated.requested, seen),
    )


def intra_class_fd(generated: GeneratedSet) -> Estimates:
    """FD within each class: its mean, and the worst (Miyato & Koyama 2018, arXiv 1802.05637)."""
    requested = [number for _, number in fd_per_class(generated) if number.n]
    if why := next((number.refused for number in requested if number.refused), None if requested else NO_LABEL):
        yield from dict.fromkeys(("fd_intra", "fd_intra_max"), refused(why)).items()
        return
    error = sqrt(sum((number.error or 0) ** 2 for number in requested)) / len(requested)
    yield "fd_intra", Estimate(mean(number.value or 0 for number in requested), error, len(generated.samples))
    yield "fd_intra_max", max(requested, key=lambda number: number.value or 0)


def fd_per_class(generated: GeneratedSet) -> list[tuple[str, Estimate]]:
    """FD of each class, or of each attribute on and off; refused, with n of 0, where none was asked for."""
    if generated.requested is None:
        return []
    reference, found = generated.reference, []
    real, drawn = reference.groups(reference.labels), reference.groups(generated.requested)
    for (name, among_real), (_, among_drawn) in zip(real, drawn, strict=True):
        count = int(among_drawn.sum())
        features = reference.predictions.features[among_real]
        if not count:
            found.append((name, refused("none was asked for.")))
        elif why := frechet.too_few(len(features), count, features.shape[1]):
            found.append((name, refused(f"of label {name!r}: {why}", count)))
        else:
            found.append((name, frechet.fd(frechet.Moments.of(features), generated.predictions.features[among_drawn])))
    return found


def near_copies(generated: GeneratedSet) -> Estimates:
    """Share of pictures that come nearer to some training picture than all but 1 % of test pictures do."""
    reference, n = generated.reference, min(NEAR, len(generated.samples), len(generated.reference.split))
    everything = reference.all_train_features
    usual, _ = neighbours.nearest(reference.predictions.features[:n], everything)
    mine, _ = neighbours.nearest(generated.predictions.features[:n], everything)
    yield "near_copies", share(int((mine < usual.quantile(0.01)).sum()), n)


def classifier_score(generated: GeneratedSet, steps: int = CAS_STEPS) -> Estimates:
    """CAS: what a classifier learns from drawn pictures alone (Ravuri & Vinyals 2019, arXiv 1905.10887)."""
    if generated.samples.requested is None:
        yield from dict.fromkeys(("cas", "cas_worst"), refused(NO_LABEL)).items()
        return
    split, n = Split(generated.samples.pictures, generated.samples.requested), len(generated.samples)
    lessons = [accuracy_after_training(split, generated.reference, seed, steps) for seed in range(CAS_SEEDS)]
    yield "cas", _with_test_error(mean_of([overall.value or 0 for overall, _ in lessons], n), lessons[0][0])
    labels = range(len(lessons[0][1]))
    worst = min(labels, key=lambda label: mean(each[label].value or 0 for _, each in lessons))
    values = [each[worst].value or 0 for _, each in lessons]
    yield "cas_worst", _with_test_error(mean_of(values, n), lessons[0][1][worst])


EVALUATORS: tuple[Evaluator, ...] = (
    intra_class_fd,
    feature_distances,
    nearest_neighbours,
    pixel_metrics,
    label_metrics,
)


def _evaluators(cas: bool, full: bool) -> tuple[Evaluator, ...]:
    if not cas:
        return EVALUATORS
    useful = partial(classifier_score, steps=FULL_STEPS) if full else classifier_score
    return (*EVALUATORS, useful, near_copies)


def accuracy_after_training(
    split: Split, reference: Reference, seed: int, steps: int = CAS_STEPS
) -> tuple[Estimate, list[Estimate]]:
    """Accuracy on the real test split of a classifier trained on `split`: overall, and per class."""
    recipe = Recipe.for_data(reference.dataset)
    net = classifier.fit(reference.dataset.spec, split, recipe, seed, steps)
    seen = classifier.predict(net, reference.split.images, reference.dataset.labels).labels
    each = labelling.recalls(reference.labels, seen, len(reference.dataset.labels))
    return labelling.accuracy(reference.labels, seen), each


def real_estimates(reference: Reference, count: int, *, cas: bool = False, full: bool = False) -> dict[str, Estimate]:
    """The same numbers of real training pictures in the place of drawn ones: floors and ceilings.

    Label accuracy is that of test pictures, since the judge has learnt the training ones by heart.
    """
    split = reference.other_train(count)
    generated = GeneratedSet(Samples(split.images, split.labels), reference)
    found = measure(generated, _evaluators(cas, full))
    test = reference.split
    found["label_accuracy"] = labelling.accuracy(reference.labels, reference.predictions.labels)
    found["exact_copies"] = pixels.exact_copies(test.images, reference.dataset.train.images)
    if cas:
        found["near_copies"] = share(round(0.01 * len(test)), len(test))  # by its definition
    return found


def confusion(generated: GeneratedSet) -> list[list[int]] | None:
    """Counts, a row per class asked for, a column per class seen; None without classes."""
    if generated.requested is None or generated.requested.ndim == 2:
        return None
    return labelling.confusion(
        generated.requested, generated.predictions.labels, len(generated.reference.dataset.labels)
    )


def per_class(generated: GeneratedSet) -> list[dict[str, Any]]:
    """A line per class, or per attribute on and off: pictures, label accuracy, FD, precision and recall."""
    if generated.requested is None:
        return []
    reference, lines = generated.reference, []
    real, drawn, distances = (
        reference.groups(reference.labels),
        reference.groups(generated.requested),
        fd_per_class(generated),
    )
    for number, ((name, among_real), (_, among_drawn)) in enumerate(zip(real, drawn, strict=True)):
        n = min(int(among_real.sum()), int(among_drawn.sum()), 1000)
        near = neighbours.prdc(
            neighbours.Balls.around(reference.predictions.features[among_real][:n]),
            generated.predictions.features[among_drawn][:n],
        )
        numbers = {"label_accuracy": _right(generated, number, among_drawn), "fd": distances[number][1]}
        numbers |= {key: near[key] for key in ("precision", "recall")}
        lines.append({"label": name, "pictures": int(among_drawn.sum())} | _json(numbers))
    return lines


def _right(generated: GeneratedSet, number: int, mine: Tensor) -> Estimate:
    """Share of the pictures of a group that show it; groups of attributes come by twos, on and off."""
    if generated.requested is None or not mine.any():
        return refused("none was asked for.")
    right = (generated.requested == generated.predictions.labels)[mine]
    right = right if right.ndim == 1 else right[:, number // 2]
    return share(int(right.sum()), len(right))


def _with_test_error(over_seeds: Estimate, one: Estimate) -> Estimate:
    """The error over seeds joined by that of the finite test split, which the seeds share."""
    return Estimate(over_seeds.value, sqrt((over_seeds.error or 0) ** 2 + (one.error or 0) ** 2), over_seeds.n)


def _json(numbers: dict[str, Estimate]) -> dict[str, Any]:
    return {name: number.to_json() for name, number in numbers.items()}
