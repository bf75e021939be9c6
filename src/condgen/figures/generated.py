"""Figures of generated images."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from condgen import api
from condgen.errors import CondgenError
from condgen.figures.files import positive, save

if TYPE_CHECKING:
    from condgen.labels import Label
    from condgen.sampling.sampler import Sampler


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

    sampler, columns = api.load(run, **options), positive("columns", columns)
    wanted = sampler.labels(labels)
    canvas.check_sheet(sampler.spec.shape, -(-len(wanted) // columns), columns, "--labels or another --columns")
    return save(grids.titled_images(sampler, wanted, columns, seed), run, "titled", out)


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

    sampler, rows = api.load(run, **options), positive("count", count)
    known = sampler.spec.labels
    columns = len(known) + 1 if known.kind == "attributes" else len(sampler.labels(labels))
    canvas.check_sheet(sampler.spec.shape, rows, columns, "--labels or a lower --count")
    if known.kind == "attributes":
        sheet = grids.attribute_flips(sampler, _one(sampler, base or "none", "base"), rows, seed)
    else:
        sheet = grids.class_grid(sampler, sampler.labels(labels), rows, seed)
    return save(sheet, run, "same-z", out)


def walk(
    run: str | Path,
    *,
    labels: str = "all",
    start: str | None = None,
    end: str | None = None,
    columns: int = 9,
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
        columns: Number of images per row, including both ends.
        count: Number of rows of an interpolation between labels, each with another latent vector.
        seed: Random seed. Another seed gives other images.
        out: PNG, JPEG or WebP file to write. Default: figures/walk.png or walk-labels.png in the run's folder.
        options: Sampling options of the generator.
    """
    from condgen.sampling import canvas, grids

    if columns < 2:
        raise CondgenError(f"--columns should be 2 or more, found {columns}.")
    if (start is None) != (end is None):
        raise CondgenError("an interpolation between labels needs both --start and --end.")
    sampler = api.load(run, **options)
    if start is None or end is None:
        wanted = sampler.labels(labels)
        canvas.check_sheet(sampler.spec.shape, len(wanted), columns, "--labels or --columns")
        return save(grids.latent_interpolation(sampler, wanted, columns, seed), run, "walk", out)
    canvas.check_sheet(sampler.spec.shape, count, columns, "--columns or a lower --count")
    ends = _one(sampler, start, "start"), _one(sampler, end, "end")
    return save(
        grids.label_interpolation(sampler, *ends, columns, positive("count", count), seed), run, "walk-labels", out
    )


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
    return save(grids.manifold(sampler, shown, positive("side", side)), run, "manifold", out)


def _one(sampler: "Sampler", word: str, option: str) -> "Label":
    found = sampler.labels(word)
    if len(found) != 1:
        raise CondgenError(f"--{option} {word!r} names {len(found)} labels; give one.")
    return found[0]
