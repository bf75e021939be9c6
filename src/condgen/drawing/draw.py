"""Pictures to order: from labels to files."""

import json
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
from numpy.lib import format as npy

from condgen import marker
from condgen.disk import replacing
from condgen.drawing import captions, pictures, sheets
from condgen.drawing.sampler import Sampler
from condgen.errors import CondgenError
from condgen.labels import Label
from condgen.marker import Mark


def default_out(run: Path, labels: str, count: int, seed: int, one_file: bool) -> Path:
    """Where pictures go when nobody says: into the run's own folder, under the request's own name."""
    name = f"labels-{labels.replace('/', '-')}_count-{count}_seed-{seed}"
    return run / "drawn" / (f"{name}.png" if one_file else name)


def write(sampler: Sampler, labels: list[Label], *, count: int, seed: int, out: Path, grid: bool) -> Path:
    """Draw `count` pictures of each label into `out`, and say where they are.

    out: a .png for one picture or, with `grid`, for a sheet with one column a label; an .npz with arrays `images`
        (uint8) and `labels`; any other name is a folder of one PNG a picture, named by label, seed and index.
    """
    if count < 1:
        raise CondgenError(f"--count should be 1 or more, found {count}.")
    if grid or out.suffix in (".png", ".npz"):
        marker.check_file(out)
    if grid:
        if out.suffix != ".png":
            raise CondgenError(f"--grid draws one picture; {str(out)!r} should end in .png.")
        pictures.save_png(out, sheets.classes(sampler, labels, rows=count, seed=seed), about(sampler, seed=seed))
    elif out.suffix == ".npz":
        _npz(sampler, labels, count, seed, out)
    elif out.suffix == ".png":
        if len(labels) * count != 1:
            raise CondgenError(
                f"{len(labels) * count} pictures do not fit into {str(out)!r}: add --grid, or give a folder or .npz."
            )
        _files(sampler, labels, count, seed, [out])
    else:
        if out.exists() and not out.is_dir():
            raise CondgenError(f"{str(out)!r} is a file; give a folder, or a name that ends in .png or .npz.")
        marker.claim(out, Mark("condgen sample", sampler.spec.labels))
        _files(sampler, labels, count, seed, _names(sampler, labels, count, seed, out))
    return out


def _names(sampler: Sampler, labels: list[Label], count: int, seed: int, folder: Path) -> list[Path]:
    known = sampler.spec.labels
    return [folder / captions.file_name(known, label, seed, i) for label in labels for i in range(count)]


def _files(sampler: Sampler, labels: list[Label], count: int, seed: int, paths: list[Path]) -> None:
    asked = [(label, index) for label in labels for index in range(count)]
    drawn = (picture for batch in sampler.batches([label for label, _ in asked], seed) for picture in batch)
    for path, (label, index), picture in zip(paths, asked, drawn, strict=True):
        told = about(sampler, label=sampler.spec.labels.title(label), seed=seed, index=index)
        pictures.save_png(path, pictures.image(picture), told)


def _npz(sampler: Sampler, labels: list[Label], count: int, seed: int, out: Path) -> None:
    """A picture is in the file before the next ones are drawn, so that a million of them need no more memory than one.

    Compression is zlib's lightest: the usual one makes digits a tenth smaller and takes twice as long.
    """
    spec, asked = sampler.spec, (label for label in labels for _ in range(count))
    shape = (len(labels) * count, *spec.shape[1:], *((spec.channels,) if spec.channels > 1 else ()))
    few = {"labels": np.repeat(np.array(labels), count, axis=0), "names": np.array(spec.labels.names)}
    few[marker.KEY] = np.array(json.dumps(about(sampler, seed=seed, count=count)))
    with replacing(out) as temporary, ZipFile(temporary, "w", ZIP_DEFLATED, compresslevel=1) as file:
        with file.open("images.npy", "w", force_zip64=True) as stream:
            npy.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
            for drawn in sampler.batches(asked, seed):
                stream.write(drawn.tobytes())
        for name, array in few.items():
            with file.open(f"{name}.npy", "w", force_zip64=True) as stream:
                npy.write_array(stream, array, allow_pickle=False)


def about(sampler: Sampler, **request: object) -> dict[str, object]:
    """What a picture can tell of itself: enough to draw it again."""
    return captions.about(sampler.card, sampler.micro_batch, **request)
