"""One self-contained HTML file about one or several runs. It opens without a network connection.

content.py collects what the page shows; the page is templates/report.html.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from condgen import comparison, disk, templates
from condgen.data_options import DataSource
from condgen.result import Result


@dataclass(frozen=True, repr=False)
class Report(Result):
    """An HTML page about one or several runs."""

    path: Path
    """The file that was written."""
    title: str
    entries: Sequence[comparison.Entry]
    """The runs with their metrics."""
    page: bytes = field(repr=False)
    """The content of the file."""

    def __fspath__(self) -> str:
        """A report stands for its file in `open` and `Path`."""
        return str(self.path)

    def to_json(self) -> dict[str, Any]:
        runs = [entry.to_json() for entry in self.entries]
        return {"path": str(self.path), "title": self.title, "runs": runs}

    def __repr__(self) -> str:
        return f"Report({str(self.path)!r}, {self.title})"

    def __str__(self) -> str:
        return str(self.path)

    def save(self, path: str | Path) -> Path:
        """Write the page, not its data, and return the path. Raises DiskError if that fails."""
        target = Path(path).expanduser()
        disk.write_bytes(target, self.page)
        return target


def report(*runs: str, data: DataSource | None = None, out: str | Path | None = None, quick: bool = False) -> Report:
    """Write a self-contained HTML report: metrics, image grids, curves, nearest training images, provenance.

    Args:
        runs: Folders of runs on the same data. Runs without an evaluation are evaluated first.
        data: Where the training data of the runs are now, if they have moved.
        out: HTML file to write. Default: report.html in the run's folder, or in the working folder for several runs.
        quick: Skip the classification accuracy score (CAS) when evaluating runs that have no evaluation yet.
    """
    from condgen.marker import check_file
    from condgen.reports import content

    found = comparison.entries(runs, quick, data)
    path = Path(out or (found[0].folder / "report.html" if len(found) == 1 else "report.html")).expanduser()
    check_file(path)
    shown = content.content(found, data)
    made = Report(path, shown["title"], found, templates.render("report.html", shown))
    made.save(path)
    return made
