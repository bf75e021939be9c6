"""Checks a data set before training: how it was understood, images per label, value range, duplicates.

facts.py        all facts about a data set, as one value
findings.py     the facts, and the files about them
page.py         the page inspect.html
understood.py   layout, and the meaning of folders and columns
counts.py       images per label
depth.py        range of values and bit depth
copies.py       duplicates by file
words.py        the facts in sentences, for `condgen inspect` and before a training
tables.py       CSV files: what was left out, duplicates
label_table.py  the labels of all images as a table, to be corrected and used as data
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from condgen.data_options import AS_THEY_ARE, DataOptions, DataSource
from condgen.result import Result
from condgen.tables import as_table

if TYPE_CHECKING:
    from condgen.inspection.facts import Facts
    from condgen.inspection.label_table import WrittenTable


@dataclass(frozen=True, repr=False)
class Inspection(Result):
    """How a data set was understood, and what was found in it."""

    facts: "Facts"
    understood: str
    """Layout, columns and folders with their meanings, as lines of text."""
    sentences: Sequence[str]
    """Notes on the data, and what to know before training."""
    folder: Path
    files: Sequence[str]
    """Names of the files in `folder`."""
    table: "WrittenTable | None" = None
    """The table of labels, if one was written."""

    def to_json(self) -> dict[str, Any]:
        return self.facts.to_json()

    def __repr__(self) -> str:
        return f"Inspection({self.facts.summary!r}, {len(self.sentences)} remarks)"

    def __str__(self) -> str:
        splits = [{"split": title} | asdict(numbers) for title, numbers in self.facts.splits.items()]
        said = "\n".join(self.sentences or ["No duplicate images; no rare labels."])
        parts = [self.facts.summary, self.understood, as_table(splits), as_table(self._per_label()), said]
        return "\n\n".join(filter(None, parts))

    def _per_label(self) -> list[dict[str, Any]]:
        """One row per label: its number of images in each split."""
        names, counts = self.facts.labels.names, self.facts.per_label
        return [{"label": name} | {title: counts[title][i] for title in counts} for i, name in enumerate(names)]


def inspect(
    data: DataSource,
    *,
    data_options: DataOptions = AS_THEY_ARE,
    out: str | Path | None = None,
    write_table: str | Path | None = None,
) -> Inspection:
    """Check a data set before training: how it was understood, labels, value ranges, imbalance and duplicates.

    Args:
        data: A name from `condgen list data`, a path to your own images, or hf://OWNER/NAME.
        data_options: How the data are read.
        out: Folder for inspect.html, facts.json, overview images, and tables of files left out and of duplicates.
            Default: inspected/NAME.
        write_table: CSV file to write with every image, its split and its label or attributes.
            Correct it in a spreadsheet and pass it to --data.
    """
    from condgen import data as datasets
    from condgen.inspection import findings, label_table, page, understood

    dataset = datasets.load(data, data_options)
    folder = Path(out or Path("inspected") / dataset.name).expanduser()
    findings.check(folder)
    table = label_table.write(dataset, Path(write_table).expanduser(), data_options) if write_table else None
    facts = findings.facts(dataset)
    names = findings.write(dataset, facts, folder, page.page(dataset, facts))
    sentences = [*dataset.notes, *findings.sentences(facts)]
    return Inspection(facts, understood.text(dataset), sentences, folder, sorted(names), table)
