"""The facts about a data set, as one value: the content of facts.json."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from condgen.data.dataset import Dataset, Split
from condgen.inspection.copies import Duplicates, duplicates
from condgen.inspection.counts import imbalance, per_label
from condgen.inspection.depth import Depth
from condgen.inspection.understood import Understood
from condgen.labels import UNKNOWN
from condgen.metrics.pixels import greys


@dataclass(frozen=True)
class LabelNames:
    kind: str
    """classes or attributes."""
    names: Sequence[str]


@dataclass(frozen=True)
class SplitFacts:
    """The images of a split."""

    images: int
    height: int
    width: int
    channels: int
    dtype: str
    range: Sequence[int]
    """The smallest and the largest value."""
    mean: float
    deviation: float

    @classmethod
    def of(cls, split: Split) -> "SplitFacts":
        images, (mean, deviation) = split.images, greys(split.images)
        _, height, width, channels = images.shape
        values = [int(images.min()), int(images.max())]
        dtype = str(images.dtype)
        return cls(len(split), height, width, channels, dtype, values, round(mean, 3), round(deviation, 3))


@dataclass(frozen=True)
class Facts:
    """All facts about a data set."""

    name: str
    fingerprint: str
    summary: str
    """Labels, splits and size, in one line."""
    understood: Understood
    labels: LabelNames
    splits: Mapping[str, SplitFacts]
    per_label: Mapping[str, Sequence[int]]
    """Number of images of each label, by split."""
    unknown: Mapping[str, int]
    """Number of unknown attributes, by split."""
    imbalance: float | None
    """Largest over smallest number of training images per label; None if a label has none."""
    depth: Depth
    duplicates: Duplicates
    remarks: Sequence[str]
    left_out: Mapping[str, str]
    """Files that were left out, with the reason."""
    written_by_condgen: Mapping[str, str]

    @classmethod
    def of(cls, data: Dataset, summary: str) -> "Facts":
        counts = {title: per_label(split, data.labels) for title, split in data.splits.items()}
        return cls(
            name=data.name,
            fingerprint=data.fingerprint,
            summary=summary,
            understood=Understood.of(data),
            labels=LabelNames(data.labels.kind, list(data.labels.names)),
            splits={title: SplitFacts.of(split) for title, split in data.splits.items()},
            per_label=counts,
            unknown={title: int((split.labels == UNKNOWN).sum()) for title, split in data.splits.items()},
            imbalance=imbalance(counts["train"]),
            depth=Depth.of(data),
            duplicates=duplicates(data),
            remarks=list(data.remarks),
            left_out=dict(data.left_out),
            written_by_condgen=dict(data.own),
        )

    def to_json(self) -> dict[str, Any]:
        """The content of facts.json."""
        return asdict(self)
