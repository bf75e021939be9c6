"""Which attributes change with the one that is switched: the same noise under both values of each attribute.

    python benchmarks/switching.py RUN --count 400

RUN is a run on data with attributes. For each attribute, images are generated with the labels of real images and this
attribute off and on. The feature classifier of the evaluation says whether the attribute is as requested, and which of
the others it sees in both images of a pair.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from condgen import api
from condgen.judging import judge
from condgen.judging.reference import with_test
from condgen.sampling.sampler import Sampler
from condgen.tables import as_table


def switched(sampler: Sampler, seen: judge.Judge, labels: NDArray[np.int64], number: int) -> dict[str, object]:
    """One line: labels (n, K) of real images, of which attribute `number` is switched."""
    off, on = (predicted(sampler, seen, labels, number, value) for value in (0, 1))
    same = np.delete(off == on, number, 1)
    right = ((off[:, number] == 0).mean() + (on[:, number] == 1).mean()) / 2
    name = sampler.spec.labels.names[number]
    return {"attribute": name, "as requested": round(float(right), 3)} | {
        "others remain, least": round(float(same.mean(0).min()), 3),
        "most": round(float(same.mean(0).max()), 3),
        "all": round(float(same.all(1).mean()), 3),
    }


def predicted(
    sampler: Sampler, seen: judge.Judge, labels: NDArray[np.int64], number: int, value: int
) -> NDArray[np.int64]:
    """Attributes (n, K) that the classifier sees in images with one attribute set to `value`; image i has seed i."""
    wanted = labels.copy()
    wanted[:, number] = value
    images = [sampler.sample([tuple(row)], count=1, seed=seed)[0] for seed, row in enumerate(wanted.tolist())]
    return np.asarray(seen.predict(np.stack(images).reshape(len(images), *sampler.spec.shape[1:], -1)).labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--count", type=int, default=400)
    options = parser.parse_args()
    torch.set_num_threads(1)
    dataset, _ = with_test(api.data_of(options.run))
    split = dataset.test or dataset.train
    labels = np.asarray(split.labels[: options.count]).astype(np.int64)
    sampler, seen = api.load(options.run), judge.of(dataset, print)
    print(as_table([switched(sampler, seen, labels, number) for number in range(labels.shape[1])]))


if __name__ == "__main__":
    main()
