"""The Python interface. The command line calls the same functions.

Torch is imported inside the functions that need it, so that help texts and error messages appear at once.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from condgen import bounds
from condgen.card import Card
from condgen.data_options import DataOptions, DataSource
from condgen.errors import CondgenError, notice
from condgen.sharing import locate
from condgen.systems import DEFAULT, preset
from condgen.training.length import Length
from condgen.training.request import BestBy, Schedule, TrainingRequest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from condgen.data import Dataset
    from condgen.sampling import files
    from condgen.sampling.sampler import Sampler
    from condgen.system import System
    from condgen.training.run import Run, RunConfig


def train(
    system: str = DEFAULT,
    *,
    data: DataSource = "mnist",
    finetune: str | Path | None = None,
    out: str | Path | None = None,
    minutes: float | None = None,
    epochs: float | None = None,
    seed: int = 0,
    device: str = "auto",
    log_every: int | None = None,
    grid_every: int | None = None,
    evaluate_every: int | None = None,
    best_by: BestBy = "fd",
    roll_back: bool = False,
    save_seconds: float = 30.0,
    hooks: str | Sequence[object] = "",
    allow_changed: bool = False,
    quiet: bool = False,
    **settings: Any,
) -> "Run":
    """Train an image generator on labelled images. Repeating the command resumes a stopped training.

    Args:
        system: A preset from `condgen list systems`.
        data: A name from `condgen list data`, a path to your own images, or hf://OWNER/NAME on the Hugging Face Hub.
            In Python also (images, labels), and data sets of torch and Hugging Face.
        finetune: Folder of a run whose weights, system and settings initialise this training.
            The data may differ, or have additional labels.
        out: Folder of the run. Default: runs/SYSTEM-DATA.
        minutes: Training length in minutes, instead of --images.
            It covers the whole command; the training speed is measured first.
        epochs: Training length in epochs (passes over the data set), instead of --images.
        seed: Random seed of weights, noise and data order.
            The same seed gives the same images in the same environment.
        device: Device to train on: auto, cpu, cuda, cuda:N or mps.
        log_every: Number of images between two log entries. Default: a 200th of the training length.
        grid_every: Number of images between two class grids. Default: a 20th of the training length.
        evaluate_every: Number of images between two evaluations; 0 disables them.
            Default: a tenth of the training length, at least 5,000.
            For data other than MNIST and Fashion-MNIST, a feature classifier is trained first. By default, these are
            evaluated in trainings of at least 100,000 images or 5 minutes.
        best_by: Metric that selects the generator kept in best/.
        roll_back: When an evaluation raises an alarm, roll back to the best evaluation before it, at most three times.
            Training continues with half the learning rate and another data order.
        save_seconds: Time between two checkpoints, in seconds. It does not affect the result.
        hooks: Trackers that follow the training, separated by commas: mlflow, swanlab, trackio, wandb.
            Also names of the entry-point group `condgen.hooks`, and in Python objects (`condgen.hooks.Hook`).
        allow_changed: Resume a run although its settings, data or environment have changed.
            The result is then no longer bit-exact; the run records the changes.
        quiet: Print no progress.
        settings: Options for reading the data (`data.DataOptions`), such as size=32, and fields of the system's
            `Config`, such as images, batch or lr.
    """
    schedule = Schedule(log_every, grid_every, evaluate_every, best_by, roll_back, save_seconds)
    bounds.check("train", {"seed": seed, **vars(schedule)})
    length = Length(settings.get("images"), epochs, minutes)
    options, settings = DataOptions.taken_from(settings)
    request = TrainingRequest(
        system, settings, data, options, finetune, out, length, seed, device, schedule, hooks, allow_changed, quiet
    )
    from condgen.training import session
    from condgen.training.job import TrainingJob

    return session.train(TrainingJob.prepare(request))


def load(run: str | Path, *, best: bool = False, device: str = "cpu", **options: Any) -> "Sampler":
    """Load the generator of a run, finished or not, or of an exported folder: `load(run).sample("8", count=4)`.

    Files are treated as untrusted: they are validated before use, and no code in them is executed.

    Args:
        run: Folder of a run or of an export, owner/name on the Hugging Face Hub, or a ready-made generator:
            digits or clothes.
        best: Use the generator with the best evaluation during training instead of the last one.
        device: Device to run on: auto, cpu, cuda, cuda:N or mps.
        options: Sampling options of the generator, such as truncation=0.7.
    """
    place = locate.find(run, best)
    card = place.card  # validated before torch is imported
    from condgen.sharing import folder

    return folder.sampler(place, card, device).with_options(**options)


def reopen(run: str | Path, data: DataSource | None = None) -> "tuple[System, Dataset]":
    """The whole system of a run (`system_of`), and the data that it was trained on.

    data: where the data are now, if not where they were.
    """
    return system_of(run), data_of(run, data)


def system_of(run: str | Path) -> "System":
    """The whole system of a run, with the weights of its newest checkpoint. Those of the generator are averaged, as in
    `load`."""
    folder, identity = Path(run).expanduser(), config_of(run)
    from condgen.sharing import weights
    from condgen.spec import Spec
    from condgen.training import checkpoint
    from condgen.training.run import Run

    saved, damaged = checkpoint.newest(Run(folder, identity).checkpoints)
    for sentence in damaged:
        notice(f"{str(run)!r}: {sentence}")
    if saved is None:
        raise CondgenError(f"{str(run)!r} has no intact checkpoint; its train command writes one.")
    found, tensors = preset(identity.system), saved.part("system")
    system = found.build_on_meta(Spec.from_json(identity.spec), found.config.with_overrides(identity.config))
    try:
        weights.fill(system, {name: tensors[name] for name in system.state_dict() if name in tensors})
        weights.fill(system.generator, saved.part("average"))
    except CondgenError as error:
        raise CondgenError(f"the newest checkpoint of {str(run)!r} {error}.") from None
    return system


def data_of(run: str | Path, data: DataSource | None = None, options: DataOptions | None = None) -> "Dataset":
    """The data that a run or an export was trained on, or `data` in their place (`training.source`)."""
    from condgen.training import source

    return source.data_of(run, data, options)


def image_like(run: str | Path, image: str | Path) -> "NDArray[np.uint8]":
    """The image in a file as a generator makes them, uint8 (h, w, c): read and scaled as the images of its training."""
    from condgen.data import one_image
    from condgen.training.source import Recorded

    recorded = Recorded.of(run)
    return one_image.read(Path(image).expanduser(), recorded.spec, DataOptions(**recorded.options))


def config_of(run: str | Path) -> "RunConfig":
    """The configuration of a run. Raises CondgenError for an exported folder, which has none."""
    card(run)
    from condgen.training.run import config_in

    identity = config_in(Path(run).expanduser())
    if identity is None:
        raise CondgenError(f"{str(run)!r} has a generator but no config.json; this needs the complete run.")
    return identity


def sample(
    run: str | Path,
    *,
    labels: str | Mapping[Any, int] = "all",
    mix: str | Mapping[Any, float] | None = None,
    count: int = 1,
    seed: int = 0,
    out: str | Path | None = None,
    grid: bool = False,
    shard: int | None = None,
    private: float | None = None,
    best: bool = False,
    device: str = "cpu",
    **options: Any,
) -> Path:
    """Generate images of the requested labels. The same request gives the same bytes.

    Args:
        run: Folder of a run or of an export, owner/name on the Hugging Face Hub, or a ready-made generator:
            digits or clothes.
        labels: Labels to generate. Classes: 8, Sneaker, 0-9, 3,5,8 or all; with a count of their own: 3=2,8=5.
            Attributes: Smiling, Smiling+Blond_Hair, none or all. A name in double quotes is nothing else: "all".
        mix: Generate images of a mix of labels instead, such as 3:.5,8:.5.
            The weights are normalised to sum 1.
        count: Number of images of the mix, or of each label without a count of its own.
        seed: Random seed. Another seed gives other images.
        out: Output: NAME.png, .jpg or .webp (one image or a grid), NAME.npz (arrays), or a folder of PNG files.
            Default: a name derived from the request, in the run's folder, or in generated/ for an export.
        grid: Write one image grid: one column per label, the same latent vector in each row.
        shard: Write WebDataset shards (.tar files) of this many images to the folder --out.
            Processes started by torchrun share the work. Repeating the command resumes it.
        private: Leave out images that are nearer to a training image than all but this percentage of real images.
            1 is usual. The training data have to be where the training found them, and --out has to be a folder.
        best: Use the generator with the best evaluation during training instead of the last one.
        device: Device to run on: auto, cpu, cuda, cuda:N or mps.
        options: Sampling options of the generator.
    """
    bounds.check("sample", {"count": count, "seed": seed, "shard": shard, "private": private})
    sampler = load(run, best=best, device=device, **options)
    from condgen.sampling import files, shards

    request = sampler.request(labels, mix, count=count, seed=seed)
    if out is None:
        wanted = f"mix-{files.named(mix, ':')}" if mix is not None else f"labels-{files.named(labels, '=')}"
        one_file = grid or (len(request) == 1 and private is None)
        chosen = sampler.chosen if private is None else {**sampler.chosen, "private": private}
        target = files.default_out(locate.home_of_images(run), wanted, count, seed, one_file, chosen)
    else:
        target = files.checked_out(out)
    if private is not None and (grid or shard is not None):
        raise CondgenError("--private leaves images out of a folder; it goes with neither --shard nor --grid.")
    if shard is not None:
        return shards.write(sampler, request, out=target, each=shard)
    return files.write(sampler, request, out=target, grid=grid, left_out=_too_near(run, private))


def _too_near(run: str | Path, percent: float | None) -> "files.LeftOut | None":
    """Says which images are too near to training images; None if this was not requested."""
    if percent is None:
        return None
    dataset = data_of(run)
    from condgen.judging.nearness import RealNearness

    return partial(RealNearness.of(dataset).too_near, percent=percent)


def card(run: str | Path, best: bool = False) -> Card:
    """The card of a generator. It is validated without torch, so that an error in the path is reported at once."""
    return locate.find(run, best).card
