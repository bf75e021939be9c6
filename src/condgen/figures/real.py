"""Figures of real images in the latent space of an autoencoder."""

from pathlib import Path

from condgen import api
from condgen.data_options import DataSource
from condgen.errors import CondgenError
from condgen.figures.files import positive, save, write


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
    return save(grids.side_by_side(originals, view.reconstructed(count)), run, "reconstructions", out)


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
    points, groups = view.codes(positive("count", count))
    title = f"{len(points):,} images in the latent plane" + (" (two main directions)" if view.dim > 2 else "")
    return write(plots.scatter(points, groups, view.names, title), run, "scatter", out)
