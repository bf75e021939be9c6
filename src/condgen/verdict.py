"""The verdict on an evaluation in sentences: what is good, what is wrong, what could not be told, what to do next.

It is a function of the values and flags of an evaluation. A flag says that something is wrong. Without a flag, an
aspect is good only if one of its metrics is accurate enough to show a fault that a glance would not miss; otherwise
nothing can be told about it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import inf

from condgen import shell
from condgen.evaluation import Evaluation, MetricResult, Verdict
from condgen.metrics import METRICS, least_difference

MOST = 3
"""Maximum number of next steps."""


@dataclass(frozen=True)
class Aspect:
    """A question that several metrics answer together."""

    good: str
    """What is good if none of the metrics is flagged."""
    untold: str
    """What is unknown if none of them is accurate enough."""
    metrics: Mapping[str, float]
    """Metrics that answer it, with the largest least difference (`metrics.least_difference`) at which they do."""


ASPECTS = (
    Aspect(
        "images resemble real ones",
        "whether images resemble real ones",
        {"fd": inf, "fd_reduced": inf, "fd_intra": inf, "precision": 0.25},
    ),
    Aspect(
        "fine structures are right",
        "whether fine structures are right",
        {"fine_detail": 0.5, "spectrum": 0.5, "borders": 0.5},
    ),
    Aspect("colours are right", "whether colours are right", {"colour": 0.5}),
    Aspect("images vary as real ones do", "whether images vary as real ones do", {"recall": 0.25, "repeats": 0.3}),
    Aspect("labels are followed", "whether labels are followed", {"label_accuracy": 0.3}),
    Aspect(
        "every class is generated",
        "whether every class is generated",
        {"missing_classes": 1, "balance": 0.3},
    ),
    Aspect(
        "training images are not copied",
        "whether training images are copied",
        {"copying": 0.3, "near_copies": 0.3},
    ),
    Aspect("a classifier learns from them", "whether a classifier learns from them", {"cas": 0.15}),
)

LONGER = "train longer: repeat the train command with more --images or --minutes"
COPIES = {
    "none": "train with --augmentation adaptive, with which copies of few training images are rarer",
    "on": "give more training images, or train for fewer --images: augmentation is on",
    "": "give more training images, or train for fewer --images",
}
VARIETY = {
    "none": "train with --augmentation adaptive, which helps if the training images are few",
    "on": "compare with --augmentation none, with which images may vary more and be less even",
    "": LONGER,
}
"""What helps, by the augmentation of the training; '' if its system has none, or is not known."""
SHEET = "look at the images of each label: condgen figure titled {run}"
STEPS: Mapping[str, str | Mapping[str, str]] = {
    "exact_copies": COPIES, "near_copies": COPIES, "copying": COPIES,
    "missing_classes": "train with --balanced-sampling, which shows every class equally often",
    "balance": "train with --balanced-sampling, which shows every class equally often",
    "fine_detail": LONGER, "spectrum": LONGER, "borders": LONGER, "colour": LONGER, "fd": LONGER, "fd_reduced": LONGER,
    "precision": LONGER, "cas": LONGER, "repeats": VARIETY, "recall": VARIETY,
    "label_accuracy": SHEET, "fd_intra": SHEET, "cas_worst": SHEET,
}  # fmt: skip
"""What helps against a flagged metric, the most urgent first."""


def judged(found: Evaluation) -> Evaluation:
    """The evaluation with its verdict, by the present rules."""
    return replace(found, verdict=_judge(found))


def of(found: Evaluation) -> Verdict:
    """The verdict that the evaluation holds, or, for one of an earlier condgen, a new one."""
    return found.verdict or _judge(found)


def _judge(found: Evaluation) -> Verdict:
    wrong = tuple(_wrong(found))
    measured = [aspect for aspect in ASPECTS if aspect.metrics.keys() & found.metrics.keys()]
    states = [(aspect, _state(aspect, found.metrics)) for aspect in measured]
    untold = tuple(_untold(aspect, found) for aspect, state in states if state == "untold")
    good = tuple(aspect.good for aspect, state in states if state == "good")
    return Verdict(good, wrong, untold, tuple(_steps(found, bool(untold)))[:MOST])


def _wrong(found: Evaluation) -> Iterator[str]:
    """What the gate says, then one phrase per warning, with the metrics that say so."""
    yield from found.gate.troubles
    by_text: dict[str, list[str]] = {}
    for name in _flagged(found):
        by_text.setdefault(found.metrics[name].flag or "", []).append(name)
    for text, names in by_text.items():
        yield f"{text} ({', '.join(_measured(name, found) for name in names[:2])})"


def _measured(name: str, found: Evaluation) -> str:
    return f"{METRICS[name].title} {found.metrics[name].generated}, real images {found.real_text(name)}"


def _flagged(found: Evaluation) -> list[str]:
    return [name for name in METRICS if name in found.metrics and found.metrics[name].flag]


def _state(aspect: Aspect, metrics: Mapping[str, MetricResult]) -> str:
    """wrong: a metric is flagged. good: none is, and one of them would have been. Otherwise untold."""
    there = {name: metrics[name] for name in aspect.metrics if name in metrics}
    if any(result.flag for result in there.values()):
        return "wrong"
    tells = [name for name, result in there.items() if _difference(result) <= aspect.metrics[name]]
    return "good" if tells else "untold"


def _difference(result: MetricResult) -> float:
    """The smallest difference from real images that is flagged; NaN, which no number exceeds, without a value."""
    if result.generated.value is None or result.real is None or result.real.value is None:
        return float("nan")
    return least_difference(result.generated, result.real)


def _untold(aspect: Aspect, found: Evaluation) -> str:
    """What is unknown and why: the reason of a refusal, or the error of the first metric."""
    there = {name: found.metrics[name].generated for name in aspect.metrics if name in found.metrics}
    reasons = [number.refused for number in there.values() if number.refused]
    known = [name for name, number in there.items() if number.value is not None]
    if known:
        return f"{aspect.untold} ({_measured(known[0], found)}: the errors are too large)"
    return f"{aspect.untold} ({'; '.join(dict.fromkeys(reason.rstrip('.') for reason in reasons))})"


def _steps(found: Evaluation, untold: bool) -> Iterator[str]:
    run = shell.path(found.about.run) if found.about.run else "RUN"
    flagged = set(_flagged(found))
    augmented, steps = _augmentation(found), [step for name, step in STEPS.items() if name in flagged]
    chosen = [step if isinstance(step, str) else step[augmented] for step in steps]
    yield from dict.fromkeys(step.format(run=run) for step in chosen)
    if untold:
        yield _more_images(found)
    if not flagged and not untold and not found.gate.troubles:
        yield f"use it: condgen sample {run}, or condgen export {run}" if found.about.run else "use the images"


def _augmentation(found: Evaluation) -> str:
    """A key of COPIES and VARIETY: none, on, or '' if the system has no augmentation or is not known."""
    config = (found.about.generator.config if found.about.generator else None) or {}
    return {None: "", "none": "none"}.get(config.get("augmentation"), "on")


def _more_images(found: Evaluation) -> str:
    """Which images are too few: those that were generated, or the real ones."""
    tested = (found.about.judge.accuracy or {}).get("n", 0)
    if found.about.images_measured < min(1000, tested or 1000):
        return f"measure more generated images: {found.about.images_measured:,} are few"
    return "give more real test images, in a folder test/ or as a larger data set; a tenth of the data is held out"
