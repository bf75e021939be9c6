"""`condgen compare`: compares several runs in one table, one image grid and one plot.

Runs of one system with the same settings form one column: the median over their seeds, with the range. Runs without an
evaluation are evaluated first. Everything but the images is read from JSON files in the run folders.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from condgen import api, marker
from condgen.data_options import DataSource
from condgen.errors import CondgenError
from condgen.evaluation import Evaluation
from condgen.metrics import METRICS
from condgen.metrics.estimate import Estimate
from condgen.result import Result
from condgen.systems import preset
from condgen.tables import as_table
from condgen.verbs import evaluate

if TYPE_CHECKING:
    from PIL import Image

    from condgen.training.run import RunConfig

FILES = ("comparison.json", "same-z.png", "quality.png")
ROWS = 3
"""Number of rows, each with the same z, in the image grid of a run."""
REAL = "real images"
HEADLINE = tuple(name for name, metric in METRICS.items() if metric.headline)


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


@dataclass(frozen=True)
class Group:
    """Runs that differ only in their seeds."""

    title: str
    entries: list[Entry]

    def number(self, name: str) -> Estimate | None:
        """The median of a metric over the seeds, with the error of that one run; None if it was not measured."""
        found = [entry.numbers[name] for entry in self.entries if name in entry.numbers]
        values = sorted((n for n in found if n.value is not None), key=lambda n: n.value or 0)
        return values[(len(values) - 1) // 2] if values else None

    def text(self, name: str) -> str:
        """The median of a metric with its range over the seeds, or the value of a single run with its error."""
        values = [v for entry in self.entries if name in entry.numbers and (v := entry.numbers[name].value) is not None]
        if len(values) < 2:
            return str(self.number(name) or "-")
        return f"{median(values):.3g} ({min(values):.3g}-{max(values):.3g})"


def compare(*runs: str, data: DataSource | None = None, out: Path | None = None, quick: bool = False) -> Result:
    """Compare runs on the same data: metrics, training cost, images of the same latent vectors, quality over time.

    Args:
        runs: Folders of the runs. Runs that differ only in their seed are shown as their median with the range.
        data: Where the training data of the runs are now, if a run without evaluation does not find them.
        out: Folder for comparison.json, same-z.png and quality.png. Default: comparison.
        quick: Skip the classification accuracy score (CAS) when evaluating runs that have no evaluation yet.
    """
    folder, mark = (out or Path("comparison")).expanduser(), marker.Mark("condgen compare")
    marker.check(folder, mark, FILES)
    found = entries(runs, quick, data)
    from condgen.disk import replacing_files, write_bytes, write_json
    from condgen.sampling import canvas, plots

    groups = grouped(found)
    table = lines(groups)
    content = {"about": found[0].evaluation.about.to_json(), "table": table, "runs": _plain(found)}
    marker.claim(folder, mark, FILES)
    with replacing_files(folder, old=["quality.png"]) as part:
        write_json(part / "comparison.json", content)
        canvas.save_png(part / "same-z.png", same_z(found), marker.sheet("condgen compare"))
        if watched := histories(found):
            write_bytes(part / "quality.png", plots.quality(watched))
    words = vae_beside_gan(groups)
    files = f"images: {folder}/same-z.png, quality.png; numbers: comparison.json"
    return Result(content, "\n\n".join([as_table(table), *(["\n".join(words)] if words else []), files]))


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
    measured = evaluate.kept(run) or evaluate.evaluate_run(run, quick=quick, data=data, say=evaluate.aloud)
    from condgen.spec import Spec
    from condgen.training.published import lines

    clock, log = lines(run, "clock.jsonl"), lines(run, "log.jsonl")
    built = preset(identity.system)
    system = built.build_on_meta(Spec.from_json(identity.spec), built.config.with_overrides(identity.config))
    players = {name: player.size for name, player in system.players.items()}
    seconds, images = clock[-1]["seconds"] if clock else 0.0, api.card(run).images
    return Entry(run, identity, images, seconds, players, measured, log, clock)


def grouped(found: Sequence[Entry]) -> list[Group]:
    """Group the runs that differ only in their seeds, in the order of their first run.

    Lengths may differ by a tenth, since the number of images in one minute varies.
    """
    groups: list[list[Entry]] = []
    for each in found:
        mates = (members for members in groups if _alike(each, members[0]))
        if group := next(mates, None):
            group.append(each)
        else:
            groups.append([each])
    names = [members[0].identity.system for members in groups]
    return [
        Group(name if names.count(name) == 1 else f"{name} ({members[0].folder.name})", members)
        for name, members in zip(names, groups, strict=True)
    ]


def lines(groups: Sequence[Group]) -> list[dict[str, str]]:
    """The table: one row per cost and per headline metric, one column per group, and one for real images."""
    evaluation = groups[0].entries[0].evaluation
    table = [{"": name} | {group.title: cost(group) for group in groups} | {REAL: ""} for name, cost in COSTS.items()]
    for name in HEADLINE:
        cells = {group.title: group.text(name) for group in groups}
        table.append({"": METRICS[name].title} | cells | {REAL: evaluation.real_text(name)})
    return table


def histories(found: Sequence[Entry]) -> dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """Log and clock of the runs that were evaluated during training, by title."""
    return {each.title: (each.log, each.clock) for each in found if any("fd" in line for line in each.log)}


def same_z(found: Sequence[Entry]) -> "Image.Image":
    """One image grid per run, stacked vertically: the same z in each row, one label per column."""
    from condgen.sampling import canvas, grids

    generated = [grids.class_grid(api.load(each.folder), rows=ROWS) for each in found]
    return canvas.stacked(generated, [each.title for each in found])


def vae_beside_gan(groups: Sequence[Group]) -> list[str]:
    """The claims on VAE and GAN in CLAIMS with measured values, as lines of text; empty without a run of each."""
    sides = {
        "autoencoders": [group for group in groups if not group.entries[0].is_game],
        "games": [group for group in groups if group.entries[0].is_game],
    }
    if not all(sides.values()):
        return []
    said = ["VAE and GAN compared:"]
    for name, claim in CLAIMS.items():
        values = [
            f"{', '.join(f'{group.title} {group.text(name)}' for group in members)}"
            for members in sides.values()
        ]  # fmt: skip
        said.append(f"  {claim}: {' | '.join(values)}")
    spreads = [", ".join(f"{group.title} {_spread(group)}" for group in members) for members in sides.values()]
    return [*said, f"  a game is harder to train (FD, worst seed over best): {' | '.join(spreads)}"]


CLAIMS = {
    "sharpness": "a GAN is sharper (edges, 1 is as in real images)",
    "precision": "its images are better (precision)",
    "recall": "but it may collapse (recall)",
    "walk": "a VAE's latent space is smoother (largest of 16 steps of an interpolation; 0.0625 is even)",
}
"""Claims of "Python 深度学习: 基于 PyTorch" (2019), section 8.4, by the name of the metric that tests each one."""


COSTS: dict[str, Callable[[Group], str]] = {
    "seeds": lambda group: str(len(group.entries)),
    "parameters": lambda group: f"{group.entries[0].parameters:,}",
    "images seen": lambda group: f"{median(each.images for each in group.entries):,.0f}",
    "minutes": lambda group: f"{median(each.seconds for each in group.entries) / 60:.1f}",
    "images/s": lambda group: f"{median(each.images / max(each.seconds, 1e-3) for each in group.entries):,.0f}",
}


def _spread(group: Group) -> str:
    values = [value for each in group.entries if (value := each.numbers["fd"].value)]
    return f"{max(values) / min(values):.2f} of {len(values)}" if len(values) > 1 else "one seed"


def _alike(one: Entry, other: Entry) -> bool:
    """Whether two runs differ only in their seeds, and by at most a tenth in their lengths."""
    settings = [{k: v for k, v in each.identity.config.items() if k != "images"} for each in (one, other)]
    same = one.identity.system == other.identity.system and settings[0] == settings[1]
    return same and abs(one.images - other.images) <= 0.1 * other.images


def _plain(found: Sequence[Entry]) -> list[dict[str, Any]]:
    """Every run with its metrics, as plain data."""
    return [
        {"run": str(each.folder), "system": each.identity.system, "seed": each.identity.seed, "images": each.images}
        | {"seconds": each.seconds, "parameters": each.parameters}
        | {"numbers": {name: number.to_json() for name, number in each.numbers.items()}}
        for each in found
    ]


def _same(value: object) -> object:
    """What has to be equal: data are the same by their fingerprint, whatever they are called."""
    return getattr(value, "fingerprint", value)


def _brief(value: object) -> str:
    return str(getattr(value, "name", value))
