"""The runs of a comparison with their evaluations. Runs without one are evaluated."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from condgen import api, measuring
from condgen.data_options import DataSource
from condgen.errors import CondgenError, aloud
from condgen.evaluation import Evaluation
from condgen.metrics.estimate import Estimate
from condgen.systems import preset

if TYPE_CHECKING:
    from condgen.training.run import RunConfig


@dataclass(frozen=True)
class Entry:
    """One run: its configuration, its training cost and its metrics."""

    folder: Path
    identity: "RunConfig"
    images: int
    seconds: float
    players: dict[str, int]
    """Number of parameters of each player."""
    evaluation: Evaluation
    log: list[dict[str, Any]]
    clock: list[dict[str, Any]]

    @property
    def numbers(self) -> dict[str, Estimate]:
        return self.evaluation.numbers

    @property
    def title(self) -> str:
        return f"{self.identity.system} (seed {self.identity.seed})"

    @property
    def is_game(self) -> bool:
        """Whether the run is a GAN, with several players; an autoencoder has one."""
        return len(self.players) > 1

    @property
    def parameters(self) -> int:
        return sum(self.players.values())

    def to_json(self) -> dict[str, Any]:
        return {
            "run": str(self.folder),
            "system": self.identity.system,
            "seed": self.identity.seed,
            "images": self.images,
            "seconds": self.seconds,
            "parameters": self.parameters,
            "numbers": {name: number.to_json() for name, number in self.numbers.items()},
        }


def entries(runs: Sequence[str], quick: bool = False, data: DataSource | None = None) -> list[Entry]:
    """The runs with their evaluations; runs without one are evaluated.

    Raises CondgenError if the evaluations are not comparable.
    """
    if not runs:
        raise CondgenError("give one run or more, such as: condgen compare runs/cvae-mnist runs/cgan-concat-mnist")
    found = [entry(Path(run).expanduser(), quick, data) for run in dict.fromkeys(runs)]
    first = found[0]
    for other in found[1:]:
        for what in ("data", "judge", "protocol", "images_measured"):
            ours, theirs = getattr(first.evaluation.about, what), getattr(other.evaluation.about, what)
            if _same(ours) != _same(theirs):
                raise CondgenError(
                    f"{str(first.folder)!r} and {str(other.folder)!r} cannot be compared: other "
                    f"{what.replace('_', ' ')} ({_brief(ours)}, not {_brief(theirs)}). "
                    "`condgen evaluate RUN` measures a run again."
                )
    return found


def entry(run: Path, quick: bool = False, data: DataSource | None = None) -> Entry:
    """One run with its evaluation; it is evaluated if it has none."""
    identity = api.config_of(run)
    measured = measuring.kept(run) or measuring.evaluate_run(run, quick=quick, data=data, say=aloud)
    from condgen.spec import Spec
    from condgen.training.published import lines

    clock, log = lines(run, "clock.jsonl"), lines(run, "log.jsonl")
    built = preset(identity.system)
    system = built.build_on_meta(Spec.from_json(identity.spec), built.config.with_overrides(identity.config))
    players = {name: player.size for name, player in system.players.items()}
    seconds, images = clock[-1]["seconds"] if clock else 0.0, api.card(run).images
    return Entry(run, identity, images, seconds, players, measured, log, clock)


def histories(found: Sequence[Entry]) -> dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """Log and clock of the runs that were evaluated during training, by title."""
    return {each.title: (each.log, each.clock) for each in found if any("fd" in line for line in each.log)}


def _same(value: object) -> object:
    """What has to be equal: data are the same by their fingerprint, whatever they are called."""
    return getattr(value, "fingerprint", value)


def _brief(value: object) -> str:
    return str(getattr(value, "name", value))
