"""README.md of an exported folder: a model card for the Hugging Face Hub, from templates/README.md.

Its front matter is YAML. Every value there is written as JSON, which is a subset of YAML, so that no name can break the
syntax. In the text, every value is escaped for Markdown (sharing/markdown.py), unless the template says otherwise.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from condgen.card import Card, Measured, Score
from condgen.labels import ANY
from condgen.metrics import METRICS
from condgen.metrics.estimate import Estimate
from condgen.sharing import markdown
from condgen.systems import preset


def text(card: Card, files: Sequence[str]) -> str:
    """The README.md of a generator. files: names of the other files in the folder."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, finalize=markdown.finalized,
    )  # fmt: skip
    environment.filters |= {"listed": markdown.listed, "line": markdown.line, "fenced": markdown.fenced}
    channels, height, width = card.spec.shape
    labels = card.spec.labels.names
    return environment.get_template("README.md").render(
        card=card,
        title=f"{card.system} on {card.data.name}",
        summary=preset(card.system).summary,
        tags=["condgen", "image-generation", *(["conditional-generation"] if labels != [*ANY.names] else [])],
        scores=[score(name, value) for name, value in (card.scores or {}).items()],
        labels=labels,
        conditional=labels != [*ANY.names],
        last=min(8, len(labels) - 1),
        files=files,
        channels=channels,
        height=height,
        width=width,
    )


def score(name: str, value: float | Score) -> dict[str, Any]:
    """One row of the table of metrics.

    value: a metric with its error and that of real images, or a plain number that was logged during training.
    """
    number = _estimate(value) if isinstance(value, Score) else Estimate(value, None, 0)
    title = METRICS[name].title if name in METRICS else name
    real = _estimate(value.real) if isinstance(value, Score) and value.real else None
    return {
        "name": name,
        "title": title,
        "value": number.value,
        "text": str(number),
        "real": str(real) if real else markdown.Plain("-"),
    }


def _estimate(measured: Measured) -> Estimate:
    return Estimate(measured.value, measured.error, measured.n, measured.refused)
