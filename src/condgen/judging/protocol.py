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

from collections.abc import Callable
from functools import partial

from condgen.judging import against_training
from condgen.judging.by_label import intra_class_fd, label_metrics
from condgen.judging.classifier_score import FULL_STEPS, classifier_score
from condgen.judging.generated_set import Estimates, GeneratedSet
from condgen.judging.reference import Reference, Samples
from condgen.metrics import frechet, kid, labelling, neighbours, pixels
from condgen.metrics.estimate import Estimate, share

PROTOCOL = "condgen-eval/1"
IMAGES = 10_000
NEAR = 2000
"""Number of generated images whose nearest training image is searched."""
SEARCHED = 10_000
"""Largest training set in which near copies are searched in every evaluation, because it takes under a second."""
Evaluator = Callable[[GeneratedSet], Estimates]


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


def near_copies(generated: GeneratedSet) -> Estimates:
    """Share of images that are nearer to a training image than 99 % of test images are."""
    reference, n = generated.reference, min(NEAR, len(generated.samples), len(generated.reference.split))
    everything = reference.all_train_features
    test, _ = neighbours.nearest(reference.predictions.features[:n], everything)
    ours, _ = neighbours.nearest(generated.predictions.features[:n], everything)
    yield "near_copies", share(int((ours < test.quantile(0.01)).sum()), n)


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
