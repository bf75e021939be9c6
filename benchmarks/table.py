"""The table of systems as Markdown, from the committed results, written into the pages that show it.

    python benchmarks/table.py            print it
    python benchmarks/table.py --write    and put it into README.md, README.zh-CN.md and docs/systems/index.md

A test compares the pages with the results.
"""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from condgen import catalogue

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "label_accuracy.json"
PAGES = [ROOT / "README.md", ROOT / "README.zh-CN.md", ROOT / "docs" / "systems" / "index.md"]
ROWS = re.compile(r"^(?:\| `.*\n)+", re.MULTILINE)


def main() -> None:
    table = "".join(rows(json.loads(RESULTS.read_text())["results"]))
    sys.stdout.write(table)
    if "--write" in sys.argv:
        for page in PAGES:
            page.write_text(ROWS.sub(lambda _: table, page.read_text(encoding="utf-8"), count=1), encoding="utf-8")


def rows(results: Sequence[dict[str, Any]]) -> list[str]:
    lines = []
    for entry in catalogue.systems():
        measured = [result for result in results if result["row"] == entry["name"]]
        parameters = " / ".join(f"{count:,}" for count in entry["parameters"].values())
        cells = f"`{entry['name']}`", entry["paper"], parameters, images(measured), accuracy(measured)
        lines.append(f"| {' | '.join(cells)} |\n")
    return lines


def images(measured: Sequence[dict[str, Any]]) -> str:
    return f"{round(mean(result['images'] for result in measured), -4):,.0f}" if measured else "-"


def accuracy(measured: Sequence[dict[str, Any]]) -> str:
    """Mean and range over the seeds."""
    values = [result["label_accuracy"] for result in measured]
    return f"{mean(values):.3f} ({min(values):.3f}-{max(values):.3f})" if values else "-"


if __name__ == "__main__":
    main()
