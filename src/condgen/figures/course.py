"""Figures of the course of a training."""

from pathlib import Path

from condgen.errors import CondgenError, notice
from condgen.figures.files import NOTE, positive, save, write


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
    return write(plots.curves(log, str(run)), run, "curves", out)


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
        return write(canvas.film([canvas.read(path) for path in paths], NOTE), run, "growth", out)
    count = min(positive("count", count), len(paths))
    chosen = [paths[round(i * (len(paths) - 1) / max(count - 1, 1))] for i in range(count)]
    titles = [f"{int(path.stem):,} images" for path in chosen]
    sheet = canvas.captioned([canvas.read(path) for path in chosen], titles, positive("columns", columns))
    return save(sheet, run, "growth", out)
