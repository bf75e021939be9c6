"""Which attributes change with the one that is switched: the same noise under both values of each attribute.

    python benchmarks/switching.py RUN --count 400
    python benchmarks/switching.py RUN --seen Blond_Hair,Eyeglasses,Smiling,No_Beard,Pale_Skin --truncation 0.8

RUN is a run on data with attributes. For each attribute, images are generated with the labels of real images and this
attribute off and on. The feature classifier of the evaluation says whether the attribute is as requested, and which of
the others it sees in both images of a pair. `--seen` names the attributes of the classifier, which may be more than
those of the run: of a run with a single attribute it says what else changes.

`inside` and `outside` are the mean change of a pair in grey levels. Inside is the fifth of the pixels in which the mean
real image with the attribute differs most from the one without it: of hair, where the hair is.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from condgen import api
from condgen.data import DataOptions, Dataset, Split, load
from condgen.judging import judge
from condgen.judging.reference import subset, with_test
from condgen.noise import draw_at
from condgen.sampling.sampler import Sampler
from condgen.tables import as_table
from condgen.training.source import Recorded

PART = 0.2
"""Fraction of the pixels that `inside` is."""


@dataclass(frozen=True)
class Switch:
    """A run and a classifier of its data, which may know more attributes than the run."""

    sampler: Sampler
    seen: judge.Judge
    names: tuple[str, ...]
    """Attributes of the classifier."""
    real: Split
    """Real images and their attributes (n, K)."""

    def line(self, name: str) -> dict[str, object]:
        """What happens if the attribute is switched."""
        number = self.names.index(name)
        without, with_it = (self.generated(number, value) for value in (0, 1))
        off, on = (np.asarray(self.seen.predict(images).labels) for images in (without, with_it))
        same = np.delete(off == on, number, 1)
        right = ((off[:, number] == 0).mean() + (on[:, number] == 1).mean()) / 2
        change, inside = np.abs(with_it.astype(int) - without).mean((0, 3)), self.region(number)
        return {
            "attribute": name,
            "as requested": round(float(right), 3),
            "others remain, least": round(float(same.mean(0).min()), 3),
            "most": round(float(same.mean(0).max()), 3),
            "all": round(float(same.all(1).mean()), 3),
            "inside": round(float(change[inside].mean()), 1),
            "outside": round(float(change[~inside].mean()), 1),
        }

    def region(self, number: int) -> NDArray[np.bool_]:
        """The pixels (h, w) in which the mean real images with and without an attribute differ most."""
        has = self.real.labels[:, number] == 1
        apart = np.abs(self.real.images[has].mean(0) - self.real.images[~has].mean(0)).mean(2)
        return np.asarray(apart >= np.quantile(apart, 1 - PART))

    def generated(self, number: int, value: int) -> NDArray[np.uint8]:
        """Images with the attributes of the real ones, one of them set to `value`; image i has the noise of index i."""
        requested = np.array(self.real.labels, np.int64)
        requested[:, number] = value
        known, z = self.sampler.spec.labels, draw_at(self.sampler.prior, 0, range(len(requested)))
        y = known.encode([self.label(row, number) for row in requested.tolist()])
        return self.sampler.decode(z, torch.from_numpy(y))

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
    parser.add_argument("--truncation", type=float, default=1.0)
    parser.add_argument("--seen", help="attributes of the classifier, separated by commas; default: those of the run")
    options = parser.parse_args()
    torch.set_num_threads(1)
    dataset, _ = with_test(data_of(options.run, options.seen))
    split = dataset.test or dataset.train
    sampler = api.load(options.run, truncation=options.truncation)
    real = subset(split, np.arange(min(options.count, len(split))))
    switch = Switch(sampler, judge.of(dataset, print), dataset.labels.names, real)
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
