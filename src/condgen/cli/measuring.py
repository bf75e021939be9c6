"""The commands `evaluate`, `compare`, `report`, `audit` and `augment`."""

from condgen import auditing, augmentation, comparison, measuring, reports
from condgen.auditing import Audit
from condgen.augmentation import Augmentation
from condgen.cli.command import Command
from condgen.comparison import Comparison
from condgen.errors import CondgenError
from condgen.evaluation import Evaluation
from condgen.measuring import SelfTest


def compared(found: Comparison) -> str:
    return f"{found}\n\nimages: {found.folder}/same-z.png, quality.png; numbers: comparison.json"


def audited(found: Audit) -> str:
    return f"{found}\n\nimages to withdraw: {found.folder}/withdraw.csv; numbers: audit.json"


def augmented(found: Augmentation) -> str:
    files = f"images: {found.folder}; list of images: manifest.json"
    return f"{found}\n\n{files}" + ("; proof: gain.json; training set: train.csv" if found.proof else "")


def points(found: Evaluation | SelfTest) -> float:
    """The overall score, for --fail-under."""
    if isinstance(found, SelfTest):
        raise CondgenError("--self-test measures no images of yours, so that --fail-under has nothing to compare.")
    overall = found.score.overall
    if overall.value is None:
        raise CondgenError(f"--fail-under has nothing to compare: {overall.refused}")
    return overall.value


FORMATS = {"csv": Comparison.to_csv, "markdown": Comparison.to_markdown, "latex": Comparison.to_latex}

COMMANDS = {
    "evaluate": Command(measuring.evaluate, "[RUN] [OPTIONS]", json=True, points=points),
    "compare": Command(comparison.compare, "RUN... [OPTIONS]", compared, json=True, formats=FORMATS),
    "report": Command(reports.report, "RUN... [OPTIONS]"),
    "audit": Command(auditing.audit, "[RUN] [OPTIONS]", audited, json=True),
    "augment": Command(augmentation.augment, "DATA --run RUN [OPTIONS]", augmented, json=True),
}
