"""How much numbers of real images vary, how large our error bars are beside that, and what measuring costs.

    python benchmarks/floor.py --out benchmarks/results/floor.json

Disjoint draws of MNIST's training split before its test split. `spread` is 1.96 standard deviations over the draws,
`claimed` the mean of the errors that each draw gives by itself.
"""

import argparse
import time
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from condgen import data
from condgen.disk import write_json
from condgen.judging import judge
from condgen.judging.classifier_score import classifier_score
from condgen.judging.generated_set import GeneratedSet
from condgen.judging.protocol import EVALUATORS, measure
from condgen.judging.reference import Reference, Samples, shuffled, subset
from condgen.training.kernels import environment

COUNTS = (1000, 2000, 5000, 10_000)
DRAWS = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    digits = data.load("mnist")
    found = judge.of(digits)
    seconds = costs(digits, found)
    reference = Reference(digits, found)
    floors = [floor(reference, count) for count in COUNTS]
    write_json(options.out, {"about": environment("cpu"), "cpu_seconds": seconds, "floors": floors})


def floor(reference: Reference, count: int) -> dict[str, Any]:
    """Mean, spread and claimed error of every number over disjoint draws of so many images."""
    order = shuffled(len(reference.dataset.train), "floor")
    draws = min(DRAWS, len(order) // count)
    parts = [subset(reference.dataset.train, order[i * count : (i + 1) * count]) for i in range(draws)]
    measured = [measure(GeneratedSet(Samples(p.images, p.labels), reference), EVALUATORS) for p in parts]
    numbers = {}
    for name, first in measured[0].items():
        values = [number.value for number in (each[name] for each in measured) if number.value is not None]
        if len(values) == draws and first.error is not None:
            claimed = mean(each[name].error or 0 for each in measured)
            numbers[name] = {"mean": mean(values), "spread": 1.96 * stdev(values), "claimed": claimed}
    print(count, {name: round(number["mean"], 3) for name, number in numbers.items()}, flush=True)
    return {"images": count, "draws": draws, "numbers": numbers}


def costs(digits: data.Dataset, found: judge.Judge) -> dict[str, float]:
    """CPU seconds of measuring 10,000 images: everything but CAS, with the reference made anew and kept; and CAS."""
    reference = Reference(digits, found)
    split = reference.other_train(10_000)
    generated = Samples(split.images, split.labels)
    seconds = {}
    for name, evaluators in (
        ("first evaluation", EVALUATORS),
        ("next evaluation", EVALUATORS),
        ("CAS, three seeds", (classifier_score,)),
    ):
        began = time.process_time()
        measure(GeneratedSet(generated, reference), evaluators)
        seconds[name] = round(time.process_time() - began, 2)
        print(name, seconds[name], flush=True)
    return seconds


if __name__ == "__main__":
    main()
