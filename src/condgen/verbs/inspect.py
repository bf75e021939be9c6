"""`condgen inspect`: checks a data set before training on it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from condgen.data_options import AS_THEY_ARE, DataOptions, DataSource
from condgen.result import Result
from condgen.tables import as_table


def inspect(
    data: DataSource,
    *,
    data_options: Annotated[DataOptions, Parameter(name="*")] = AS_THEY_ARE,
    out: Path | None = None,
) -> Result:
    """Check a data set before training: shapes, value ranges, labels, class imbalance and duplicates.

    Args:
        data: A name from `condgen list data`, a path to your own images, or hf://OWNER/NAME.
        data_options: How the data are read.
        out: Folder for facts.json and the overview images. Default: inspected/NAME.
    """
    from condgen import data as datasets
    from condgen import inspection

    dataset = datasets.load(data, data_options)
    folder = (out or Path("inspected") / dataset.name).expanduser()
    inspection.check(folder)
    found = inspection.facts(dataset)
    inspection.write(dataset, found, folder)
    return Result(found, in_words(dataset.notes, found, folder))


def in_words(notes: Sequence[str], found: dict[str, Any], folder: Path) -> str:
    """The facts as tables, then notes on the data, then the location of the images."""
    from condgen import inspection

    splits = [{"split": title} | numbers for title, numbers in found["splits"].items()]
    per_label = [
        {"label": name} | {title: counts[i] for title, counts in found["per_label"].items()}
        for i, name in enumerate(found["labels"]["names"])
    ]
    said = "\n".join([*notes, *inspection.sentences(found)] or ["No duplicate images; no rare labels."])
    twice = ", duplicates.png" if (folder / "duplicates.png").exists() else ""
    files = f"images: {folder}/sheet.png, labels.png, means.png{twice}; numbers: facts.json"
    return "\n\n".join([as_table(splits), as_table(per_label), said, files])
