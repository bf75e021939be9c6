"""Which attributes change with the one that is switched: the same noise under both values of each attribute.

    python benchmarks/switching.py RUN --count 400
    python benchmarks/switching.py RUN --seen Blond_Hair,Eyeglasses,Smiling,No_Beard,Pale_Skin

RUN is a run on data with attributes. For each attribute, images are generated with the labels of real images and this
attribute off and on. The feature classifier of the evaluation says whether the attribute is as requested, and which of
the others it sees in both images of a pair. `--seen` names the attributes of the classifier, which may be more than
those of the run: of a run with a single attribute it says what else changes.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from condgen import api
from condgen.data import DataOptions, Dataset, load
from condgen.judging import judge
from condgen.judging.reference import with_test
from condgen.sampling.sampler import Sampler
from condgen.tables import as_table
from condgen.training.source import Recorded


@dataclass(frozen=True)
class Switch:
    """A run and a classifier of its data, which may know more attributes than the run."""

    sampler: Sampler
    seen: judge.Judge
    names: tuple[str, ...]
    """Attributes of the classifier."""
    labels: NDArray[np.int64]
    """Attributes (n, K) of real images."""

    def line(self, name: str) -> dict[str, object]:
        """What happens if the attribute is switched."""
        number = self.names.index(name)
        off, on = (self.predicted(number, value) for value in (0, 1))
        same = np.delete(off == on, number, 1)
        right = ((off[:, number] == 0).mean() + (on[:, number] == 1).mean()) / 2
        return {
            "attribute": name,
            "as requested": round(float(right), 3),
            "others remain, least": round(float(same.mean(0).min()), 3),
            "most": round(float(same.mean(0).max()), 3),
            "all": round(float(same.all(1).mean()), 3),
        }

    def predicted(self, number: int, value: int) -> NDArray[np.int64]:
        """Attributes (n, K) that it sees in images with one attribute set to `value`; image i has seed i."""
        requested = self.labels.copy()
        requested[:, number] = value
        images = [
            self.sampler.sample([self.label(row, number)], count=1, seed=seed)[0]
            for seed, row in enumerate(requested.tolist())
        ]
        shape = (len(images), *self.sampler.spec.shape[1:], -1)
        return np.asarray(self.seen.predict(np.stack(images).reshape(shape)).labels)

    def label(self, row: list[int], number: int) -> int | tuple[int, ...]:
        """The run's label for these attributes of the classifier; a run of one attribute has two classes."""
        known = self.sampler.spec.labels
        if known.kind == "classes":
            return row[number]
        return tuple(row[self.names.index(name)] for name in known.names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seen", help="attributes of the classifier, separated by commas; default: those of the run")
    options = parser.parse_args()
    torch.set_num_threads(1)
    dataset, _ = with_test(data_of(options.run, options.seen))
    split = dataset.test or dataset.train
    labels = np.asarray(split.labels[: options.count]).astype(np.int64)
    sampler = api.load(options.run)
    switch = Switch(sampler, judge.of(dataset, print), dataset.labels.names, labels)
    known = sampler.spec.labels
    names = known.names if known.kind == "attributes" else known.names[1:]  # "not Blond_Hair", "Blond_Hair"
    print(as_table([switch.line(name) for name in names]))


def data_of(run: Path, seen: str | None) -> Dataset:
    """The data of a run, with the attributes of the run or others."""
    if seen is None:
        return api.data_of(run)
    recorded = Recorded.of(run)
    return load(recorded.source, DataOptions(**recorded.options | {"attributes": seen}))


if __name__ == "__main__":
    main()
