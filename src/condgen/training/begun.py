"""What a training takes over from the run that it resumes, and chooses for its data otherwise."""

from dataclasses import replace
from pathlib import Path

from condgen import data as datasets
from condgen.config import Choice, Config
from condgen.data import DataOptions, Dataset
from condgen.errors import notice
from condgen.training.identity import RunConfig, config_in, usual_folder
from condgen.training.request import TrainingRequest


def begun_in(request: TrainingRequest, system: str) -> RunConfig | None:
    """The run that the request resumes if it is in its usual folder; None if there is none."""
    return config_in(_usual_folder(request, system))


def _usual_folder(request: TrainingRequest, system: str) -> Path:
    if request.out or not isinstance(request.data, str | Path):
        return Path(request.out or "runs").expanduser()
    return usual_folder(system, datasets.absolute(str(request.data)))


def chosen(config: Config, dataset: Dataset, begun: RunConfig | None) -> list[Choice]:
    """Values for the settings that are not set: those of the run to resume, or else those for the data."""
    before = begun.config if begun else {}
    return [
        Choice(choice.setting, before[choice.setting]) if choice.setting in before else choice
        for choice in config.choices(dataset.spec, len(dataset.train))
    ]


def resuming_former(request: TrainingRequest, system: str) -> TrainingRequest:
    """The request, with the rule for held-out images that the run in its folder began with, if that is the former one.

    So the command of a run of an earlier condgen resumes it, although the default is another rule today. Runs of those
    versions have no data in memory.
    """
    if not isinstance(request.data, str | Path) or request.data_options.held_out != "per_class":
        return request
    begun = begun_in(request, system)
    if begun is None or DataOptions(**begun.data_options).held_out != "overall":
        return request
    if not datasets.is_name(datasets.absolute(str(request.data))):  # these have test splits of their own
        folder = _usual_folder(request, system)
        notice(f"{str(folder)!r} began with --held-out overall, the rule of an earlier condgen, and keeps it.")
    return replace(request, data_options=request.data_options.with_overrides({"held_out": "overall"}))
