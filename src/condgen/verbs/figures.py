"""`condgen figure WHAT RUN`: the figures that the source documents show, each by one command.

Every function takes a run's folder, writes one file and returns its path; `out` is by default a name of its own in the
run's `figures/`. Torch is imported when there is something to draw.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from condgen import api, marker
from condgen.errors import CondgenError, notice
from condgen.sharing import locate

if TYPE_CHECKING:
    from PIL import Image

    from condgen.labels import Label
    from condgen.sampling.sampler import Sampler

NOTE = marker.sheet("condgen figure")


def titled(
    run: str | Path,
    *,
    labels: str = "all",
    columns: int = 5,
    seed: int = 0,
    out: Path | None = None,
    **options: Any,
) -> Path:
    """One image per label, each under its title: 2 x 5 for ten digits.

    Args:
        run: A run's folder.
        labels: As for `condgen sample`.
        columns: Images side by side.
        seed: Another seed, other images.
        out: The PNG to write.
        options: The sampling options of the generator.
    """
    from condgen.sampling import canvas, grids

    sampler, columns = api.load(run, **options), _positive("columns", columns)
    wanted = sampler.labels(labels)
    canvas.check_sheet(sampler.spec.shape, -(-len(wanted) // columns), columns, "--labels or another --columns")
    return _save(grids.titled_images(sampler, wanted, columns, seed), run, "titled", out)


def same_z(
    run: str | Path,
    *,
    labels: str = "all",
    base: str | None = None,
    count: int = 8,
    seed: int = 0,
    out: Path | None = None,
    **options: Any,
) -> Path:
    """The same noise along each row under every label; of attributes, with one of them switched per column.

    Args:
        run: A run's folder.
        labels: As for `condgen sample`; of classes only.
        base: Of attributes, the label that they are switched from; by default none.
        count: Rows.
        seed: Another seed, other images.
        out: The PNG to write.
        options: The sampling options of the generator.
    """
    from condgen.sampling import canvas, grids

    sampler, rows = api.load(run, **options), _positive("count", count)
    known = sampler.spec.labels
    columns = len(known) + 1 if known.kind == "attributes" else len(sampler.labels(labels))
    canvas.check_sheet(sampler.spec.shape, rows, columns, "--labels or a lower --count")
    if known.kind == "attributes":
        sheet = grids.attribute_flips(sampler, _one(sampler, base or "none", "base"), rows, seed)
    else:
        sheet = grids.class_grid(sampler, sampler.labels(labels), rows, seed)
    return _save(sheet, run, "same-z", out)


def walk(
    run: str | Path,
    *,
    labels: str = "all",
    start: str | None = None,
    end: str | None = None,
    steps: int = 9,
    count: int = 8,
    seed: int = 0,
    out: Path | None = None,
    **options: Any,
) -> Path:
    """From one noise to another, a row per label; or, given --start and --end, from one label to another.

    Args:
        run: A run's folder.
        labels: The rows of a walk through noise, as for `condgen sample`.
        start: The label that a walk through labels begins at.
        end: The label that it ends at.
        steps: Images along the way, both ends included.
        count: Rows of a walk through labels, each another noise.
        seed: Another seed, other images.
        out: The PNG to write.
        options: The sampling options of the generator.
    """
    from condgen.sampling import canvas, grids

    if steps < 2:
        raise CondgenError(f"--steps should be 2 or more, found {steps}.")
    if (start is None) != (end is None):
        raise CondgenError("a walk through labels wants both --start and --end.")
    sampler = api.load(run, **options)
    if start is None or end is None:
        wanted = sampler.labels(labels)
        canvas.check_sheet(sampler.spec.shape, len(wanted), steps, "--labels or --steps")
        return _save(grids.latent_interpolation(sampler, wanted, steps, seed), run, "walk", out)
    canvas.check_sheet(sampler.spec.shape, count, steps, "--steps or a lower --count")
    ends = _one(sampler, start, "start"), _one(sampler, end, "end")
    return _save(
        grids.label_interpolation(sampler, *ends, steps, _positive("count", count), seed), run, "walk-labels", out
    )


def reconstructions(run: str | Path, *, count: int = 40, out: Path | None = None) -> Path:
    """Real images in the odd columns, what an autoencoder makes of them in the even ones.

    Args:
        run: The folder of a run of an autoencoder.
        count: Real images: the first of the test set, or of the training set if there is no other; a multiple of 8.
        out: The PNG to write.
    """
    if count < 8 or count % 8:
        raise CondgenError(f"--count should be a multiple of 8, found {count}.")
    from condgen.sampling import grids, latent

    view = latent.View(*api.reopen(run))
    originals = view.split.images[:count]
    if len(originals) < count:
        raise CondgenError(f"there are only {len(originals)} images; give a smaller --count.")
    return _save(grids.side_by_side(originals, view.reconstructed(count)), run, "reconstructions", out)


def manifold(
    run: str | Path, *, label: str | None = None, side: int = 20, out: Path | None = None, **options: Any
) -> Path:
    """The plane of a two-number latent as images.

    Args:
        run: The folder of a run whose z has two numbers, such as of vae-2d.
        label: Which label to show, if the system has any; by default the first.
        side: Images along each side.
        out: The PNG to write.
        options: The sampling options of the generator.
    """
    from condgen.sampling import canvas, grids

    sampler = api.load(run, **options)
    if sampler.prior.dim != 2 or sampler.prior.kind != "normal":
        raise CondgenError(f"a plane needs a z of 2 normal numbers; that of {str(run)!r} has {sampler.prior.dim}. "
                           "Train vae-2d, or with --z-dim 2.")  # fmt: skip
    canvas.check_sheet(sampler.spec.shape, side, side, "images by a lower --side")
    shown = _one(sampler, label, "label") if label else sampler.spec.labels.each[0]
    return _save(grids.manifold(sampler, shown, _positive("side", side)), run, "manifold", out)


def scatter(run: str | Path, *, count: int = 10_000, out: Path | None = None) -> Path:
    """Where an autoencoder puts real images, coloured by label; of a longer z, its two main directions.

    Args:
        run: The folder of a run of an autoencoder.
        count: Real images at most: the first of the test set, or of the training set if there is no other.
        out: The PNG to write.
    """
    from condgen.sampling import latent, plots

    view = latent.View(*api.reopen(run))
    points, groups = view.codes(_positive("count", count))
    title = f"{len(points):,} images in the latent plane" + (" (two main directions)" if view.dim > 2 else "")
    return _write(plots.scatter(points, groups, view.names, title), run, "scatter", out)


def curves(run: str | Path, *, out: Path | None = None) -> Path:
    """The logged numbers of any run against images seen.

    Args:
        run: A run's folder.
        out: The PNG to write.
    """
    from condgen.sampling import plots
    from condgen.training import published

    log = published.lines(Path(run).expanduser(), "log.jsonl")
    if not log:
        raise CondgenError(f"{str(run)!r} has no log.jsonl with numbers in it.")
    return _write(plots.curves(log, str(run)), run, "curves", out)


def growth(run: str | Path, *, count: int = 6, columns: int = 3, out: Path | None = None) -> Path:
    """How the class grid grew, always from the same noise: a sheet, or a film if `out` ends in .gif.

    Args:
        run: A run's folder.
        count: Moments on a sheet, evenly over the training; a film shows them all.
        columns: Moments side by side.
        out: The PNG or GIF to write.
    """
    from condgen.sampling import canvas
    from condgen.training import published

    for name in published.lost_grids(Path(run).expanduser()):
        notice(f"{str(Path(run) / name)!r} is missing; the others are shown.")
    paths = sorted((Path(run).expanduser() / "samples").glob("[0-9]*.png"))
    if not paths:
        raise CondgenError(f"{str(run)!r} has no samples/ yet.")
    if out is not None and Path(out).suffix == ".gif":
        return _write(canvas.film([canvas.read(path) for path in paths], NOTE), run, "growth", out)
    count = min(_positive("count", count), len(paths))
    chosen = [paths[round(i * (len(paths) - 1) / max(count - 1, 1))] for i in range(count)]
    titles = [f"{int(path.stem):,} images" for path in chosen]
    sheet = canvas.captioned([canvas.read(path) for path in chosen], titles, _positive("columns", columns))
    return _save(sheet, run, "growth", out)


FIGURES = (titled, same_z, walk, reconstructions, manifold, scatter, curves, growth)


def _one(sampler: "Sampler", word: str, option: str) -> "Label":
    found = sampler.labels(word)
    if len(found) != 1:
        raise CondgenError(f"--{option} {word!r} names {len(found)} labels where one is wanted.")
    return found[0]


def _positive(option: str, value: int) -> int:
    if value < 1:
        raise CondgenError(f"--{option} should be 1 or more, found {value}.")
    return value


def _save(sheet: "Image.Image", run: str | Path, name: str, out: Path | None) -> Path:
    from condgen.sampling import canvas

    return _write(canvas.png(sheet, NOTE), run, name, out)


def _write(content: bytes, run: str | Path, name: str, out: Path | None) -> Path:
    from condgen.disk import write_bytes

    path = Path(out).expanduser() if out else locate.home(run) / "figures" / f"{name}.png"
    wanted = ".gif" if content.startswith(b"GIF") else ".png"
    if path.suffix != wanted:
        raise CondgenError(f"{str(path)!r} should end in {wanted}.")
    marker.check_file(path)
    write_bytes(path, content)
    return path
