"""Figures of real images, which a system encodes: reconstructions, other labels, latent codes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from condgen import api
from condgen.data_options import DataSource
from condgen.errors import CondgenError, notice
from condgen.figures.files import positive, save, write

if TYPE_CHECKING:
    from condgen.labels import Label, Labels


def reconstructions(
    run: str | Path, *, count: int = 40, data: DataSource | None = None, out: Path | None = None
) -> Path:
    """Real images (odd columns) beside their reconstructions (even columns).

    Args:
        run: Folder of a run of vae, vae-2d, cvae or flow.
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
    return save(grids.side_by_side(originals, view.reconstructions(count)), run, "reconstructions", out)


def switched(
    run: str | Path,
    image: Path | None = None,
    *,
    label: str | None = None,
    to: str = "all",
    count: int = 4,
    data: DataSource | None = None,
    out: Path | None = None,
    **options: Any,
) -> Path:
    """A real image, its reconstruction, and the same image under other labels.

    The image is encoded under its own label, and its latent vector is decoded under each of the others.

    Args:
        run: Folder of a run of cvae or flow.
        image: Image file. It is read and scaled as the images of the training.
            Default: the first images of the test split, or of the training split if there is no test split.
        label: Label of the image, as in `condgen sample`: 8, or Smiling+Blond_Hair.
        to: Other labels, or with attributes those to be switched on or off, one per column: 3,8 or Eyeglasses,Smiling.
        count: Number of images if no file is given, each in a row of its own.
        data: Where the training data are now, if they have moved.
        out: PNG, JPEG or WebP file to write. Default: figures/switched.png in the run's folder.
        options: Sampling options of the generator, for the images under other labels.
    """
    system = api.system_of(run)
    from condgen.options import checked
    from condgen.sampling import canvas, grids, latent

    encoder, known = latent.Encoder(system), system.spec.labels
    options = checked(system.sampling_options, options)
    if not system.takes_label:
        raise CondgenError(f"{str(run)!r} takes no label that could be switched; condgen figure reconstructions shows "
                           "real images beside their reconstructions.")  # fmt: skip
    others = _chosen(known, to)
    if image is not None:
        labels, images = [_label_of(known, label, image)], api.image_like(run, image)[None]
    else:
        images, labels = _first_images(run, positive("count", count), label, data)
    canvas.check_sheet(system.spec.shape, len(images), 2 + len(others), "labels by --to or a lower --count")
    sheet, error = grids.switched(encoder, images, labels, others, options)
    notice(f"reconstructions differ from the images by {error:.1f} of 255 grey levels on average.")
    return save(sheet, run, "switched", out)


def _first_images(run: str | Path, count: int, label: str | None, data: DataSource | None) -> "tuple[Any, list[Label]]":
    """The first images of the data that a run was trained on, (n, h, w, c), and their labels."""
    if label is not None:
        raise CondgenError(f"--label {label!r} is the label of an image file, and none is given.")
    found = api.data_of(run, data)
    split = found.test or found.train
    from condgen.labels import from_rows

    return split.images[:count], from_rows(split.labels[:count])


def _chosen(known: "Labels", to: str) -> list[int]:
    """The numbers of the classes or attributes in --to."""
    found: list[int] = []
    for label in known.parse(to):
        if isinstance(label, tuple) and sum(label) != 1:
            raise CondgenError(
                f"--to {to!r} names {known.title(label)!r}; give single attributes, separated by commas."
            )
        found.append(label.index(1) if isinstance(label, tuple) else label)
    return found


def _label_of(known: "Labels", label: str | None, image: Path) -> "Label":
    if label is None:
        raise CondgenError(f"the label of {str(image)!r} is missing: --label, such as {known.title(known.each[0])}.")
    found = known.parse(label)
    if len(found) != 1:
        raise CondgenError(f"--label {label!r} names {len(found)} labels; give one.")
    return found[0]


def scatter(run: str | Path, *, count: int = 10_000, data: DataSource | None = None, out: Path | None = None) -> Path:
    """Scatter plot of the latent codes of real images, coloured by label.

    Latent codes of more than two dimensions are projected to their first two principal components.

    Args:
        run: Folder of a run of vae, vae-2d, cvae or flow.
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
