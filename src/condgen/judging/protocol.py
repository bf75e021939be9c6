"""The evaluation protocol condgen-eval/1: which metrics are computed, from which images, and how.

Any change that affects values gets a new protocol name.

1. Generate 10,000 images as uint8 with seed 0, by the sampler that users get; label frequencies as in the test split.
2. Validity check: if images have a wrong value range or are mostly equal, other metrics are meaningless. Images from
   other tools are rejected, since they may have been saved incorrectly.
3. Compute the judge's features of the generated images and of the whole shuffled test split.
4. FD, its variants and label accuracy use all images; nearest neighbours use 5,000 on each side; exact copies are
   searched in all training images.
5. CAS: 500 training steps on the generated images, with three seeds; accuracy on the real test split. Near copies: the
   nearest neighbours of 2,000 generated images in all training images.
6. Texture, FD over few features, KID (train) and repeats compare with training images, since these are more than test
   images in a small data set.
7. Compute the same metrics for real images in place of generated ones, as a reference: training images for the metrics
   that compare with test images, test images for those that compare with training images.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from math import sqrt
from statistics import mean
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from condgen.data import Split
from condgen.judging import against_training, classifier
from condgen.judging.classifier import Predictions, Recipe
from condgen.judging.reference import Reference, Samples, shuffled
from condgen.labels import ANY, Label, from_rows
from condgen.metrics import frechet, kid, labelling, neighbours, pixels
from condgen.metrics.estimate import Estimate, mean_of, refused, share
from condgen.progress import tracked
from condgen.sampling.sampler import MICRO_BATCH, Sampler

PROTOCOL = "condgen-eval/1"
IMAGES = 10_000
CAS_STEPS, FULL_STEPS, CAS_SEEDS = 500, 1400, 3
NEAR = 2000
"""Number of generated images whose nearest training image is searched."""
SEARCHED = 10_000
"""Largest training set in which near copies are searched in every evaluation, because it takes under a second."""
FEWEST_TESTED, LARGEST_ERROR = 30, 0.1
"""Real images that the judge was tested on, and the error of its accuracy, which label accuracy needs."""
NO_LABEL = "this generator is unconditional."
Estimates = Iterator[tuple[str, Estimate]]


class GeneratedSet:
    """Generated images with the judge's predictions of them."""

    def __init__(self, samples: Samples, reference: Reference) -> None:
        """The samples are shuffled, so that their first 5,000 are representative even if they were sorted by label."""
        self.samples, self.reference = samples.rows(shuffled(len(samples), "generated")), reference

    @cached_property
    def predictions(self) -> Predictions:
        return self.reference.judge.predict(self.samples.images)

    @cached_property
    def fd_per_class(self) -> list[tuple[str, Estimate]]:
        """Name and FD of each class; see the function `fd_per_class`."""
        return fd_per_class(self)

    @cached_property
    def requested(self) -> Tensor | None:
        """The requested labels, (n,) or (n, K); None for an unconditional generator."""
        return None if self.samples.requested is None else torch.from_numpy(self.samples.requested)


Evaluator = Callable[[GeneratedSet], Estimates]


def generate(sampler: Sampler, reference: Reference, count: int, seed: int) -> Samples:
    """`count` images of a generator. Their labels are those of the test split, in a fixed order."""
    return generate_like(sampler, reference.split, count, seed)


def generate_like(sampler: Sampler, split: Split, count: int, seed: int) -> Samples:
    """`count` images of a generator, with the labels of a split in a fixed order."""
    if sampler.spec.labels == ANY:
        return Samples(images_of(sampler, [0] * count, seed), None)
    requested = np.resize(split.labels, (count, *split.labels.shape[1:]))  # repeated if the split is smaller
    return Samples(images_of(sampler, from_rows(requested), seed), requested)


def images_of(sampler: Sampler, labels: Sequence[Label], seed: int) -> NDArray[np.uint8]:
    """One image of each label, (n, h, w, c), while the progress is shown."""
    title = f"generating {len(labels):,} images"
    return np.concatenate(list(tracked(sampler.batches(labels, seed), title, -(-len(labels) // MICRO_BATCH))))


def evaluate(generated: GeneratedSet, *, cas: bool = False, full: bool = False) -> dict[str, Estimate]:
    """All metrics of the protocol, by their names in `metrics.METRICS`.

    cas: also train classifiers on the generated images and search for near copies in all training images, which takes
    ten times as long as everything else. full: train these classifiers as long as the judge.
    """
    return measure(generated, _evaluators(cas, full))


def measure(generated: GeneratedSet, evaluators: "tuple[Evaluator, ...]") -> dict[str, Estimate]:
    """The metrics of some evaluators."""
    return {name: number for evaluator in evaluators for name, number in evaluator(generated)}


def feature_distances(generated: GeneratedSet) -> Estimates:
    """Distances between the distributions of features."""
    features, reference = generated.predictions.features, generated.reference
    yield "fd", frechet.fd(reference.moments, features)
    yield "fd_inf", frechet.fd_inf(reference.moments, features)
    yield "fd_train", frechet.fd(reference.train_moments, features)
    yield "kid", kid.kid(reference.predictions.features, features)


def nearest_neighbours(generated: GeneratedSet) -> Estimates:
    """Fidelity, diversity and copying, by nearest neighbours."""
    reference = generated.reference
    n = min(reference.sample, len(generated.samples))
    some, real = generated.predictions.features[:n], reference.predictions.features[:n]
    balls = reference.balls if n == reference.sample else neighbours.Balls.around(real)
    yield from neighbours.prdc(balls, some).items()
    yield "copying", neighbours.copying(some, reference.train_predictions.features[:n], real)


def pixel_metrics(generated: GeneratedSet) -> Estimates:
    """Metrics of the pixels."""
    images, reference = generated.samples.images, generated.reference
    yield "exact_copies", pixels.exact_copies(images, reference.dataset.train.images)
    yield "sharpness", pixels.sharpness(images, reference.split.images)


def small_near_copies(generated: GeneratedSet) -> Estimates:
    """Near copies, if searching all training images is quick."""
    if len(generated.reference.dataset.train) <= SEARCHED:
        yield from near_copies(generated)


def label_metrics(generated: GeneratedSet) -> Estimates:
    """Missing classes, class balance and label accuracy."""
    seen, real = generated.predictions.labels, generated.reference.predictions.labels
    labels = len(generated.reference.dataset.labels)
    yield "missing_classes", labelling.missing_classes(seen, real, labels)
    yield "balance", labelling.balance(seen, real, labels)
    why = NO_LABEL if generated.requested is None else uncertain(generated.reference)
    if generated.requested is None or why:
        yield "label_accuracy", refused(why)
    else:
        yield "label_accuracy", labelling.accuracy(generated.requested, seen)


def uncertain(reference: Reference) -> str:
    """Why the judge cannot measure label accuracy: it was tested on too few images to be trusted; '' if it can."""
    tested = reference.judge.accuracy
    if tested.n >= FEWEST_TESTED and (tested.error or 0) <= LARGEST_ERROR:
        return ""
    return (
        f"label accuracy needs a feature classifier whose own accuracy is known to ±{LARGEST_ERROR:g} from at least "
        f"{FEWEST_TESTED} real test images; it is {tested} from {tested.n:,}."
    )


def intra_class_fd(generated: GeneratedSet) -> Estimates:
    """Intra-class FD: mean and maximum over the classes (Miyato & Koyama 2018, arXiv 1802.05637)."""
    each = [number for _, number in generated.fd_per_class if number.n]
    if why := next((number.refused for number in each if number.refused), None if each else NO_LABEL):
        yield from dict.fromkeys(("fd_intra", "fd_intra_max"), refused(why)).items()
        return
    error = sqrt(sum((number.error or 0) ** 2 for number in each)) / len(each)
    yield "fd_intra", Estimate(mean(number.value or 0 for number in each), error, len(generated.samples))
    yield "fd_intra_max", max(each, key=lambda number: number.value or 0)


def fd_per_class(generated: GeneratedSet) -> list[tuple[str, Estimate]]:
    """Name and FD of each class, or of each attribute present and absent. Refused with n = 0 if none was requested."""
    if generated.requested is None:
        return []
    reference, found = generated.reference, []
    real, ours = reference.groups(reference.labels), reference.groups(generated.requested)
    for (name, in_real), (_, in_ours) in zip(real, ours, strict=True):
        count = int(in_ours.sum())
        features = reference.predictions.features[in_real]
        if not count:
            found.append((name, refused("no image of it was requested.")))
        elif why := frechet.too_few(len(features), count, features.shape[1]):
            found.append((name, refused(f"label {name!r}: {why}", count)))
        else:
            found.append((name, frechet.fd(frechet.Moments.of(features), generated.predictions.features[in_ours])))
    return found


def near_copies(generated: GeneratedSet) -> Estimates:
    """Share of images that are nearer to a training image than 99 % of test images are."""
    reference, n = generated.reference, min(NEAR, len(generated.samples), len(generated.reference.split))
    everything = reference.all_train_features
    test, _ = neighbours.nearest(reference.predictions.features[:n], everything)
    ours, _ = neighbours.nearest(generated.predictions.features[:n], everything)
    yield "near_copies", share(int((ours < test.quantile(0.01)).sum()), n)


def classifier_score(generated: GeneratedSet, steps: int = CAS_STEPS) -> Estimates:
    """Classification accuracy score (CAS): accuracy on real images of a classifier that was trained on generated ones
    (Ravuri & Vinyals 2019, arXiv 1905.10887)."""
    if generated.samples.requested is None:
        yield from dict.fromkeys(("cas", "cas_worst"), refused(NO_LABEL)).items()
        return
    split, n = Split(generated.samples.images, generated.samples.requested), len(generated.samples)
    results = [accuracy_after_training(split, generated.reference, seed, steps) for seed in range(CAS_SEEDS)]
    yield "cas", _with_test_error(mean_of([overall.value or 0 for overall, _ in results], n), results[0][0])
    labels = range(len(results[0][1]))
    worst = min(labels, key=lambda label: mean(each[label].value or 0 for _, each in results))
    values = [each[worst].value or 0 for _, each in results]
    yield "cas_worst", _with_test_error(mean_of(values, n), results[0][1][worst])


EVALUATORS: tuple[Evaluator, ...] = (
    intra_class_fd,
    feature_distances,
    nearest_neighbours,
    pixel_metrics,
    label_metrics,
    small_near_copies,
)
AGAINST_TRAINING: tuple[Evaluator, ...] = (against_training.textures, against_training.small_sets)
"""Evaluators that compare with training images, so that real test images give their floor."""


def _evaluators(cas: bool, full: bool) -> tuple[Evaluator, ...]:
    if not cas:
        return (*EVALUATORS, *AGAINST_TRAINING)
    score = partial(classifier_score, steps=FULL_STEPS) if full else classifier_score
    return (*EVALUATORS, *AGAINST_TRAINING, score, near_copies)


def accuracy_after_training(
    split: Split, reference: Reference, seed: int, steps: int = CAS_STEPS
) -> tuple[Estimate, list[Estimate]]:
    """Accuracy on the real test split of a classifier that is trained on `split`: overall, and per label."""
    recipe = Recipe.for_data(reference.dataset)
    net = classifier.fit(reference.dataset.spec, split, recipe, seed, steps, f"training classifier {seed + 1} of CAS")
    predicted = classifier.predict(net, reference.split.images, reference.dataset.labels).labels
    each = labelling.recalls(reference.labels, predicted, len(reference.dataset.labels))
    return labelling.accuracy(reference.labels, predicted), each


def real_estimates(reference: Reference, count: int, *, cas: bool = False, full: bool = False) -> dict[str, Estimate]:
    """The same metrics for real images in place of generated ones, as a reference: the floor of each metric.

    They are training images for the metrics that compare with test images, and test images for the others. Label
    accuracy is that of test images, since the judge was trained on the training images.
    """
    split, test = reference.other_train(count), reference.split
    generated = GeneratedSet(Samples(split.images, split.labels), reference)
    found = measure(generated, tuple(each for each in _evaluators(cas, full) if each not in AGAINST_TRAINING))
    found |= measure(GeneratedSet(Samples(test.images[:count], test.labels[:count]), reference), AGAINST_TRAINING)
    found["label_accuracy"] = labelling.accuracy(reference.labels, reference.predictions.labels)
    found["exact_copies"] = pixels.exact_copies(test.images, reference.dataset.train.images)
    if "near_copies" in found:
        found["near_copies"] = share(round(0.01 * len(test)), len(test))  # by definition
    return found


def confusion(generated: GeneratedSet) -> list[list[int]] | None:
    """Confusion matrix of counts: one row per requested class, one column per predicted one; None without classes."""
    if generated.requested is None or generated.requested.ndim == 2:
        return None
    return labelling.confusion(
        generated.requested, generated.predictions.labels, len(generated.reference.dataset.labels)
    )


def per_class(generated: GeneratedSet) -> list[dict[str, Any]]:
    """For each class, or attribute present and absent: number of images, label accuracy, FD, precision and recall."""
    if generated.requested is None:
        return []
    reference, lines = generated.reference, []
    real, ours = reference.groups(reference.labels), reference.groups(generated.requested)
    distances = generated.fd_per_class
    for number, ((name, in_real), (_, in_ours)) in enumerate(zip(real, ours, strict=True)):
        n = min(int(in_real.sum()), int(in_ours.sum()), 1000)
        near = neighbours.prdc(
            neighbours.Balls.around(reference.predictions.features[in_real][:n]),
            generated.predictions.features[in_ours][:n],
        )
        numbers = {"label_accuracy": _accuracy_within(generated, number, in_ours), "fd": distances[number][1]}
        numbers |= {key: near[key] for key in ("precision", "recall")}
        numbers |= against_training.detail_within(generated, in_ours, number)
        lines.append({"label": name, "images": int(in_ours.sum())} | _json(numbers))
    return lines


def _accuracy_within(generated: GeneratedSet, number: int, group: Tensor) -> Estimate:
    """Label accuracy within a group, given as a mask. Attributes have two groups each, present and absent."""
    if generated.requested is None or not group.any():
        return refused("no image of it was requested.")
    if why := uncertain(generated.reference):
        return refused(why)
    right = (generated.requested == generated.predictions.labels)[group]
    right = right if right.ndim == 1 else right[:, number // 2]
    return share(int(right.sum()), len(right))


def _with_test_error(over_seeds: Estimate, one: Estimate) -> Estimate:
    """The error over seeds combined with that of the finite test split, which all seeds share."""
    return Estimate(over_seeds.value, sqrt((over_seeds.error or 0) ** 2 + (one.error or 0) ** 2), over_seeds.n)


def _json(numbers: dict[str, Estimate]) -> dict[str, Any]:
    return {name: number.to_json() for name, number in numbers.items()}
