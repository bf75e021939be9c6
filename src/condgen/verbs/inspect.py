"""`condgen inspect`: checks a data set before training on it."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from condgen.data_options import AS_THEY_ARE, DataOptions, DataSource
from condgen.errors import CondgenError
from condgen.result import Result
from condgen.tables import as_table

if TYPE_CHECKING:
    from condgen.data import Dataset


def inspect(
    data: DataSource,
    *,
    data_options: Annotated[DataOptions, Parameter(name="*")] = AS_THEY_ARE,
    out: Path | None = None,
    write_table: Path | None = None,
) -> Result:
    """Check a data set before training: how it was understood, labels, value ranges, imbalance and duplicates.

    Args:
        data: A name from `condgen list data`, a path to your own images, or hf://OWNER/NAME.
        data_options: How the data are read.
        out: Folder for inspect.html, facts.json, overview images, and tables of files left out and of duplicates.
            Default: inspected/NAME.
        write_table: CSV file to write with every image, its split and its label or attributes.
            Correct it in a spreadsheet and pass it to --data.
    """
    from condgen import inspection
    from condgen.verbs import inspect_page

    table = write_table.expanduser() if write_table else None
    dataset = loaded(data, data_options)
    folder = (out or Path("inspected") / dataset.name).expanduser()
    inspection.check(folder)
    said = table_of(dataset, table, data_options) if table else []
    found = inspection.facts(dataset)
    names = inspection.write(dataset, found, folder, inspect_page.page(dataset, found))
    return Result(found, in_words(dataset, found, [*said, f"{folder}: {', '.join(sorted(names))}"]))


def loaded(data: DataSource, options: DataOptions) -> "Dataset":
    """Load the data. If they cannot be understood, what is there is shown on stderr before the error is raised."""
    from condgen import data as datasets

    try:
        return datasets.load(data, options)
    except CondgenError as error:
        sys.stderr.writelines(f"{line}\n" for line in error.outline)
        raise


def table_of(data: "Dataset", path: Path, options: DataOptions) -> list[str]:
    """Write the table of labels. Returns what it does not preserve, and the command that uses it."""
    from condgen.inspection import label_table

    lost, images = label_table.write(data, path, options), sum(map(len, data.splits.values()))
    use = label_table.command(path, data, options)
    return [*lost, f"{path}: {images:,} images with their labels, to correct and use: {use}"]


def in_words(data: "Dataset", found: dict[str, Any], files: Sequence[str]) -> str:
    """What was understood and the facts as tables, then notes on the data, then the files that were written."""
    from condgen import inspection
    from condgen.inspection import understood

    splits = [{"split": title} | numbers for title, numbers in found["splits"].items()]
    per_label = [
        {"label": name} | {title: counts[i] for title, counts in found["per_label"].items()}
        for i, name in enumerate(found["labels"]["names"])
    ]
    said = "\n".join([*data.notes, *inspection.sentences(found)] or ["No duplicate images; no rare labels."])
    parts = [found["summary"], understood.text(data), as_table(splits), as_table(per_label), said, "\n".join(files)]
    return "\n\n".join(filter(None, parts))
