"""Writes generated images to files."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
from numpy.lib import format as npy

from condgen import marker, slugs
from condgen.disk import replacing
from condgen.errors import CondgenError
from condgen.labels import ANY
from condgen.marker import Mark
from condgen.options import Value
from condgen.sampling import canvas, grids, provenance
from condgen.sampling.request import SampleRequest
from condgen.sampling.sampler import Sampler

MOST_FILES, MOST_IN_ONE = 10_000_000, 100_000_000
"""Maximum number of images per command: in a folder, and in one array or in shards."""
CHUNK = 100_000
"""Number of labels written to an .npz at a time."""


def default_out(
    run: Path, labels: str, count: int, seed: int, one_file: bool, sampling: Mapping[str, Value] = {}
) -> Path:
    """The default output path: in the run's folder, with a name derived from the request."""
    chosen = "".join(f"_{name}-{value}" for name, value in sampling.items())
    name = f"labels-{slugs.part(labels)}_count-{count}_seed-{seed}{chosen}"
    return run / "generated" / (f"{name}.png" if one_file else name)


def write(sampler: Sampler, request: SampleRequest, *, out: Path, grid: bool = False) -> Path:
    """Generate the images of a request, write them to `out` and return its path.

    out: a .png file for one image or, with `grid`, for a grid with one column per label; or an .npz file with the
        arrays `images` (uint8) and `labels`. Any other name is a folder with one PNG file per image, named by label,
        seed and index.
    """
    images, labels = len(request), request.labels
    if not images:
        raise CondgenError("--count should be 1 or more, found 0.")
    if grid or out.suffix in (".png", ".npz"):
        marker.check_file(out)
    if grid:
        rows, columns = max(request.counts), canvas.COLUMNS if sampler.spec.labels == ANY else len(labels)
        canvas.check_sheet(sampler.spec.shape, rows, columns, "--labels or a lower --count")
        if out.suffix != ".png":
            raise CondgenError(f"--grid writes one image; {str(out)!r} should end in .png.")
        sheet = grids.class_grid(sampler, list(labels), rows=rows, seed=request.seed)
        canvas.save_png(out, sheet, about(sampler, seed=request.seed))
    elif out.suffix == ".npz":
        check_images(images, MOST_IN_ONE, "give a lower --count")
        _npz(sampler, request, out)
    elif out.suffix == ".png":
        if images != 1:
            raise CondgenError(f"{images:,} images do not fit into {str(out)!r}: add --grid, or give a folder or .npz.")
        _files(sampler, request, iter([out]))
    else:
        if out.exists() and not out.is_dir():
            raise CondgenError(f"{str(out)!r} is a file; give a folder, or a name that ends in .png or .npz.")
        check_images(images, MOST_FILES, "give a lower --count, or write .tar files with --shard")
        marker.claim(out, Mark("condgen sample", sampler.spec.labels))
        _files(sampler, request, (out / f"{request.name(sampler.spec.labels, item)}.png" for item in request))
    return out


def check_images(images: int, most: int, remedy: str) -> None:
    """Raise CondgenError if one command requests more than `most` images."""
    if images > most:
        raise CondgenError(f"{images:,} images are more than one command writes ({most:,}); {remedy}.")


def _files(sampler: Sampler, request: SampleRequest, paths: Iterator[Path]) -> None:
    images = sampler.generate(request, request.seed)
    for path, item, image in zip(paths, request, images, strict=True):
        metadata = about(sampler, **request.metadata(sampler.spec.labels, item))
        canvas.save_png(path, canvas.to_pil(image), metadata)


def _npz(sampler: Sampler, request: SampleRequest, out: Path) -> None:
    """Write images and labels to an .npz file. Each micro-batch is written before the next one is generated, so memory
    use does not depend on the number of images.

    zlib's fastest level is used: the default level makes MNIST files 10 % smaller and takes twice as long.
    """
    spec = sampler.spec
    shape = (len(request), *spec.shape[1:], *((spec.channels,) if spec.channels > 1 else ()))
    with replacing(out) as temporary, ZipFile(temporary, "w", ZIP_DEFLATED, compresslevel=1) as file:
        with file.open("images.npy", "w", force_zip64=True) as stream:
            _header(stream, np.dtype(np.uint8), shape)
            for image in sampler.generate(request, request.seed):
                stream.write(image.tobytes())
        with file.open("labels.npy", "w", force_zip64=True) as stream:
            _labels(stream, request)
        with file.open("names.npy", "w", force_zip64=True) as stream:
            npy.write_array(stream, np.array(spec.labels.names), allow_pickle=False)
        with file.open(f"{marker.KEY}.npy", "w", force_zip64=True) as stream:
            note = json.dumps(about(sampler, seed=request.seed, count=max(request.counts)))
            npy.write_array(stream, np.array(note), allow_pickle=False)


def _labels(stream: IO[bytes], request: SampleRequest) -> None:
    """Write the label of every image, in chunks of at most CHUNK labels."""
    labels = np.array(request.labels)
    _header(stream, labels.dtype, (len(request), *labels.shape[1:]))
    for label, count in zip(labels, request.counts, strict=True):
        for start in range(0, count, CHUNK):
            part = np.broadcast_to(label, (min(CHUNK, count - start), *label.shape))
            stream.write(part.tobytes())


def _header(stream: IO[bytes], dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    npy.write_array_header_1_0(stream, {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": shape})


def about(sampler: Sampler, **request: object) -> dict[str, object]:
    """The metadata of an image, which suffices to generate it again."""
    return provenance.about(sampler.card, sampler.micro_batch, **request)
