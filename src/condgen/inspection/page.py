"""The page inspect.html about a data set. The template is templates/inspect.html; this file collects its content."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from condgen import duplicates, templates
from condgen.data.dataset import Dataset
from condgen.inspection import findings, understood
from condgen.inspection.words import CHANNELS
from condgen.sampling import canvas
from condgen.tables import in_one_line
from condgen.version import __version__

PER_LABEL, LABELS, ROWS = 8, 20, 30
"""Number of images of each label, maximum number of labels with images, and of rows of a table that are shown."""
PAIRS, FILES = 24, 20
"""Maximum numbers of pairs of duplicates, and of files that were left out."""


def page(data: Dataset, found: dict[str, Any]) -> bytes:
    """The page as bytes. found: `findings.facts(data)`."""
    return templates.render("inspect.html", content(data, found))


def content(data: Dataset, found: dict[str, Any]) -> dict[str, Any]:
    """The content of the page, as plain data."""
    copies = found["duplicates"]["copies"]
    two_labels, others = ([copy for copy in copies if copy["two_labels"] == wanted] for wanted in (True, False))
    return {
        "found": found,
        "version": __version__,
        "summary": found["summary"].removeprefix(f"{found['name']}: "),
        "alarms": findings.sentences(found),
        "notes": list(data.remarks),
        "tree": understood.text(data),
        "channels": CHANNELS,
        "rows": label_rows(found),
        "shown_rows": ROWS,
        "panels": panels(data),
        "means": means(data),
        "two_labels": pairs(data, two_labels),
        "two_labels_count": len(two_labels),
        "copies": pairs(data, others),
        "copies_count": len(others),
        "left_out": left_out(data),
    }


def label_rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The number of images of each label in each split, and its share of the largest number."""
    counts, names = found["per_label"], found["labels"]["names"]
    most = max(1, *(max(values) for values in counts.values()))
    return [
        {"label": name, "cells": [{"count": values[i], "share": values[i] / most} for values in counts.values()]}
        for i, name in enumerate(names)
    ]


def panels(data: Dataset) -> list[dict[str, str]]:
    """The first training images of each label."""
    found = []
    for number, name in enumerate(data.labels.names[:LABELS]):
        rows = findings.members(data.train, data.labels, number)[:PER_LABEL]
        if len(rows):
            mosaic = canvas.mosaic(data.train.images[rows], columns=4)
            found.append({"title": name, "image": templates.data_url(canvas.png(mosaic))})
    return found


def means(data: Dataset) -> list[dict[str, str]]:
    """The mean training image of each label."""
    images = findings.means(data.train, data.labels, LABELS)
    return [
        {"title": name, "image": templates.data_url(canvas.png(canvas.enlarged(canvas.to_pil(image))))}
        for name, image in zip(data.labels.names, images, strict=False)
    ]


def pairs(data: Dataset, copies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first copies beside the images that they are copies of."""
    return [{"places": [_place(data, copy["of"]), _place(data, copy)], "kind": _kind(copy)} for copy in copies[:PAIRS]]


def left_out(data: Dataset) -> dict[str, Any]:
    """Files that were left out: their number by reason, and the first of them."""
    own = {name: f"was written by {wrote}" for name, wrote in data.own.items()}
    every = {**data.left_out, **own}
    return {
        "total": len(every),
        "reasons": Counter(map(in_one_line, every.values())).most_common(FILES),
        "first": [(in_one_line(name), in_one_line(why)) for name, why in list(every.items())[:FILES]],
    }


def _place(data: Dataset, place: dict[str, Any]) -> dict[str, str]:
    image = canvas.enlarged(canvas.to_pil(duplicates.image_at(data, place)))
    url = templates.data_url(canvas.png(image))
    return {"image": url, "name": duplicates.name_of(place), "label": place["label"], "split": place["split"]}


def _kind(copy: dict[str, Any]) -> str:
    return "equal in every pixel" if copy["kind"] == "exact" else f"nearly equal ({copy['similarity']:.3f})"
