"""Measures what generated images disclose of the training images: copies, and the membership of an image.

Real images that were not in training are the reference for both (`judging/nearness.py`). docs/privacy.md says what the
result promises and what not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from condgen import api, disk, marker
from condgen.data_options import AS_THEY_ARE, DataOptions, DataSource
from condgen.errors import CondgenError, aloud
from condgen.metrics import CERTAIN
from condgen.metrics.estimate import Estimate, share
from condgen.result import Result
from condgen.tables import as_csv, as_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from condgen.data import Dataset
    from condgen.judging.nearness import RealNearness
    from condgen.judging.reference import Samples
    from condgen.metrics.nearness import Nearness

FILES = ("audit.json", "withdraw.csv")
COLUMNS = ("image", "nearest training image", "distance", "real images as near, %", "equal")
COUNT = 2000
"""Images that are generated for an audit by default."""


@dataclass(frozen=True, repr=False)
class Audit(Result):
    """What generated images disclose of the training images."""

    folder: Path
    """Where audit.json and withdraw.csv are."""
    images: int
    percent: float
    """An image is too near if fewer than this percentage of the real images are as near."""
    near: Estimate
    """Share of the images that are too near; percent / 100 for images that disclose nothing."""
    per_label: Sequence[Mapping[str, Any]]
    """Of each label: number of images, median relative distance, share of the images that are too near."""
    attack: Estimate
    """Accuracy of a membership attack; 0.5 is chance."""
    withdraw: Sequence[Mapping[str, Any]]
    """The images that are too near, the nearest first."""

    @property
    def copies(self) -> bool:
        """Whether more images are too near than chance explains."""
        return (self.near.value or 0) - CERTAIN * (self.near.error or 0) > self.percent / 100

    @property
    def verdict(self) -> str:
        """Two sentences."""
        many = "more than chance explains: training images are reproduced" if self.copies else "no more than by chance"
        found = (
            f"{len(self.withdraw):,} of {self.images:,} images are nearer to a training image than all but "
            f"{self.percent:g} % of real images: {many}."
        )
        if self.attack.value is None:
            return f"{found} Membership: not measured, {self.attack.refused}"
        beyond = self.attack.value - CERTAIN * (self.attack.error or 0) > 0.5
        guessed = "can be guessed from the images" if beyond else "cannot be guessed by this attack"
        return f"{found} Membership {guessed}: accuracy {self.attack}, chance 0.5."

    def to_json(self) -> dict[str, Any]:
        """The content of audit.json."""
        return {
            "verdict": self.verdict, "images": self.images, "percent": self.percent, "near": self.near.to_json(),
            "copies": self.copies, "attack": self.attack.to_json(), "per_label": list(self.per_label),
            "withdraw": len(self.withdraw),
        }  # fmt: skip

    def __repr__(self) -> str:
        return f"Audit({self.images:,} images, {len(self.withdraw):,} too near)"

    def __str__(self) -> str:
        return f"{self.verdict}\n\n{as_table([dict(line) for line in self.per_label])}"


def audit(
    run: str | None = None,
    *,
    folder: str | Path | None = None,
    data: DataSource | None = None,
    data_options: DataOptions = AS_THEY_ARE,
    private: float = 1.0,
    count: int | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    **options: Any,
) -> Audit:
    """Measure how near generated images are to training images, and whether membership can be guessed from them.

    Args:
        run: Folder of a run or of an export, whose generator is audited.
        folder: Images made by any tool, instead of a run: an .npz with images and labels, or one folder per label.
        data: The images that the generator was trained on, for --folder. For a run, where its training data are now.
        data_options: How the data are read.
        private: List the images that are nearer to a training image than all but this percentage of real images.
        count: Number of images to generate. Default: 2,000.
        seed: Random seed of the generated images.
        out: Folder for audit.json and withdraw.csv. Default: audit in the run's folder, or in the working folder.
        options: Sampling options of the generator.
    """
    if (run is None) == (folder is None):
        raise CondgenError("give one thing to audit: a RUN, or --folder FOLDER --data DATA.")
    target = Path(out or Path(run or ".") / "audit").expanduser()
    mark = marker.Mark("condgen audit")
    marker.check(target, mark, FILES)
    if folder is not None:
        dataset, samples, names = _of_folder(Path(folder), data, data_options)
    else:
        dataset, samples, names = _of_run(str(run), data, data_options, count or COUNT, seed, options)
    from condgen.judging.nearness import RealNearness

    aloud(f"comparing {len(samples):,} images with {len(dataset.train):,} training images ...")
    found = audited(target, dataset, RealNearness.of(dataset), samples, names, private)
    marker.claim(target, mark, FILES)
    write(found)
    return found


def write(found: Audit) -> None:
    """Write audit.json and withdraw.csv."""
    found.save(found.folder / "audit.json")
    text = as_csv(found.withdraw) if found.withdraw else ",".join(COLUMNS)
    disk.write_bytes(found.folder / "withdraw.csv", f"{text}\n".encode())


def audited(
    folder: Path, dataset: "Dataset", real: "RealNearness", samples: "Samples", names: Sequence[str], percent: float
) -> Audit:
    """The audit of some images. names: of each image, for withdraw.csv. folder: where the files will be."""
    found, limit = real.nearness(samples.images), real.limit(percent)
    near = (found.relative < limit).numpy()
    return Audit(
        folder, len(samples), percent, share(int(near.sum()), len(near)),
        list(_per_label(dataset, samples, found, near)), real.attack(samples.images),
        _withdrawn(dataset, samples, found, near, names, real),
    )  # fmt: skip


def _withdrawn(
    dataset: "Dataset", samples: "Samples", found: "Nearness", near: "NDArray[np.bool_]", names: Sequence[str],
    real: "RealNearness",
) -> list[dict[str, Any]]:  # fmt: skip
    """One line for each image that is too near, the nearest first."""
    order = [row for row in found.relative.argsort(stable=True).tolist() if near[row]]
    nearest, percents, files = found.which.tolist(), real.nearer_than(found).tolist(), dataset.train.files
    lines = []
    for row in order:
        same = bool((samples.images[row] == dataset.train.images[nearest[row]]).all())
        where = files[nearest[row]] if files else f"train/{nearest[row]}"
        values = (names[row], where, round(float(found.relative[row]), 4), round(percents[row], 3), same)
        lines.append(dict(zip(COLUMNS, values, strict=True)))
    return lines


def _per_label(
    dataset: "Dataset", samples: "Samples", found: "Nearness", near: "NDArray[np.bool_]"
) -> Iterator[dict[str, Any]]:
    """One line per label that has images, then one for all images."""
    groups = [("all", near | True)]
    if samples.requested is not None:
        known, one = dataset.labels.names, samples.requested.ndim == 1
        masks = [samples.requested == k if one else samples.requested[:, k] == 1 for k in range(len(known))]
        groups = [*zip(known, masks, strict=True), *groups]
    for name, mask in groups:
        if mask.any():
            middle = float(found.relative[mask].median())
            yield {
                "label": name, "images": int(mask.sum()), "median distance": round(middle, 4),
                "too near": round(float(near[mask].mean()), 4),
            }  # fmt: skip


def _of_run(
    run: str, data: DataSource | None, data_options: DataOptions, count: int, seed: int, options: Mapping[str, Any]
) -> "tuple[Dataset, Samples, list[str]]":
    """The data of a run, and images that its generator makes with the labels of real ones."""
    sampler, dataset = api.load(run, **options), api.data_of(run, data, data_options)
    from condgen.judging.generated_set import generate_like
    from condgen.judging.reference import with_test

    split = with_test(dataset)[0].test
    assert split
    samples = generate_like(sampler, split, count, seed)
    return dataset, samples, [f"seed {seed}, image {index}" for index in range(count)]


def _of_folder(
    folder: Path, data: DataSource | None, data_options: DataOptions
) -> "tuple[Dataset, Samples, list[str]]":
    """The data, and the images in a folder or an .npz."""
    if data is None:
        raise CondgenError("--data is missing: name the images that the generator was trained on.")
    from condgen import data as datasets
    from condgen.judging import external

    dataset = datasets.load(data, data_options)
    samples = external.read(folder, dataset)
    return dataset, samples, external.names(folder, len(samples))
