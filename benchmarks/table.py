"""Tables of the documentation, made from the committed results and written into the pages that show them.

    python benchmarks/table.py            print them
    python benchmarks/table.py --write    and put them into their pages

A test compares the pages with the results.
"""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from own_tables import own_choices, own_images, use
from printed import RESULTS, middle, results_of, rows_of, short, spread, word

from condgen import listing
from condgen.metrics.estimate import Estimate

ROOT = Path(__file__).parents[1]
ROWS = re.compile(r"^(?:\| `.*\n)+", re.MULTILINE)
NAME = re.compile(r"^\| (`[^|]*`)", re.MULTILINE)
"""The first cell of a row."""

PRINTED = {  # what a source tutorial prints of its own training
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
            path.write_text(replaced(path.read_text("utf-8"), table), "utf-8")


def replaced(text: str, table: str) -> str:
    """The text with the rows of `table` in place of those that share most names with it."""
    names = set(NAME.findall(table))
    found = max(ROWS.finditer(text), key=lambda rows: len(names.intersection(NAME.findall(rows[0]))))
    return text[: found.start()] + table + text[found.end() :]


def systems() -> list[str]:
    """One line per preset: paper and parameters."""
    return [
        f"| `{entry['name']}` | {entry['paper']} | {' / '.join(f'{n:,}' for n in entry['parameters'].values())} |\n"
        for entry in listing.systems()
    ]


def leaderboard(data: str, *numbers: str) -> list[str]:
    """One line for real images, then one per preset: images seen, seeds, medians with their ranges."""
    results = [result for result in results_of("leaderboard") if result["data"] == data]
    known = {key: value for result in results for key, value in result["real"].items()}
    real = " | ".join(short(known.get(name)) for name in numbers)
    lines = [f"| `real images` | | | {real} |\n"]
    for name in dict.fromkeys(result["row"] for result in results):
        measured = [result for result in results if result["row"] == name]
        cells = " | ".join(middle([r["numbers"][number]["value"] for r in measured]) for number in numbers)
        lines.append(f"| `{name}` | {measured[0]['images']:,} | {len(measured)} | {cells} |\n")
    return lines


def documents() -> list[str]:
    """One line per preset and logged value at the end of its tutorial's training."""
    results, lines = results_of("documents"), []
    speeds = {name: found["images_per_second"] for name, found in rows_of("speed").items()}
    for name in dict.fromkeys(result["row"] for result in results):
        measured = [result for result in results if result["row"] == name]
        numbers = {key: [r["last"][key] for r in measured] for key in measured[0]["last"]}
        if "label_accuracy" in measured[0]:
            numbers["label accuracy"] = [r["label_accuracy"] for r in measured]
        pace = "- | -" if measured[0].get("data") == "faces" else _pace(measured[0]["images"], speeds[name])
        if not numbers:
            lines.append(f"| `{name}` | {_length(measured[0])} | {pace} | nothing logged yet | - | - |\n")
        for key, values in numbers.items():
            printed = PRINTED.get((name, key), "-")
            lines.append(f"| `{name}` | {_length(measured[0])} | {pace} | {key} | {printed} | {spread(values)} |\n")
    return lines


def _pace(images: int, speed: float) -> str:
    """Images per second, and minutes at that speed."""
    return f"{speed:,} | {images / speed / 60:.1f}"


def _length(result: dict[str, Any]) -> str:
    """Images of a training, and of how many if it has not ended."""
    images, length = result["images"], result.get("length", 0)
    return f"{images:,}" if images >= length else f"{images:,} of {length:,}"


def faults(data: str) -> list[str]:
    """One line per known fault: some metrics, in bold where the metric detects the fault."""
    lines = []
    for line in json.loads((RESULTS / f"self-test-{data}.json").read_text()):
        noticed = line["noticed"]
        cells = [
            f"**{short(value)}**" if name in noticed else short(value)
            for name in NOTICING
            for value in [line["numbers"][name]["value"]]
        ]
        lines.append(f"| `{line['fault']}` | {' | '.join(cells)} |\n")
    return lines


def floors() -> list[str]:
    """One line per number of real images: mean and spread over disjoint samples, and the error that we report."""
    found = json.loads((RESULTS / "floor.json").read_text())["floors"]
    lines = []
    for entry in found:
        cells = " | ".join(
            f"{number['mean']:.3f} ± {number['spread']:.3f} ({number['claimed']:.3f})" if number else "-"
            for number in (entry["numbers"].get(name) for name in FLOORS)
        )
        lines.append(f"| `{entry.get('images', entry.get('pictures')):,}` | {entry['draws']} | {cells} |\n")
    return lines


def speeds() -> list[str]:
    """One line per preset: images per second beside those of a tutorial's loop, and the share of peak arithmetic."""
    return [
        f"| `{name}` | {found['images_per_second']:,} | {found['textbook']:,} | {found['times_faster']} | "
        f"{found['times_faster_bf16']} | {found['megaflops_per_image']} | {100 * found['share_of_peak']:.0f} % |\n"
        for name, found in rows_of("speed").items()
    ]


def profile() -> list[str]:
    """One line per preset: how the time of a training step divides."""
    return [
        f"| `{name}` | {' | '.join(f'{100 * share:.0f} %' for share in found.values())} |\n"
        for name, found in rows_of("profile").items()
    ]


def race() -> list[str]:
    """One line per training: when it reached the goal, and its quality at the end."""
    lines = []
    for result in results_of("time_to_quality"):
        goal, last = result["reached"], result["curve"][-1]
        when = f"{goal['wall']:.0f} | {goal['cpu']:.0f} | {goal['images']:,.0f}" if goal else "- | - | -"
        loop = "tutorial" if result["loop"] == "textbook" else "condgen"
        numbers = f"{short(last['fd'])} | {short(last['label_accuracy'])}"
        lines.append(f"| `{result['row']}` | {loop} | {result['seed']} | {when} | {last['wall']:.0f} | {numbers} |\n")
    return lines


def growth() -> list[str]:
    """One line per changed setting: speed, its ratio to the base case, memory."""
    return [
        f"| `{word(result['changed'])} {result['value']:,}` | {result['images_per_second']:,} | "
        f"{result['times_usual']:.2f} | {result['peak_megabytes']:,} |\n"
        for result in results_of("growth")
    ]


def modern() -> list[str]:
    """Per data set, CPU seconds and system: images seen, metrics with the default options, cost of 10,000 images."""
    found = json.loads((RESULTS / "modern.json").read_text())["runs"]
    runs = sorted((run for run in found if run["seconds"]), key=lambda run: (run["data"] != "mnist", run["seconds"]))
    lines = []
    for run in runs:
        plain = next(figures for figures in run["figures"] if not figures["options"])
        cells = " | ".join(short(plain[name]["value"]) for name in MODERN)
        system = run["system"].split(":")[-1]
        lines.append(
            f"| `{run['data']}` | {run['seconds']:g} | {system} | {run['images']:,} | {plain['count']:,} | {cells} | "
            f"{short(plain['seconds_per_10000'])} |\n"
        )
    return lines


def ablation() -> list[str]:
    """One line per removed component: the median over the seeds, with the range."""
    results, lines = results_of("ablation"), []
    for choice in dict.fromkeys(result["choice"] for result in results):
        measured = [result["numbers"] for result in results if result["choice"] == choice]
        cells = " | ".join(middle([numbers[name] for numbers in measured]) for name in measured[0])
        lines.append(f"| `{word(choice)}` | {len(measured)} | {cells} |\n")
    return lines


def conditioning() -> list[str]:
    """One line per data set and pair of ways for the label: medians over the seeds with ranges."""
    results, lines = results_of("conditioning"), []
    for data, g, d in dict.fromkeys((result["data"], result["g"], result["d"]) for result in results):
        some = [result for result in results if (result["data"], result["g"], result["d"]) == (data, g, d)]
        images = round(median(result["images"] for result in some))
        cells = " | ".join(middle([result["numbers"][name] for result in some]) for name in some[0]["numbers"])
        lines.append(f"| `{data}` | {g} | {d} | {len(some)} | {images:,} | {cells} |\n")
    return lines


def exports() -> list[str]:
    """One line per exported program: size, speed, FD, and difference from torch."""
    programs = json.loads((RESULTS / "exports.json").read_text())["programs"]
    return [
        f"| `{name}` | {found['bytes']:,} | {found['pictures_per_second']:,} | {Estimate.from_json(found['fd'])} "
        f"| {found['largest']} | {found['mean']:.3f} |\n"
        for name, found in programs.items()
    ]


NOTICING = (
    "fd", "fd_intra", "precision", "recall", "density", "coverage", "kid", "label_accuracy", "copying", "fine_detail",
    "borders",
)  # fmt: skip
MODERN = ("fd", "label_accuracy", "precision", "recall", "coverage")
FLOORS = ("fd", "fd_inf", "fd_intra", "precision", "recall", "coverage", "kid")
SHORT = ("label_accuracy", "fd", "fd_intra", "precision", "recall", "cas")
LONG = ("fd", "fd_intra", "precision", "recall", "density", "coverage", "label_accuracy", "cas", "copying", "sharpness")
TABLES: dict[str, Callable[[], list[str]]] = {
    "README.md": lambda: leaderboard("mnist", *SHORT),
    "README.zh-CN.md": lambda: leaderboard("mnist", *SHORT),
    "docs/systems/index.md": systems,
    "docs/systems/swift.md": ablation,
    "docs/systems/flow.md": modern,
    "docs/systems/conditioning.md": conditioning,
    "docs/tutorials.md": documents,
    "docs/performance/speed.md": speeds,
    "docs/performance/profile.md": profile,
    "docs/performance/time-to-quality.md": race,
    "docs/performance/growth.md": growth,
    "docs/performance/own-images.md": own_images,
    "docs/performance/own-choices.md": own_choices,
    "docs/metrics.md": floors,
    "docs/performance/use.md": use,
    "docs/export.md": exports,
    "docs/known-faults/mnist.md": lambda: faults("mnist"),
    "docs/known-faults/fashion-mnist.md": lambda: faults("fashion-mnist"),
    "docs/leaderboard/mnist.md": lambda: leaderboard("mnist", *LONG),
    "docs/leaderboard/fashion-mnist.md": lambda: leaderboard("fashion-mnist", *LONG),
}

if __name__ == "__main__":
    main()
