"""The verbs, as Python functions: the command line calls these same bodies.

Torch is imported inside them, when there is work for it, so that help and mistakes are answered at once.
"""

import time
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from condgen import bounds
from condgen.data_options import DataOptions
from condgen.errors import CondgenError, notice
from condgen.former import DATA, current_names
from condgen.sharing import locate
from condgen.systems import DEFAULT, preset
from condgen.training.length import Length

if TYPE_CHECKING:
    from condgen.data import Dataset
    from condgen.sampling.sampler import Sampler
    from condgen.system import System
    from condgen.training.run import Run, RunConfig


def train(
    system: str = DEFAULT,
    *,
    data: str | Path = "mnist",
    finetune: str | Path | None = None,
    out: str | Path | None = None,
    minutes: float | None = None,
    epochs: float | None = None,
    seed: int = 0,
    device: str = "auto",
    log_every: int | None = None,
    grid_every: int | None = None,
    evaluate_every: int | None = None,
    best_by: Literal["fd", "label_accuracy"] = "fd",
    roll_back: bool = False,
    save_seconds: float = 30.0,
    allow_changed: bool = False,
    quiet: bool = False,
    **settings: Any,
) -> "Run":
    """Train a system on labelled images. The same command again goes on where the last one stopped.

    Args:
        system: A row of `condgen list systems`.
        data: A name from `condgen list data`, or a path to your own images.
        finetune: A run to begin from, with its system and settings: onto other data, or with more labels.
        out: The run's folder; by default runs/SYSTEM-DATA.
        minutes: Length in minutes instead of --images, from the beginning of the command to its end; this machine's
            speed is measured first.
        epochs: Length in passes over the data instead of --images.
        seed: Everything random follows from it; the same seed gives the same images.
        device: auto, cpu, cuda, cuda:N or mps.
        log_every: Images between two lines of the log; by default a 200th of the length.
        grid_every: Images between two class grids; by default a 20th of the length.
        evaluate_every: Images between two small evaluations, 0 for none; by default a tenth of the length (5,000 at
            least) if condgen brings a judge for these images, else none, since a judge has to be trained first.
        best_by: The number whose best generator is kept in best/, beside the last one.
        roll_back: When an evaluation raises an alarm, go back to the best one before it, three times at most, and on
            from there in another data order and with half the step size.
        save_seconds: Seconds between two checkpoints; has no influence on what is trained.
        allow_changed: Go on with a run although settings, data or machine have changed since, so that it is no longer
            bit-exact; the run records what.
        quiet: Say nothing.
        settings: How the data are read, such as size=32 (`data.DataOptions`), and the fields of the system's own
            Config, such as images, batch or lr.
    """
    bounds.check("train", {"seed": seed, "log_every": log_every, "grid_every": grid_every})
    bounds.check("train", {"evaluate_every": evaluate_every, "save_seconds": save_seconds})
    began, length = time.monotonic(), Length(settings.get("images"), epochs, minutes)
    options, settings = DataOptions.taken_from(settings)
    from condgen import heap, parallel
    from condgen.noise import preserve_rng
    from condgen.progress import Progress
    from condgen.training import interrupt, trainer
    from condgen.training.advice import advice
    from condgen.training.finetune import Parent
    from condgen.training.job import TrainingJob
    from condgen.training.mending import mend
    from condgen.training.run import Run, conditions, config_in, default_folder
    from condgen.training.state import Training
    from condgen.training.trainer import Every

    parent = Parent.of(finetune, system) if finetune else None
    order = TrainingJob.prepare(system, settings, data, options, seed, device, parent)
    with parallel.process_group(order.device, order.config.batch), heap.retained():
        progress, is_main = Progress(quiet or not parallel.is_main_process()), parallel.is_main_process()
        folder = Path(out).expanduser() if out else default_folder(order.identity)
        begun = config_in(folder)
        reference = cache(lambda: order.reference(evaluate_every, progress.say) if is_main else None)
        images = length.in_images(
            begun=begun.config["images"] if begun else None,
            default=order.config.images,
            per_epoch=len(order.dataset.train),
            fitting=lambda seconds: order.images_in(seconds, began, reference()),
        )
        order = order.lasting(parallel.broadcast(images))
        if allow_changed:
            order.check_fits(begun)
        opened = (
            Run.open(folder, order.identity, allow_changed) if is_main else nullcontext(Run(folder, order.identity))
        )
        with opened as run, interrupt.handle_signals() as stop, preserve_rng(order.device):
            parallel.barrier()
            training = Training(run, order.system(), order.stream(), order.dataset, order.config.ema_half_life)
            for sentence in training.restore():
                progress.say(sentence)
            stopped = False
            if training.images < order.config.images:
                monitor = order.monitor(reference())
                here = conditions(str(order.device), order.config.batch // parallel.world_size(), parallel.world_size())
                begin = run.begin_session(training.images, here, allow_changed) if is_main else []
                for sentence in [*order.dataset.notes, *advice(training.system, order.preset), *begin]:
                    progress.say(sentence)
                evaluated = parallel.broadcast(int(monitor is not None))
                every = Every(log_every, grid_every, evaluate_every if evaluated else 0)
                plan = trainer.Plan.of(order.config.images, every, save_seconds, best_by, roll_back)
                stopped = trainer.train(training, plan, progress, stop, monitor)
            elif is_main:
                for sentence in mend(training):
                    progress.say(sentence)
    if stopped:
        progress.say(f"stopped at {training.images:,} images; the same command resumes from there.")
        run.exit_code = stop.exit_code
        return run
    progress.say(run.next_steps(training.system.generator_spec.labels))
    return run


def load(run: str | Path, *, best: bool = False, device: str = "cpu", **options: Any) -> "Sampler":
    """The generator of a run, finished or not, or of an exported one, ready to draw: `load(run).sample("8", count=4)`.

    Its files are held to be a stranger's: nothing in them is run, and all is checked before it is used.

    Args:
        run: A run's folder, one that `condgen export` wrote, or owner/name on the Hugging Face hub.
        best: Of a run, that of the best evaluation while training, instead of the last.
        device: auto, cpu, cuda, cuda:N or mps.
        options: Sampling options of the generator, such as truncation=0.7.
    """
    place = locate.find(run, best)
    about = place.card
    from condgen.sharing import folder

    return folder.sampler(place, about, device).with_options(**options)


def reopen(run: str | Path) -> "tuple[System, Dataset]":
    """A whole trained system as its newest checkpoint has it, and the data that it was trained on."""
    folder, identity = Path(run).expanduser(), config_of(run)
    from condgen.sharing import weights
    from condgen.spec import Spec
    from condgen.training import checkpoint
    from condgen.training.run import Run

    saved, damaged = checkpoint.newest(Run(folder, identity).checkpoints)
    for sentence in damaged:
        notice(f"{str(run)!r}: {sentence}")
    if saved is None:
        raise CondgenError(f"{str(run)!r} has no sound checkpoint; the run's own train command writes one.")
    found, tensors = preset(identity.system), {k.removeprefix("system:"): v for k, v in saved.tensors.items()}
    system = found.build_on_meta(Spec.from_json(identity.spec), found.config.with_overrides(identity.config))
    try:
        weights.fill(system, {name: tensors[name] for name in system.state_dict() if name in tensors})
    except CondgenError as error:
        raise CondgenError(f"the newest checkpoint of {str(run)!r} {error}.") from None
    return system, data_of(run)


def data_of(run: str | Path, data: str | None = None) -> "Dataset":
    """The data that a run was trained on. Raises CondgenError if they are no longer the same.

    data: where they lie, for an exported run, which says no more than their name.
    """
    from condgen import data as datasets

    if locate.find(run).kind == "run":
        identity = config_of(run)
        options = {"attributes": identity.labels, "size": identity.size, "fit": identity.fit}
        name, fingerprint = identity.data, identity.fingerprint
    else:
        told = card(run)["data"]
        name, fingerprint = data or told["name"], told["fingerprint"]
        options = current_names({key: told[key] for key in ("labels", "size", "fit") if key in told}, DATA)
        if data is None and name not in datasets.SOURCES:
            raise CondgenError(f"{str(run)!r} was trained on {name!r}, which are not here: say where, by --data.")
    dataset = datasets.load(name, DataOptions(on_bad="skip", **options))
    if dataset.fingerprint != fingerprint:
        raise CondgenError(f"{name!r} has changed since {str(run)!r} was trained on it.")
    return dataset


def config_of(run: str | Path) -> "RunConfig":
    """What a run was trained as."""
    card(run)
    from condgen.training.run import config_in

    identity = config_in(Path(run).expanduser())
    if identity is None:
        raise CondgenError(f"{str(run)!r} has a generator but no config.json; this needs the whole run.")
    return identity


def sample(
    run: str | Path,
    *,
    labels: str = "all",
    count: int = 1,
    seed: int = 0,
    out: str | Path | None = None,
    grid: bool = False,
    shard: int | None = None,
    best: bool = False,
    device: str = "cpu",
    **options: Any,
) -> Path:
    """Draw images to order. The same request gives the same bytes.

    Args:
        run: A run's folder, an exported one, or owner/name on the Hugging Face hub.
        labels: 8, Sneaker, 0-9, 3,5,8 or all; of attributes: Smiling, Smiling+Blond_Hair, none or all.
        count: Images per label.
        seed: Another seed, other images.
        out: NAME.png for one image or a grid, NAME.npz for arrays, any other name for a folder of PNG files; by
            default a name in the run's folder, or under generated/ for an exported one.
        grid: One sheet, a column per label, the same noise along each row.
        shard: Images per WebDataset shard: --out is then a folder of .tar files, which processes started by torchrun
            share out, and which a second command goes on with.
        best: By the generator of the best evaluation while training, instead of the last.
        device: auto, cpu, cuda, cuda:N or mps.
        options: The sampling options of the generator.
    """
    bounds.check("sample", {"count": count, "seed": seed, "shard": shard})
    place = locate.find(run, best)
    about = place.card
    from condgen.sampling import files, shards
    from condgen.sharing import folder

    sampler = folder.sampler(place, about, device).with_options(**options)
    wanted = list(dict.fromkeys(sampler.labels(labels)))
    one_file = grid or len(wanted) * count == 1
    target = (
        Path(out).expanduser()
        if out
        else files.default_out(locate.home(run), labels, count, seed, one_file, sampler.chosen)
    )
    if shard is not None:
        return shards.write(sampler, wanted, count=count, seed=seed, out=target, each=shard)
    return files.write(sampler, wanted, count=count, seed=seed, out=target, grid=grid)


def card(run: str | Path, best: bool = False) -> dict[str, Any]:
    """What a run says of its generator; checked without torch, so that a wrong name is answered at once."""
    return locate.find(run, best).card
