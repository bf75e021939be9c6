"""`condgen figure WHAT RUN`: one command for each figure of the source documents.

Every function writes one file about a run and returns its path. `out` defaults to a name in the run's `figures/`.
Torch is imported only when there is something to plot.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from condgen import api, marker
from condgen.data_options import DataSource
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
    """One image per label, each with its label as title; two rows of five for ten digits.

    Args:
        run: Folder of a run.
        labels: Labels to show, as in `condgen sample`.
        columns: Number of images per row.
        seed: Random seed. Another seed gives other images.
        out: PNG, JPEG or WebP file to write. Default: figures/titled.png in the run's folder.
        options: Sampling options of the generator.
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
    """Grid with the same latent vector in each row and one label per column.

    With attributes, each column switches one attribute of the label --base.

    Args:
        run: Folder of a run.
        labels: Labels to show, as in `condgen sample`. Classes only.
        base: With attributes, the label whose attributes are switched. Default: none.
        count: Number of rows.
        seed: Random seed. Another seed gives other images.
        out: PNG, JPEG or WebP file to write. Default: figures/same-z.png in the run's folder.
        options: Sampling options of the generator.
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
    """Interpolation between two latent vectors, one row per label; with --start and --end, between two labels.

    Args:
        run: Folder of a run.
        labels: Labels of the rows of a latent interpolation, as in `condgen sample`.
        start: First label of an interpolation between labels.
        end: Last label of an interpolation between labels.
        steps: Number of images per row, including both ends.
        count: Number of rows of an interpolation between labels, each with another latent vector.
        seed: Random seed. Another seed gives other images.
        out: PNG, JPEG or WebP file to write. Default: figures/walk.png or walk-labels.png in the run's folder.
        options: Sampling options of the generator.
    """
    from condgen.sampling import canvas, grids

    if steps < 2:
        raise CondgenError(f"--steps should be 2 or more, found {steps}.")
    if (start is None) != (end is None):
        raise CondgenError("an interpolation between labels needs both --start and --end.")
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


def reconstructions(
    run: str | Path, *, count: int = 40, data: DataSource | None = None, out: Path | None = None
) -> Path:
    """Real images (odd columns) beside their reconstructions by an autoencoder (even columns).

    Args:
        run: Folder of a run of an autoencoder.
        count: Number of real images, a multiple of 8.
            The first images of the test split are used, or of the training split if there is no test split.
        data: Where the training data are now, if they have moved.
        out: PNG, JPEG or WebP file to write. Default: figures/reconstructions.png in the run's folder.
    """
    if count < 8 or count % 8:
        raise CondgenError(f"--count should be a multiple of 8, found {count}.")
    from condgen.sampling import grids, latent

    view = latent.View(*api.reopen(run, data))
    originals = view.split.images[:count]
    if len(originals) < count:
        raise CondgenError(f"there are only {len(originals)} images; give a smaller --count.")
    return _save(grids.side_by_side(originals, view.reconstructed(count)), run, "reconstructions", out)


def manifold(
    run: str | Path, *, label: str | None = None, side: int = 20, out: Path | None = None, **options: Any
) -> Path:
    """Grid of images over a two-dimensional latent space.

    Args:
        run: Folder of a run with a two-dimensional latent vector, such as a run of vae-2d.
        label: Label to generate, if the system is conditional. Default: the first.
        side: Number of images along each side.
        out: PNG, JPEG or WebP file to write. Default: figures/manifold.png in the run's folder.
        options: Sampling options of the generator.
    """
    from condgen.sampling import canvas, grids

    sampler = api.load(run, **options)
    if sampler.prior.dim != 2 or sampler.prior.kind != "normal":
        raise CondgenError(f"the latent plane needs a normal z of 2 dimensions; {str(run)!r} has {sampler.prior.dim}. "
                           "Train vae-2d, or a system with --z-dim 2.")  # fmt: skip
    canvas.check_sheet(sampler.spec.shape, side, side, "images by a lower --side")
    shown = _one(sampler, label, "label") if label else sampler.trained[0]
    return _save(grids.manifold(sampler, shown, _positive("side", side)), run, "manifold", out)


def scatter(run: str | Path, *, count: int = 10_000, data: DataSource | None = None, out: Path | None = None) -> Path:
    """Scatter plot of the latent codes of real images, coloured by label.

    Latent codes of more than two dimensions are projected to their first two principal components.

    Args:
        run: Folder of a run of an autoencoder.
        count: Maximum number of real images.
            The first images of the test split are used, or of the training split if there is no test split.
        data: Where the training data are now, if they have moved.
        out: PNG, JPEG or WebP file to write. Default: figures/scatter.png in the run's folder.
    """
    from condgen.sampling import latent, plots

    view = latent.View(*api.reopen(run, data))
    points, groups = view.codes(_positive("count", count))
    title = f"{len(points):,} images in the latent plane" + (" (two main directions)" if view.dim > 2 else "")
    return _write(plots.scatter(points, groups, view.names, title), run, "scatter", out)


def curves(run: str | Path, *, out: Path | None = None) -> Path:
    """Training curves: the logged values against the number of training images.

    Args:
        run: Folder of a run.
        out: PNG, JPEG or WebP file to write. Default: figures/curves.png in the run's folder.
    """
    from condgen.sampling import plots
    from condgen.training import published

    log = published.lines(Path(run).expanduser(), "log.jsonl")
    if not log:
        raise CondgenError(f"{str(run)!r} has no log.jsonl with logged values.")
    return _write(plots.curves(log, str(run)), run, "curves", out)


def growth(run: str | Path, *, count: int = 6, columns: int = 3, out: Path | None = None) -> Path:
    """Class grids of the same latent vectors over the training, as one PNG or as an animated GIF.

    Args:
        run: Folder of a run.
        count: Number of class grids in a PNG, evenly spaced over the training. A GIF shows all of them.
        columns: Number of class grids per row.
        out: PNG, JPEG, WebP or GIF file to write. Default: figures/growth.png in the run's folder.
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
        raise CondgenError(f"--{option} {word!r} names {len(found)} labels; give one.")
    return found[0]


def _positive(option: str, value: int) -> int:
    if value < 1:
        raise CondgenError(f"--{option} should be 1 or more, found {value}.")
    return value


def _save(sheet: "Image.Image", run: str | Path, name: str, out: Path | None) -> Path:
    from condgen.sampling import canvas

    return _write(canvas.png(sheet, NOTE), run, name, out)


def _write(content: bytes, run: str | Path, name: str, out: Path | None) -> Path:
    """Write a figure, which is a PNG or GIF, in the format that the ending of `out` names."""
    from condgen.disk import write_bytes
    from condgen.sampling import canvas

    path = Path(out).expanduser() if out else locate.home(run) / "figures" / f"{name}.png"
    wanted = [".gif"] if content.startswith(b"GIF") else [*canvas.FORMATS]
    if path.suffix.lower() not in wanted:
        raise CondgenError(f"{str(path)!r} should end in {' or '.join(wanted)}.")
    marker.check_file(path)
    write_bytes(path, canvas.converted(content, path.suffix, NOTE))
    return path
