"""Repairs a finished run with damaged files: rewrites the files that follow from its checkpoint, data and log.

A class grid is a function of (seed, images, weights), so it can be generated again if a checkpoint at that number of
images exists: always for the last one, and for older ones as far back as rescue/ reaches. The same holds for the best
generator.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from condgen import disk, records
from condgen.errors import CondgenError
from condgen.sampling import canvas
from condgen.sharing import card
from condgen.training import checkpoint, published, recorder
from condgen.training.identity import PUBLISHED
from condgen.training.metric_log import read
from condgen.training.published import Published
from condgen.training.run import weights_of
from condgen.training.state import Training

MEASURED = ("fd", "label_accuracy", "diversity/")
"""Prefixes of the names of an evaluation's metrics in the log."""


def mend(training: Training) -> list[str]:
    """Rewrite damaged or missing files.

    Returns a sentence about the files that were rewritten, and one about those that cannot be.
    """
    run, known = training.run, published.readable(training.run.folder)
    mended, lost = list[str](), list[str]()
    for name, write in _repairs(training, known):
        (mended if write() else lost).append(name)
    mended += _swept(training)
    lost += _unmendable(run.folder, known)
    if mended or known is None:
        run.note_files(training.images)
    said = [f"written again, from the checkpoint at {training.images:,} images: {', '.join(mended)}."] if mended else []
    if lost:
        said.append(
            f"damaged or missing, and not recoverable from this run: {', '.join(lost)}; only the same training "
            "with another --out writes them."
        )
    return said


def _repairs(training: Training, known: Published | None) -> Iterator[tuple[str, Callable[[], bool]]]:
    """The files to repair, each with a function that does so and returns whether it could."""
    folder = training.run.folder
    if not checkpoint.is_sound(training.run.checkpoints / f"{training.images:012d}"):
        yield "checkpoints/", lambda: _done(training.save)
    if not _is_of(training, folder / "generator"):
        yield "generator/", lambda: _done(training.publish)
    best = known.best if known else None
    if (best is not None or (folder / "best").exists()) and not is_sound(folder / "best"):
        yield "best/", lambda: _best(training, best)
    names = {path.name for path in (folder / "samples").glob("*.png")} | {f"{training.images:012d}.png", "real.png"}
    names |= {Path(name).name for name in (known.files if known else ()) if name.startswith("samples/")}
    for name in sorted(names):
        if not canvas.is_whole(folder / "samples" / name):
            yield f"samples/{name}", lambda name=name: _sheet(training, name)  # type: ignore[misc]
    if not canvas.is_whole(folder / "curves.png"):
        yield "curves.png", lambda: _done(lambda: recorder.draw_curves(training.run))
    if known is None:
        yield PUBLISHED, lambda: True


def is_sound(folder: Path) -> bool:
    """Whether a folder, generator/ or best/, contains an intact card and the weights that the card names."""
    try:
        found = card.read(folder / card.NAME)
        return disk.sha256(folder / found.weights) == found.sha256
    except (CondgenError, OSError):
        return False


def _is_of(training: Training, folder: Path) -> bool:
    """Whether `folder` contains an intact generator with the current averaged weights of this training."""
    expected = sha256(weights_of(training.ema.net)).hexdigest()
    return is_sound(folder) and card.read(folder / card.NAME).sha256 == expected


def _swept(training: Training) -> list[str]:
    """Remove damaged states. A rescue point at the current number of images is saved again. Returns their names."""
    run, found = training.run, list[str]()
    for place in (run.checkpoints, run.rescue, run.rescue_best):
        for path in [path for path in checkpoint.saved(place) if not checkpoint.is_sound(path)]:
            shutil.rmtree(path, ignore_errors=True)
            found.append(f"{place.name}/{path.name} (removed)")
            if place == run.rescue and int(path.name) == training.images:
                training.save_rescue()
                found[-1] = f"{place.name}/{path.name}"
    return found


def _best(training: Training, images: int | None) -> bool:
    """Rewrite best/ from a state at `images` training images. Returns whether there is such a state."""
    if images is None or (saved := training.state_at(images)) is None:
        return False
    training.keep_best(_scores(training, images), training.sampler_of(saved).net, images)
    return True


def _scores(training: Training, images: int) -> Mapping[str, float]:
    """The metrics that were logged at `images` training images."""
    line = next((line for line in training.run.log if line["images"] == images), {})
    return {name: value for name, value in line.items() if name.startswith(MEASURED)}


def _sheet(training: Training, name: str) -> bool:
    if name == "real.png":
        return _done(lambda: recorder.save_real(training))
    saved = training.state_at(int(Path(name).stem)) if Path(name).stem.isdigit() else None
    if saved is None:
        return False
    recorder.save_grid(training, training.sampler_of(saved), saved.images)
    return True


def _unmendable(folder: Path, known: Published | None) -> Iterator[str]:
    """Damaged or missing files that only the training itself could write."""
    for name in published.GROWING:
        problems = list[str]()
        read(folder / name, say=problems.append)
        if problems or (known and known.is_cut(folder, name)):
            yield f"lines of {name}"
    for name in ("env.json", "rollbacks.json"):
        listed = known is not None and name in known.files
        if records.read_list(folder / name).damaged or (listed and not (folder / name).exists()):
            yield name
    yield from (name for name, state in published.event_files(folder, known).items() if state != "sound")


def _done(work: Callable[[], object]) -> bool:
    work()
    return True
