"""The saved evaluations of a run."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from condgen import api, records, shell, verdict
from condgen.errors import notice
from condgen.evaluation import Evaluation
from condgen.former import EVALUATION, current_names
from condgen.records import Damaged

if TYPE_CHECKING:
    from condgen.options import Value


def kept(run: str | Path, best: bool = False, sampling: "Mapping[str, Value] | None" = None) -> Evaluation | None:
    """The saved evaluation of a run under these sampling options; None if missing, damaged or of other weights."""
    path = Path(run).expanduser() / file_name(best, sampling)
    return _read(path, run, best) if path.exists() else None


def with_options(run: str | Path) -> "list[tuple[Mapping[str, Value], Evaluation]]":
    """The saved evaluations of a run's last generator, each with the sampling options that were chosen for it."""
    paths = sorted(Path(run).expanduser().glob("evaluation*.json"))
    found = (_read(path, run, False) for path in paths if not path.name.startswith("evaluation-best"))
    return [((each.about.generator and each.about.generator.sampling) or {}, each) for each in found if each]


def _read(path: Path, run: str | Path, best: bool) -> Evaluation | None:
    try:
        found = Evaluation.from_json(_current(records.read(path)))
        if found.about.generator is None:
            raise KeyError("generator")
    except (Damaged, KeyError, TypeError, AttributeError, ValidationError):
        notice(f"{str(path)!r} is damaged and is not used; condgen evaluate {shell.path(run)} measures the run again.")
        return None
    same = found.about.generator.sha256 == api.card(Path(run).expanduser(), best).sha256
    if not same:
        return None
    return found if found.verdict else verdict.judged(found)  # an earlier condgen stored no verdict


def _current(found: Mapping[str, Any]) -> dict[str, Any]:
    """The evaluation with present names of fields; an earlier condgen used other ones."""
    lists = {
        key: [current_names(line, EVALUATION) for line in value]
        for key, value in found.items()
        if isinstance(value, list) and all(isinstance(line, dict) for line in value)
    }
    return {**found, **lists} | {"about": current_names(found["about"], EVALUATION)}


def file_name(best: bool, sampling: "Mapping[str, Value] | None" = None) -> str:
    """File name of an evaluation, with the chosen options: evaluation-best_truncation-0.7.json."""
    chosen = "".join(f"_{name}-{value}" for name, value in (sampling or {}).items())
    return f"evaluation{'-best' if best else ''}{chosen}.json"
