"""Draws charts as PNG or SVG bytes. matplotlib takes half a second to import, so it is imported on first use."""

import json
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from condgen.errors import shortened
from condgen.marker import KEY, sheet
from condgen.sampling import fonts

if TYPE_CHECKING:
    from matplotlib.figure import Figure


MOST_BARS = 500
"""Maximum number of labels in a bar chart. Further labels are not shown."""
LONGEST_NAME, LONGEST_TITLE = 20, 100
"""Maximum length, in characters, of a name beside an axis, and of a title."""
MARKERS = "os^D"
"""Shapes of the points of a chart with more than ten colours."""
PEN = "#010203"
"""Colour of text and axes in an SVG. HTML pages replace it with their own text colour."""


def curves(log: Sequence[Mapping[str, float]], title: str, kind: str = "png") -> bytes:
    """Plot logged values over training images: one panel for losses, and one for each other group of keys."""
    keys = sorted({key for line in log for key in line} - {"images"}, key=lambda key: (not key.startswith("loss"), key))
    groups = sorted({key.split("/")[0] for key in keys}, key=lambda group: (group != "loss", group))
    with _style(kind, [title]):
        figure = _figure(8, 3 * max(1, len(groups)), title)
        for place, group in enumerate(groups, start=1):
            panel = figure.add_subplot(len(groups), 1, place)
            for key in (key for key in keys if key.split("/")[0] == group):
                points = [(line["images"], line[key]) for line in log if key in line]
                panel.plot(*zip(*points, strict=True), label=key, linewidth=1)
            panel.set(ylabel=group, xlabel="training images")
            panel.xaxis.set_major_formatter("{x:,.0f}")
            panel.grid(alpha=0.3)
            panel.legend(frameon=False)
        return _file(figure, kind)


def quality(
    histories: Mapping[str, tuple[Sequence[Mapping[str, float]], Sequence[Mapping[str, float]]]], kind: str = "png"
) -> bytes:
    """Plot FD and label accuracy of several runs over training images and over minutes.

    histories: the entries of log.jsonl and of clock.jsonl, by title of the run.
    """
    from matplotlib.ticker import LogFormatter, MaxNLocator

    class Plain(LogFormatter):
        """Chooses the same ticks as the default formatter, which would write TeX; it is not parsed here."""

        def __call__(self, x: float, pos: int | None = None) -> str:
            return f"{x:,.5g}" if super().__call__(x, pos) else ""

    with _style(kind, histories):
        figure = _figure(9, 6.5, "quality during training" if kind == "png" else "")
        panels = figure.subplots(2, 2)
        for number, (title, (log, clock)) in enumerate(histories.items()):
            minutes = {line["images"]: line["seconds"] / 60 for line in clock}
            for row, key in enumerate(("fd", "label_accuracy")):
                points = [(line["images"], minutes.get(line["images"], 0), line[key]) for line in log if key in line]
                for column in range(2) if points else ():
                    x, y = [point[column] for point in points], [point[2] for point in points]
                    panels[row][column].plot(
                        x, y, label=_plain(title, LONGEST_TITLE), color=f"C{number % 10}", marker=".", linewidth=1
                    )
        for row, title in enumerate(("FD", "label accuracy")):
            for column, unit in enumerate(("training images", "minutes")):
                panels[row][column].set(xlabel=unit, ylabel=title, yscale="log" if row == 0 else "linear")
                panels[row][column].grid(alpha=0.3)
                if row == 0:
                    panels[row][column].yaxis.set_major_formatter(Plain())
                    panels[row][column].yaxis.set_minor_formatter(Plain())
            panels[row][0].xaxis.set_major_formatter("{x:,.0f}")
            panels[row][0].xaxis.set_major_locator(MaxNLocator(4))
        if panels[0][0].lines:
            figure.legend(*panels[0][0].get_legend_handles_labels(), frameon=False, loc="outside lower center", ncols=3)
        return _file(figure, kind)


def trade_off(lines: Mapping[str, Sequence[Mapping[str, Any]]], kind: str = "png") -> bytes:
    """Plot precision against recall for the values of a sampling option: one curve per run, with the value beside each
    point.

    lines: per run, one entry per value: {"truncation": value, "precision": {"value": ...}, "recall": {"value": ...}}.
    """
    with _style(kind, lines):
        figure = _figure(7, 5, "")
        panel = figure.add_subplot()
        for title, points in lines.items():
            x, y = ([point[name]["value"] for point in points] for name in ("recall", "precision"))
            panel.plot(x, y, marker=".", linewidth=1, label=_plain(title, LONGEST_TITLE))
            for point, place in zip(points, zip(x, y, strict=True), strict=True):
                panel.annotate(f"{point['truncation']:g}", place, (3, 3), textcoords="offset points", fontsize=7)
        panel.set(xlabel="recall", ylabel="precision")
        panel.grid(alpha=0.3)
        panel.legend(frameon=False)
        return _file(figure, kind)


def options(lines: Mapping[str, Mapping[str, float | None]], kind: str = "png") -> bytes:
    """Plot what sampling options trade: label accuracy, or precision if there is none, against recall and against FD.

    lines: values of metrics by name, by the options that they were measured with, such as "guidance 2".
    """
    upright = (
        "label_accuracy" if any(each.get("label_accuracy") is not None for each in lines.values()) else "precision"
    )
    with _style(kind, lines):
        figure = _figure(9, 4, "")
        panels = figure.subplots(1, 2)
        for panel, across in zip(panels, ("recall", "fd"), strict=True):
            for number, (text, values) in enumerate(lines.items()):
                x, y = values.get(across), values.get(upright)
                if x is not None and y is not None:
                    style = {"marker": MARKERS[number // 10 % len(MARKERS)], "color": f"C{number % 10}"}
                    panel.plot(x, y, linestyle="", label=_plain(text, LONGEST_TITLE), **style)
            panel.set(xlabel="FD" if across == "fd" else across, ylabel=upright.replace("_", " "))
            panel.grid(alpha=0.3)
        if panels[0].lines:
            figure.legend(*panels[0].get_legend_handles_labels(), frameon=False, loc="outside lower center", ncols=3)
        return _file(figure, kind)


def scatter(points: NDArray[np.floating], groups: NDArray[np.integer], names: Sequence[str], title: str) -> bytes:
    """Scatter plot of points (n, 2), coloured by group (n,). names: names of the groups, for the legend."""
    with _style("png", [*names, title]):
        figure = _figure(8, 7, title)
        panel = figure.add_subplot()
        for number, name in enumerate(names):
            x, y = points[groups == number].T
            panel.scatter(x, y, s=4, alpha=0.6, label=_plain(name), color=f"C{number % 10}")
        panel.set(xlabel="first latent dimension", ylabel="second latent dimension", aspect="equal")
        panel.legend(markerscale=4, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
        return _file(figure, "png")


def bars(counts: Mapping[str, Sequence[int]], names: Sequence[str], title: str) -> bytes:
    """Bar chart of images per label, one bar per split."""
    names = names[:MOST_BARS]
    with _style("png", [*names, title]):
        figure = _figure(max(6, 0.5 * len(names)), 4, title)
        panel, width = figure.add_subplot(), 0.8 / len(counts)
        for number, (split, values) in enumerate(counts.items()):
            places = np.arange(len(names)) + number * width
            panel.bar(places, values[: len(names)], width, label=split)
        shown = [_plain(name) for name in names]
        middle = np.arange(len(names)) + 0.4 - width / 2
        panel.set_xticks(middle, shown, rotation=90 if max(map(len, shown)) > 5 else 0)
        panel.set(ylabel="images")
        figure.legend(frameon=False, loc="outside right upper")
        return _file(figure, "png")


def _plain(name: str, longest: int = LONGEST_NAME) -> str:
    """A name from the data, on one line of limited length, within `_style`.

    In a PNG, characters that no font has are shown by number. In an SVG, the fonts are those of the reader.
    """
    import matplotlib

    line = " ".join(shortened(name).split())
    if matplotlib.rcParams["svg.fonttype"] != "none":
        line = fonts.readable([line], scalable=True)[0]
    return line if len(line) <= longest else f"{line[:longest]}…"


def _figure(width: float, height: float, title: str) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    if title:
        figure.suptitle(_plain(title, LONGEST_TITLE))
    return figure


def _file(figure: "Figure", kind: str) -> bytes:
    """Encode a figure. kind: png, or svg with a transparent background."""
    buffer = BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # matplotlib draws a box for a missing glyph
        if kind == "svg":
            figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
        else:
            figure.savefig(buffer, format="png", dpi=100, metadata={KEY: json.dumps(sheet("condgen"))})
    return buffer.getvalue()


@contextmanager
def _style(kind: str, texts: Iterable[str]) -> Iterator[None]:
    """Use matplotlib's default style and ignore any matplotlibrc, since the working folder may contain one. Text
    between two dollar signs is not parsed as a formula.

    In an SVG, text is stored as text, and text and axes have the colour PEN.

    texts: names and titles in the figure. The fonts of their characters are added to matplotlib's default font.
    """
    with fonts.quiet():
        import matplotlib

    parts = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    svg: Any = {"svg.fonttype": "none", "svg.hashsalt": "condgen"} | dict.fromkeys(parts, PEN)
    with fonts.quiet(), matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({"text.parse_math": False} | (svg if kind == "svg" else _fonts(texts)))
        yield


def _fonts(texts: Iterable[str]) -> dict[str, Any]:
    more = fonts.families(fonts.readable(texts, scalable=True))
    return {"font.family": ["DejaVu Sans", *more]} if more else {}
