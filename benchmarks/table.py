"""Tables of the documentation, made from the committed results and written into the pages that show them.

    python benchmarks/table.py            print them
    python benchmarks/table.py --write    and put them into their pages

A test compares the pages with the results.
"""

import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from condgen import catalogue

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
ROWS = re.compile(r"^(?:\| `.*\n)+", re.MULTILINE)
Results = Sequence[dict[str, Any]]

PRINTED = {  # what a source document says of its own training
    ("gan", "loss/d"): "0.694",
    ("gan", "accuracy/d"): "57.8 %",
    ("gan", "loss/g"): "0.853",
}


def main() -> None:
    for page, rows in TABLES.items():
        table = "".join(rows())
        sys.stdout.write(f"{page}\n{table}\n")
        if "--write" in sys.argv:
            path = ROOT / page
            path.write_text(ROWS.sub(lambda _: table, path.read_text("utf-8"), count=1), "utf-8")  # noqa: B023


def systems() -> list[str]:
    """A line per row: paper, parameters, label accuracy after a minute."""
    results, lines = _results("label_accuracy"), []
    for entry in catalogue.systems():
        measured = [result for result in results if result["row"] == entry["name"]]
        parameters = " / ".join(f"{count:,}" for count in entry["parameters"].values())
        seen = f"{round(mean(r['images'] for r in measured), -3):,.0f}" if measured else "-"
        accuracy = spread([r["label_accuracy"] for r in measured]) if measured else "-"
        lines.append(f"| `{entry['name']}` | {entry['paper']} | {parameters} | {seen} | {accuracy} |\n")
    return lines


def documents() -> list[str]:
    """A line per row and logged number at the end of its document's training."""
    results, lines = _results("documents"), []
    speeds = json.loads((RESULTS / "speed.json").read_text())["images_per_second"]
    for name in dict.fromkeys(result["row"] for result in results):
        measured = [result for result in results if result["row"] == name]
        numbers = {key: [r["last"][key] for r in measured] for key in measured[0]["last"]}
        if "label_accuracy" in measured[0]:
            numbers["label accuracy"] = [r["label_accuracy"] for r in measured]
        for key, values in numbers.items():
            images, printed = measured[0]["images"], PRINTED.get((name, key), "-")
            pace = f"{images:,} | {speeds[name]:,} | {images / speeds[name] / 60:.1f}"
            lines.append(f"| `{name}` | {pace} | {key} | {printed} | {spread(values)} |\n")
    return lines


def spread(values: Sequence[float]) -> str:
    """Mean and range over the seeds."""
    digits = 3 if mean(values) < 10 else 1
    low, middle, high = (f"{value:.{digits}f}" for value in (min(values), mean(values), max(values)))
    return f"{middle} ({low}-{high})"


def _results(name: str) -> Results:
    found: Results = json.loads((RESULTS / f"{name}.json").read_text())["results"]
    return found


TABLES: dict[str, Callable[[], list[str]]] = {
    "README.md": systems,
    "README.zh-CN.md": systems,
    "docs/systems/index.md": systems,
    "docs/documents.md": documents,
}

if __name__ == "__main__":
    main()
