"""Generates images for rare classes, measures whether they improve a classifier, and chooses what to train on.

The output folder appears under its name once all of its images are written; the measurement follows. Repeating the
command resumes either part, and keeps the images and classifiers that are finished.

images.py   how many images of each class, and their folder
arms.py     the training sets that are compared                  proof.py   the measurement and the choice
reasons.py  what is wrong with the images            table.py    the chosen training set as a table
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from condgen import api, measuring
from condgen.augmentation import images
from condgen.data_options import AS_THEY_ARE, DataOptions, DataSource
from condgen.errors import CondgenError, aloud
from condgen.result import Result
from condgen.tables import as_table

if TYPE_CHECKING:
    from condgen.augmentation.proof import Proof
    from condgen.data import Dataset
    from condgen.judging.reference import Samples


@dataclass(frozen=True, repr=False)
class Augmentation(Result):
    """Generated images that were added to a data set, and whether they help."""

    folder: Path
    generated: Mapping[str, int]
    """Number of generated images by class."""
    proof: "Proof | None" = None
    """The gain of a classifier; None if it was not measured."""
    test_split_held_out: bool = False
    """Whether the data have no test split, so that the generator may have seen the images of the measurement."""

    def to_json(self) -> dict[str, Any]:
        """The content of gain.json."""
        made = {"folder": str(self.folder), "generated": dict(self.generated)}
        return made | (self.proof.to_json() | {"test_split_held_out": self.test_split_held_out} if self.proof else {})

    def __repr__(self) -> str:
        said = f", {self.proof.verdict}" if self.proof else ""
        return f"Augmentation({str(self.folder)!r}, {sum(self.generated.values()):,} images{said})"

    def __str__(self) -> str:
        counts = as_table([{"label": name, "generated": count} for name, count in self.generated.items()])
        return f"{self.proof.verdict}\n\n{self.proof}\n\n{counts}" if self.proof else counts


def augment(
    data: DataSource,
    *,
    run: str,
    balance: bool = False,
    per_class: int | None = None,
    out: str | Path | None = None,
    data_options: DataOptions = AS_THEY_ARE,
    seed: int = 0,
    no_proof: bool = False,
    private: float | None = None,
    **options: Any,
) -> Augmentation:
    """Generate images for a data set, and measure whether they improve a classifier, beside what needs no generator.

    Args:
        data: A name from `condgen list data`, a path to your own images, or hf://OWNER/NAME.
        run: Folder of a run that was trained on such images.
        balance: Generate as many images of each class as it needs to equal the largest class.
        per_class: Number of images to generate of every class, instead of --balance.
        out: New folder for the images (one subfolder of PNG files per class), manifest.json, gain.json and train.csv,
            the training set that is best for a classifier. Default: augmented in the run's folder.
        data_options: How the data are read.
        seed: Random seed. Another seed gives other images.
        no_proof: Only generate images; do not train classifiers to measure the gain.
        private: Leave out images that are nearer to a training image than all but this percentage of real images.
            1 is usual: then about 1 % of the images of a generator that copies nothing is left out.
        options: Sampling options of the generator.
    """
    _check_counts(balance, per_class)
    folder = Path(out or Path(run) / "augmented").expanduser()
    images.check_ours(folder)
    from condgen import data as datasets

    dataset, sampler = datasets.load(data, data_options), api.load(run, **options)
    counts = images.wanted(dataset, sampler, per_class)
    try:
        generated, entries = images.generate(sampler, counts, seed), images.entries(sampler, counts, seed)
        if private is not None:
            generated, entries = images.apart(dataset, generated, entries, private)
        images.write(sampler, generated, entries, folder)
        added = Augmentation(folder, images.counted(dataset, generated))
        return added if no_proof else proved(added, dataset, generated)
    except KeyboardInterrupt:
        aloud("stopped; the same command resumes from here.")
        raise


def proved(added: Augmentation, dataset: "Dataset", generated: "Samples") -> Augmentation:
    """The augmentation with the measured gain, which is also written to gain.json."""
    from condgen.augmentation import table
    from condgen.augmentation.proof import measured

    reference, held_out = measuring.reference_for(dataset, aloud)
    proof = measured(reference, generated)
    found = replace(added, proof=proof, test_split_held_out=held_out)
    table.write(added.folder, proof.chosen, reference.dataset, proof.selected)
    found.save(found.folder / "gain.json")
    return found


def _check_counts(balance: bool, per_class: int | None) -> None:
    """Raise CondgenError unless exactly one of the two says how many images are generated."""
    if balance == (per_class is not None):
        raise CondgenError("give one of --balance and --per-class N.")
    if per_class is not None and per_class < 1:
        raise CondgenError(f"--per-class should be 1 or more, found {per_class}.")
