"""Classification accuracy score (CAS; Ravuri & Vinyals 2019, arXiv 1905.10887).

It is the accuracy on real images of a classifier that was trained on generated ones.
"""

from math import sqrt
from statistics import mean

from condgen.data import Split
from condgen.judging import classifier
from condgen.judging.by_label import NO_LABEL
from condgen.judging.classifier import Recipe
from condgen.judging.generated_set import Estimates, GeneratedSet
from condgen.judging.reference import Reference
from condgen.metrics import labelling
from condgen.metrics.estimate import Estimate, mean_of, refused

CAS_STEPS, FULL_STEPS, CAS_SEEDS = 500, 1400, 3


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


def accuracy_after_training(
    split: Split, reference: Reference, seed: int, steps: int = CAS_STEPS
) -> tuple[Estimate, list[Estimate]]:
    """Accuracy on the real test split of a classifier that is trained on `split`: overall, and per label."""
    recipe = Recipe.for_data(reference.dataset)
    net = classifier.fit(reference.dataset.spec, split, recipe, seed, steps, f"training classifier {seed + 1} of CAS")
    predicted = classifier.predict(net, reference.split.images, reference.dataset.labels).labels
    each = labelling.recalls(reference.labels, predicted, len(reference.dataset.labels))
    return labelling.accuracy(reference.labels, predicted), each


def _with_test_error(over_seeds: Estimate, one: Estimate) -> Estimate:
    """The error over seeds combined with that of the finite test split, which all seeds share."""
    return Estimate(over_seeds.value, sqrt((over_seeds.error or 0) ** 2 + (one.error or 0) ** 2), over_seeds.n)
