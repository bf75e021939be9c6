"""Figures with axes, as PNG bytes. matplotlib costs half a second: it is imported when there is something to plot."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def curves(log: Sequence[Mapping[str, float]], title: str) -> bytes:
    """The logged numbers against images seen: losses in one panel, every other group in its own."""
    keys = sorted({key for line in log for key in line} - {"images"}, key=lambda key: (not key.startswith("loss"), key))
    groups = sorted({key.split("/")[0] for key in keys}, key=lambda group: (group != "loss", group))
    figure = _figure(8, 3 * max(1, len(groups)), title)
    for place, group in enumerate(groups, start=1):
        panel = figure.add_subplot(len(groups), 1, place)
        for key in (key for key in keys if key.split("/")[0] == group):
            points = [(line["images"], line[key]) for line in log if key in line]
            panel.plot(*zip(*points, strict=True), label=key, linewidth=1)
        panel.set(ylabel=group, xlabel="images seen")
        panel.grid(alpha=0.3)
        panel.legend(frameon=False)
    return _png(figure)


def scatter(points: NDArray[np.floating], groups: NDArray[np.integer], names: Sequence[str], title: str) -> bytes:
    """Points (n, 2) in the plane, each in the colour of its group (n,), which `names` are the legend of."""
    figure = _figure(8, 7, title)
    panel = figure.add_subplot()
    for number, name in enumerate(names):
        x, y = points[groups == number].T
        panel.scatter(x, y, s=4, alpha=0.6, label=name, color=f"C{number % 10}")
    panel.set(xlabel="first latent number", ylabel="second latent number", aspect="equal")
    panel.legend(markerscale=4, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return _png(figure)


def bars(counts: Mapping[str, Sequence[int]], names: Sequence[str], title: str) -> bytes:
    """Pictures per label, one bar per split beside the other."""
    figure = _figure(max(6, 0.5 * len(names)), 4, title)
    panel, width = figure.add_subplot(), 0.8 / len(counts)
    for number, (split, values) in enumerate(counts.items()):
        places = np.arange(len(names)) + number * width
        panel.bar(places, values, width, label=split)
    middle = np.arange(len(names)) + 0.4 - width / 2
    panel.set_xticks(middle, names, rotation=90 if max(map(len, names)) > 5 else 0)
    panel.set(ylabel="pictures")
    figure.legend(frameon=False, loc="outside right upper")
    return _png(figure)


def _figure(width: float, height: float, title: str) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.suptitle(title)
    return figure


def _png(figure: "Figure") -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()
