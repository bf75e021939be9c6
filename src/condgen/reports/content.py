"""The content of a report, as plain data for the template templates/report.html."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from condgen import api, listing, measuring, records, score, templates, verdict
from condgen.comparison import HEADLINE, Entry, Group, grouped, histories, vae_beside_gan
from condgen.data_options import DataSource
from condgen.errors import CondgenError, notice
from condgen.metrics import METRICS
from condgen.version import __version__

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from condgen.judging.reference import Reference

SHOWN = {"argv", "started", "from_images", "torch", "device", "threads", "machine"}
"""Fields of a session that the page shows."""
PER_LABEL, SUSPECTS, LABELS = 8, 12, 20
"""Number of images of each label, number of nearest training images, and maximum number of labels."""


def content(found: Sequence[Entry], data: DataSource | None = None) -> dict[str, Any]:
    """The content of the page, as plain data."""
    groups = grouped(found)
    reference, _ = measuring.reference_for(api.data_of(found[0].folder, data))
    about = found[0].evaluation.about
    return {
        "title": ", ".join(group.title for group in groups) + f" on {about.data.name}",
        "about": about,
        "version": __version__,
        "metrics": METRICS,
        "parts": score.PARTS,
        "headline": [row(groups, name) for name in HEADLINE],
        "details": [row(groups, name) for name in METRICS if name not in HEADLINE and _known(groups, name)],
        "groups": [{"title": group.title, "seeds": len(group.entries)} for group in groups],
        "vae_beside_gan": [line.strip() for line in vae_beside_gan(groups)],
        "quality": quality(found),
        "real": panels(reference),
        "runs": [run(each, reference) for each in found],
        "papers": {name: listing.citation(name) for name in dict.fromkeys(each.identity.system for each in found)},
    }


@dataclass(frozen=True)
class Cell:
    """A metric of a group."""

    text: str
    flag: str | None
    """A warning, in words."""
    refused: str | None
    """Why it was not measured."""


@dataclass(frozen=True)
class Row:
    """One metric of every group and of real images."""

    name: str
    real: str
    cells: Sequence[Cell]


def row(groups: Sequence[Group], name: str) -> Row:
    """One metric of every group and of real images, with the flags that mark suspicious values."""
    evaluation = groups[0].entries[0].evaluation
    cells = []
    for group in groups:
        metrics = [each.evaluation.metrics for each in group.entries]
        results = [found[name] for found in metrics if name in found]
        flags = [result.flag for result in results if result.flag]
        why = next((result.generated.refused for result in results if result.generated.refused), None)
        cells.append(Cell(group.text(name), flags[0] if flags else None, why))
    return Row(name, evaluation.real_text(name), cells)


def run(entry: Entry, reference: "Reference") -> dict[str, Any]:
    """The part of the page that is about one run."""
    from condgen.sampling import plots

    env = _sessions(entry.folder)
    evaluation, labels = entry.evaluation, entry.evaluation.about.labels
    return {
        "title": entry.title,
        "images": entry.images,
        "minutes": entry.seconds / 60,
        "parameters": entry.parameters,
        "panels": generated_panels(entry),
        "options": by_options(entry.folder),
        "curves": svg(plots.curves(entry.log, "", "svg")) if entry.log else "",
        "labels": labels,
        "per_class": evaluation.per_class,
        "confusion": confusion(evaluation.confusion),
        "suspects": suspects(entry, reference),
        "best": _best(entry.folder),
        "alarms": _alarms(entry.folder),
        "verdict": str(verdict.of(evaluation)).splitlines(),
        "score": evaluation.score,
        "command": _command(env[0]["argv"]) if env else "",
        "sessions": env,
        "about": evaluation.about,
        "settings": entry.identity.config,
        "fingerprint": entry.identity.fingerprint,
    }


def by_options(folder: Path) -> str:
    """A chart of the saved evaluations under different sampling options; "" if there are fewer than two."""
    from condgen.sampling import plots

    lines = {
        ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in chosen.items()) or "defaults": {
            name: result.generated.value for name, result in found.metrics.items()
        }
        for chosen, found in measuring.with_options(folder)
    }
    return svg(plots.options(lines, "svg")) if len(lines) > 1 else ""


def generated_panels(entry: Entry) -> list[dict[str, str]]:
    """Generated images of each label, with the same latent vectors for all labels."""
    sampler = api.load(entry.folder)
    labels = sampler.trained[:LABELS]
    return [
        {"title": sampler.spec.labels.title(label), "image": mosaic(list(sampler.batches([label] * PER_LABEL, 0)))}
        for label in labels
    ]


def panels(reference: "Reference") -> list[dict[str, str]]:
    """Real test images of each label that has any."""
    images, groups = reference.split.images, reference.groups(reference.labels)
    shown = [(name, mask.numpy()) for name, mask in groups if mask.any() and not name.startswith("not ")]
    return [{"title": name, "image": mosaic([images[mask][:PER_LABEL]])} for name, mask in shown[:LABELS]]


@dataclass(frozen=True)
class Suspect:
    """A generated image, and the training image that is nearest to it, as data URLs."""

    generated: str
    real: str
    distance: float
    """Between their features."""
    same: bool
    """Whether they are equal in every pixel."""


def suspects(entry: Entry, reference: "Reference") -> list[Suspect]:
    """The generated images, out of 2,000, that are nearest to a training image, each with that image."""
    from condgen.judging.generated_set import generate
    from condgen.judging.protocol import NEAR
    from condgen.metrics import neighbours

    generated = generate(api.load(entry.folder), reference, NEAR, seed=0)
    distances, which = neighbours.nearest(
        reference.judge.predict(generated.images).features, reference.all_train_features
    )
    real = reference.dataset.train.images
    return [
        Suspect(
            _enlarged(generated.images[place]),
            _enlarged(real[which[place]]),
            float(distances[place]),
            bool((generated.images[place] == real[which[place]]).all()),
        )
        for place in distances.argsort()[:SUSPECTS].tolist()
    ]


def _enlarged(image: "NDArray[np.uint8]") -> str:
    """An image (h, w, c) as a data URL, with pixels large enough to be seen."""
    from condgen.sampling import canvas

    return templates.data_url(canvas.png(canvas.enlarged(canvas.to_pil(image))))


def confusion(counts: Sequence[Sequence[int]] | None) -> list[list[dict[str, float]]]:
    """The confusion matrix as counts and shares of their rows; empty without classes, or with more than LABELS."""
    if counts is None or len(counts) > LABELS:
        return []
    return [[{"count": count, "share": count / max(1, sum(line))} for count in line] for line in counts]


def quality(found: Sequence[Entry]) -> str:
    """Plot of quality over time of all runs, as SVG; '' if no run was evaluated during training."""
    from condgen.sampling import plots

    watched = histories(found)
    return svg(plots.quality(watched, "svg")) if watched else ""


def mosaic(batches: Sequence[Any]) -> str:
    """Batches of images, uint8 (n, h, w, c), as one PNG of four columns in a data URL."""
    import numpy as np

    from condgen.sampling import canvas

    generated = np.concatenate(batches)
    return templates.data_url(canvas.png(canvas.mosaic(generated, columns=4)))


def svg(figure: bytes) -> str:
    """An SVG figure for embedding: in the text colour of the page, and without the XML header."""
    text = figure.decode()
    return text[text.index("<svg") :].replace("#010203", "currentColor")


def _best(folder: Path) -> dict[str, Any] | None:
    """Number of images and metrics of the best generator during training; None if there is none."""
    from condgen.training import published

    try:
        card = api.card(folder, best=True)
    except CondgenError as error:
        if published.had_best(folder):
            notice(f"the report leaves out the best generator: {error}")
        return None
    return {"images": card.images, "scores": card.scores or {}}


def _sessions(folder: Path) -> list[dict[str, Any]]:
    """The sessions in which the run was trained, as far as they can be read from env.json."""
    found = records.read_list(folder / "env.json")
    sound = [session for session in found.sound if session.keys() >= SHOWN]
    if found.damaged or len(sound) < max(1, len(found.sound)):
        notice(
            f"{str(folder / 'env.json')!r} is damaged or missing: the report shows only the sessions that can be read."
        )
    return sound


@dataclass(frozen=True)
class Alarm:
    """One kind of alarm: its latest text, and the first and last number of images at which it was raised."""

    text: str
    first: int
    last: int


def _alarms(folder: Path) -> list[Alarm]:
    from condgen.training.published import lines

    found: dict[str, Alarm] = {}
    for line in lines(folder, "alarms.jsonl"):
        for alarm in line["alarms"]:
            first = found[alarm["kind"]].first if alarm["kind"] in found else line["images"]
            found[alarm["kind"]] = Alarm(alarm["text"], first, line["images"])
    return list(found.values())


def _command(argv: Sequence[str]) -> str:
    name = "condgen" if Path(argv[0]).name in ("condgen", "__main__.py") else argv[0]
    return shlex.join([name, *argv[1:]])


def _known(groups: Sequence[Group], name: str) -> bool:
    return any(name in each.evaluation.metrics for group in groups for each in group.entries)
