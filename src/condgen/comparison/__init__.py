"""Compares several runs in one table, one image grid and one plot.

Runs of one system with the same settings form one column: the median over their seeds, with the range. Runs without an
evaluation are evaluated first. Everything but the images is read from JSON files in the run folders.

runs.py     the runs with their evaluations      groups.py   runs of several seeds; the table
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from condgen import api, marker
from condgen.comparison.groups import HEADLINE as HEADLINE
from condgen.comparison.groups import Group as Group
from condgen.comparison.groups import grouped as grouped
from condgen.comparison.groups import lines, measured
from condgen.comparison.groups import vae_beside_gan as vae_beside_gan
from condgen.comparison.runs import Entry as Entry
from condgen.comparison.runs import entries as entries
from condgen.comparison.runs import histories as histories
from condgen.data_options import DataSource
from condgen.result import Result
from condgen.tables import as_csv, as_latex, as_markdown, as_table

if TYPE_CHECKING:
    from PIL import Image

FILES = ("comparison.json", "same-z.png", "quality.png")
ROWS = 3
"""Number of rows, each with the same z, in the image grid of a run."""


@dataclass(frozen=True, repr=False)
class Comparison(Result):
    """Runs on the same data beside each other."""

    entries: Sequence[Entry]
    folder: Path
    """Where comparison.json, same-z.png and quality.png are."""

    @property
    def groups(self) -> list[Group]:
        """One per column of the table: the runs that differ only in their seeds."""
        return grouped(self.entries)

    @property
    def table(self) -> list[dict[str, str]]:
        """One row per cost and per headline metric, one column per group, and one for real images."""
        return lines(self.groups)

    @property
    def numbers(self) -> list[dict[str, Any]]:
        """The measured numbers, unrounded: one row per group and headline metric."""
        return measured(self.groups)

    def to_csv(self) -> str:
        """`numbers` as CSV."""
        return as_csv(self.numbers)

    def to_markdown(self) -> str:
        """`table` in Markdown."""
        return as_markdown(self.table)

    def to_latex(self) -> str:
        """`table` in LaTeX, for the package booktabs."""
        return as_latex(self.table)

    def to_json(self) -> dict[str, Any]:
        """The content of comparison.json."""
        about = self.entries[0].evaluation.about
        return {"about": about.to_json(), "table": self.table, "runs": [entry.to_json() for entry in self.entries]}

    def __repr__(self) -> str:
        titles = ", ".join(group.title for group in self.groups)
        return f"Comparison({titles if len(titles) <= 80 else f'{titles[:79]}…'})"

    def __str__(self) -> str:
        words = vae_beside_gan(self.groups)
        return "\n\n".join([as_table(self.table), *(["\n".join(words)] if words else [])])


def compare(
    *runs: str, data: DataSource | None = None, out: str | Path | None = None, quick: bool = False
) -> Comparison:
    """Compare runs on the same data: metrics, training cost, images of the same latent vectors, quality over time.

    Args:
        runs: Folders of the runs. Runs that differ only in their seed are shown as their median with the range.
        data: Where the training data of the runs are now, if a run without evaluation does not find them.
        out: Folder for comparison.json, same-z.png and quality.png. Default: comparison.
        quick: Skip the classification accuracy score (CAS) when evaluating runs that have no evaluation yet.
    """
    folder, mark = Path(out or "comparison").expanduser(), marker.Mark("condgen compare")
    marker.check(folder, mark, FILES)
    found = entries(runs, quick, data)
    from condgen.disk import replacing_files, write_bytes, write_json
    from condgen.sampling import canvas, plots

    comparison = Comparison(found, folder)
    marker.claim(folder, mark, FILES)
    with replacing_files(folder, old=["quality.png"]) as part:
        write_json(part / "comparison.json", comparison.to_json())
        canvas.save_png(part / "same-z.png", same_z(found), marker.sheet("condgen compare"))
        if watched := histories(found):
            write_bytes(part / "quality.png", plots.quality(watched))
    return comparison


def same_z(found: Sequence[Entry]) -> "Image.Image":
    """One image grid per run, stacked vertically: the same z in each row, one label per column."""
    from condgen.sampling import canvas, grids

    generated = [grids.class_grid(api.load(each.folder), rows=ROWS) for each in found]
    return canvas.stacked(generated, [each.title for each in found])
